/**
 * What the writer sequences: a commit, all of whose entries go into the log together or not at all.
 *
 * `Addition` is one to a single stream; `SetCommit` is one of a batch or transaction, which others may take part in
 * and are told of; `BoundsChange` is a truncation.
 */

import type { Outcome } from './outcome.ts'
import type { Sequencer } from './sequencer.ts'
import type { Spool } from './spool.ts'

export interface Commit {
  /** Whether there is nothing to be sequenced. */
  readonly empty: boolean
  /** How many entries it has. */
  readonly entries: number
  readonly outcome: Outcome | undefined
  /** One that is too large for memory, and gets segments of its own. */
  readonly large: LargeCommit | undefined
  /** Whether nothing else goes into its group. */
  readonly alone: boolean
  /** Bytes it needs in one group. */
  room(sequencer: Sequencer): number
  /** Why it may not be sequenced, now that its turn has come; `undefined` when it may. */
  refusal(): unknown
  /** Sequences all of it; what is to be resolved to. There must be room. */
  add(sequencer: Sequencer): number
  /** Makes it independent of the caller's buffers. */
  keep(): void
}

export interface LargeCommit {
  readonly spool: Spool
  /** Takes the position of each entry: it has been sequenced. */
  sequenced(positions: number[]): void
}
