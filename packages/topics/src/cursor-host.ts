/** What a cursor needs of its topic. */

import type { Stream } from '@walrus/log'
import type { Place } from './cursor-options.ts'
import type { CursorState } from './topic-state.ts'
import type { Waiters } from './waiting.ts'

export interface CursorHost {
  readonly name: string
  readonly stream: Stream
  readonly waiters: Waiters
  /** Where it begins. */
  readonly first: number
  /** The position after its last entry. */
  readonly end: number
  /** The bytes of data of all entries before a position, where that is known. */
  bytesBefore(position: number): number | undefined
  cursorState(name: string): CursorState | undefined
  /** Creates a cursor, unless there is one; resolves when it is as durable as the log makes it. */
  ensureCursor(name: string): Promise<CursorState>
  resolve(place: Place): Promise<number>
}
