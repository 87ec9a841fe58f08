/** What all topics of an instance share. */

import type { Log } from '@walrus/log'
import type { Environment } from '@walrus/segment'
import type { Ledger } from './ledger.ts'
import type { ResolvedOptions } from './options.ts'
import type { ReadAheadPool } from './read-ahead.ts'
import type { TopicsState } from './state.ts'

export interface Engine {
  readonly log: Log
  readonly env: Environment
  readonly options: ResolvedOptions
  readonly state: TopicsState
  readonly ledger: Ledger
  readonly pool: ReadAheadPool
  /** Ends every wait when the topics are closed. */
  readonly closing: AbortSignal
  /** Throws when the topics are closed. */
  checkOpen(): void
  /** Throws when the log was opened for reading. */
  checkWritable(): void
  /** A topic was appended to. */
  appended(topic: string): void
  /** A cursor of a topic has moved on, or is gone: some of it may be needless. */
  passed(topic: string): void
}
