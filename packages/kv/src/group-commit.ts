/**
 * Group commit: changes called for in one turn of the event loop go into the log as one commit, in the order of the
 * calls. A group ends with its turn, when it has grown large, or when something else must come behind it.
 */

import type { Batch, CommitPart, Log } from '@walrus/log'
import type { Change } from './changes.ts'

/** A group of about this size is committed before the turn ends. */
const GROUP_BYTES = 0x10_0000
const GROUP_RECORDS = 4096

/** Changes that go into the log as one commit, and what all who called for them wait for. */
export interface Group {
  readonly batch: Batch
  readonly changes: Change[]
  readonly done: Promise<void>
  readonly resolve: (value: Promise<void>) => void
}

export class GroupCommit {
  readonly #log: Log
  readonly #part: (changes: readonly Change[]) => CommitPart
  #open: Group | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** @param part makes the part that changes take in their commit */
  constructor(log: Log, part: (changes: readonly Change[]) => CommitPart) {
    this.#log = log
    this.#part = part
  }

  /**
   * The group that a record of so many bytes goes into.
   * @throws `WALRUS_CLOSED`, `WALRUS_READ_ONLY`
   */
  groupFor(bytes: number): Group {
    if (bytes > GROUP_BYTES) this.submit()
    if (this.#open !== undefined) return this.#open
    let resolve!: Group['resolve']
    const done = new Promise<void>((resolved) => {
      resolve = resolved
    })
    const group = { batch: this.#log.batch(), changes: [], done, resolve }
    this.#open = group
    queueMicrotask(() => {
      if (this.#open === group) this.submit()
    })
    return group
  }

  /** A change was put into a group; resolves when that is acknowledged. */
  added({ batch, done }: Group): Promise<void> {
    if (batch.count >= GROUP_RECORDS || batch.bytes > GROUP_BYTES) this.submit()
    return done
  }

  /** Commits the open group: what comes now comes behind it. */
  submit(): void {
    const group = this.#open
    if (group === undefined) return
    this.#open = undefined
    group.batch.join(this.#part(group.changes))
    const committed = this.#log.commit(group.batch)
    group.resolve(committed.then(() => {}))
    this.follow(committed)
  }

  /** Notes a commit that is under way. */
  follow(committed: Promise<unknown>): void {
    this.#last = Promise.allSettled([this.#last, committed])
  }

  /** Resolves when every commit that was noted has come to its end, whichever. */
  async idle(): Promise<void> {
    await this.#last
  }
}
