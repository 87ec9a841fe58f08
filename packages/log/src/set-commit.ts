/** The commit of a batch or transaction: what is in it when it is committed. */

import type { Catalog } from './catalog.ts'
import type { Commit, LargeCommit } from './commit.ts'
import type { Outcome } from './outcome.ts'
import { conflict, type Precondition } from './precondition.ts'
import type { Sequencer } from './sequencer.ts'
import type { Spool, StreamEntry } from './spool.ts'
import type { CommitPart, SetContents } from './write-set.ts'

export class SetCommit implements Commit, Outcome {
  readonly empty: boolean
  readonly alone = false
  /** The position of each entry, once it is sequenced. */
  positions: number[] = []
  readonly #catalog: Catalog
  readonly #spool: Spool
  /** What was in memory then: more may be added, or all of it cleared, while this waits. */
  readonly #entries: readonly StreamEntry[]
  readonly #frames: number
  readonly #preconditions: readonly Precondition[]
  readonly #parts: readonly CommitPart[]

  /** @param preconditions besides those of the set */
  constructor(set: SetContents, preconditions: readonly Precondition[]) {
    const { spool } = set
    this.empty = spool.count === 0
    this.#catalog = set.host.catalog
    this.#spool = spool
    this.#entries = spool.blocks === 0 ? spool.inMemory.slice() : []
    this.#frames = spool.frames
    this.#preconditions = [...set.preconditions, ...preconditions]
    this.#parts = set.parts.slice()
  }

  get entries(): number {
    return this.#spool.count
  }

  get outcome(): Outcome | undefined {
    return this.#parts.length === 0 ? undefined : this
  }

  get large(): LargeCommit | undefined {
    if (this.#spool.blocks === 0) return undefined
    return { spool: this.#spool, sequenced: (positions) => this.#sequenced(positions) }
  }

  room(sequencer: Sequencer): number {
    let bytes = this.#frames
    for (const stream of this.#spool.streams.keys()) bytes = sequencer.room(stream, bytes)
    return bytes
  }

  refusal(): unknown {
    const found = conflict(this.#catalog, this.#preconditions)
    if (found !== undefined) return found
    try {
      for (const part of this.#parts) part.check?.()
      return undefined
    } catch (error) {
      return error ?? new Error('a part of the commit refused it')
    }
  }

  add(sequencer: Sequencer): number {
    this.#sequenced(
      this.#entries.map(({ stream, bytes, attributes }) =>
        sequencer.add(stream, bytes, attributes),
      ),
    )
    return 0
  }

  /** The entries are the set's own, and it does not change them. */
  keep(): void {}

  acknowledged(): void {
    for (const part of this.#parts) part.acknowledged?.()
  }

  failed(error: unknown): void {
    for (const part of this.#parts.toReversed()) part.failed?.(error)
  }

  #sequenced(positions: number[]): void {
    this.positions = positions
    for (const part of this.#parts) part.sequenced?.(positions)
  }
}
