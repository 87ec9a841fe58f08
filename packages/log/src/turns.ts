/**
 * Turns: commits are sequenced in the order they came, each when there is room for it and what it expects holds.
 *
 * Invariant: nobody overtakes one that waits, or one that is too large for memory and on its way to the disk.
 */

import { Admission, type Place } from './admission.ts'
import type { Commit } from './commit.ts'
import type { Large } from './large-commit.ts'
import type { PendingGroup } from './pending-group.ts'
import type { Sequencer } from './sequencer.ts'

/** What turns need of the writer. */
export interface TurnsHost {
  readonly sequencer: Sequencer
  /** Why nothing more may be sequenced, once that is so. */
  readonly failure: Error | undefined
  /** Whether nobody may be told to wait for what is done in the background. */
  readonly synchronous: boolean
  /** Lets what is sequenced be written. */
  flushSoon(): void
  fail(error: unknown): void
}

export class Turns {
  readonly #host: TurnsHost
  readonly #bufferBytes: number
  readonly #admission: Admission
  /** What is being committed by itself: nothing else is sequenced meanwhile. */
  #large: Large | undefined

  /** @param bufferBytes how much may be sequenced and not yet written */
  constructor(host: TurnsHost, bufferBytes: number) {
    this.#host = host
    this.#bufferBytes = bufferBytes
    this.#admission = new Admission(() => host.flushSoon())
  }

  get large(): Large | undefined {
    return this.#large
  }

  /** Whether there are commits whose turn has not come, or not come to its end. */
  get waiting(): boolean {
    return this.#admission.waiting > 0 || this.#large !== undefined
  }

  /** The answer of a commit that is sequenced, or refused; `undefined` when it has to wait. */
  take(commit: Commit): Promise<number> | undefined {
    return this.#admission.waiting === 0 ? this.#attempt(commit) : undefined
  }

  wait(commit: Commit, place: Place | undefined): Promise<number> {
    // Whoever comes now must not overtake those who wait.
    this.#host.sequencer.close()
    return this.#admission.wait(commit, place)
  }

  /** Sequences those for whom there is room now; whether any of them has yet to be written. */
  admit(): boolean {
    const { failure, sequencer } = this.#host
    if (this.#admission.waiting === 0 || failure !== undefined) return false
    this.#admission.admit((commit) => this.#attempt(commit))
    // As when they began to wait.
    if (this.#admission.waiting > 0) sequencer.close()
    return sequencer.pendingBytes > 0 || this.#large !== undefined
  }

  /** Sequences one for which there is room. */
  sequence(commit: Commit): number {
    const { sequencer } = this.#host
    const { outcome } = commit
    if (outcome !== undefined) sequencer.group.tell(outcome)
    try {
      return commit.add(sequencer)
    } catch (error) {
      // Of somebody who took part, and may have done half of what it had to.
      this.#host.fail(error)
      return 0
    }
  }

  /** Ends one without entries, everything before which is acknowledged. */
  settleEmpty(commit: Commit): number {
    const value = commit.add(this.#host.sequencer)
    commit.outcome?.acknowledged()
    return value
  }

  /** The one that is being committed by itself has come to its end. */
  largeEnded(): void {
    this.#large = undefined
  }

  /** Sends everyone away who waits. */
  reject(error: unknown): void {
    this.#admission.reject(error)
  }

  #attempt(commit: Commit): Promise<number> | undefined {
    if (this.#large !== undefined) return undefined
    const conflict = commit.refusal()
    if (conflict !== undefined) return this.#refuse(conflict)
    if (commit.empty) return this.#settleEmptyLater(commit)
    if (commit.large !== undefined) return this.#attemptLarge(commit)
    if (!this.#hasRoom(commit)) return undefined
    const { group } = this.#host.sequencer
    const value = this.sequence(commit)
    const { failure } = this.#host
    return failure === undefined ? group.wait(value) : Promise.reject(failure)
  }

  #hasRoom(commit: Commit): boolean {
    const { sequencer, synchronous } = this.#host
    const pending = sequencer.pendingBytes
    const bytes = commit.room(sequencer)
    if (pending > 0 && pending + bytes > this.#bufferBytes) return false
    if (commit.alone) sequencer.close()
    return sequencer.reserve(bytes, !synchronous) === 'ok'
  }

  /** Refuses for what was found in the log, once that is acknowledged itself. */
  #refuse(error: unknown): Promise<number> {
    const group = this.#lastPending()
    if (group === undefined) return Promise.reject(error)
    return group.wait(0).then(() => {
      throw error
    })
  }

  #settleEmptyLater(commit: Commit): Promise<number> {
    const group = this.#lastPending()
    if (group === undefined) return Promise.resolve(this.settleEmpty(commit))
    if (commit.outcome !== undefined) group.tell(commit.outcome)
    return group.wait(commit.add(this.#host.sequencer))
  }

  #lastPending(): PendingGroup | undefined {
    const { limit, group, queue } = this.#host.sequencer
    return limit === 0 ? queue.at(-1) : group
  }

  /** Its turn comes when everything before it is written. */
  #attemptLarge(commit: Commit): Promise<number> | undefined {
    if (this.#host.sequencer.pendingBytes > 0) return undefined
    return new Promise((resolve, reject) => {
      this.#large = { commit, contents: commit.large!, resolve, reject }
    })
  }
}
