/**
 * Iterating over entries: batches are read ahead, one at a time, while the one before is consumed.
 *
 * At most two batches are in memory. `return` (a `break` in `for await`) ends it at once.
 */

import type { LogEntry } from './entry.ts'

/** Gives the next batch; an empty one ends the iteration. */
export type NextBatch = () => Promise<readonly LogEntry[]>

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class EntryIterator implements AsyncIterableIterator<LogEntry> {
  readonly #nextBatch: NextBatch
  #batch: readonly LogEntry[] = []
  #at = 0
  #ahead: Promise<readonly LogEntry[]> | undefined
  #ended = false

  constructor(nextBatch: NextBatch) {
    this.#nextBatch = nextBatch
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<LogEntry, undefined>> {
    if (this.#at < this.#batch.length) {
      return Promise.resolve({ done: false, value: this.#batch[this.#at++]! })
    }
    return this.#advance()
  }

  async return(): Promise<IteratorResult<LogEntry, undefined>> {
    this.#ended = true
    this.#batch = []
    // One under way is waited for, so that nothing of it is left when the caller closes the log.
    await this.#ahead?.catch(ignoreAfterReturn)
    this.#ahead = undefined
    return DONE
  }

  async #advance(): Promise<IteratorResult<LogEntry, undefined>> {
    if (this.#ended) return DONE
    const batch = await (this.#ahead ?? this.#nextBatch())
    this.#ahead = undefined
    if (batch.length === 0 || this.#ended) {
      this.#ended = true
      return DONE
    }
    this.#batch = batch
    this.#at = 1
    this.#ahead = this.#nextBatch()
    // Its failure is thrown when its turn comes.
    this.#ahead.catch(ignoreAfterReturn)
    return { done: false, value: batch[0]! }
  }
}

/** What failed is no longer wanted, or is thrown where it is. */
function ignoreAfterReturn(): void {}
