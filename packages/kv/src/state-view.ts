/** A store's state as a view of the log: restored from rows and records, and told in rows. */

import type { LogEntry, View } from '@walrus/log'
import { decodeRecord } from './record.ts'
import { decodeRow, encodeRows, HEADER_ROW } from './snapshot-rows.ts'
import type { State } from './state.ts'

export class StateView implements View {
  readonly stream: string
  readonly #state: State
  /** The newest snapshot that was begun speaks of all records before this position. */
  covers = 0
  /** How many records it was given. */
  applied = 0

  constructor(stream: string, state: State) {
    this.stream = stream
    this.#state = state
  }

  restore(data: Uint8Array): void {
    decodeRow(data, (key, position, expiresAt) => this.#state.restore(key, position, expiresAt))
  }

  apply({ data, index }: LogEntry): void {
    this.applied++
    this.#state.apply(decodeRecord(data, index), index)
  }

  *snapshot(): Generator<Uint8Array> {
    this.covers = this.#state.next
    // What is sequenced and not acknowledged yet is not in the state; when the next row is asked for, it is.
    yield HEADER_ROW
    yield* encodeRows(this.#state.entries())
  }

  isLive(position: number): boolean {
    return this.#state.isLive(position)
  }
}
