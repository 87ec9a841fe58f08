/**
 * Iterating over entries: batches are read ahead, one at a time, while the one before is consumed.
 *
 * At most two batches are in memory. Calls of `next` are answered in the order they came. `return` (a `break` in
 * `for await`) and the caller's signal end it at once, also while it waits for more.
 */

import type { LogEntry } from './entry.ts'
import { AbortError } from './errors.ts'

/** Gives the next batch; an empty one ends the iteration. Nobody waits for it any more once `ended` aborts. */
export type NextBatch = (ended: AbortSignal) => Promise<readonly LogEntry[]>

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class EntryIterator implements AsyncIterableIterator<LogEntry> {
  readonly #nextBatch: NextBatch
  readonly #signal: AbortSignal | undefined
  readonly #ended = new AbortController()
  #batch: readonly LogEntry[] = []
  #at = 0
  #ahead: Promise<readonly LogEntry[]> | undefined
  /** The last call of `next` that found no entry at hand, and how many such have not been answered. */
  #last: Promise<unknown> = Promise.resolve()
  #unanswered = 0
  #listening = false
  /** What is still to be thrown: that the caller's signal ended it. */
  #failure: Error | undefined
  readonly #aborted = (): void => {
    this.#failure = new AbortError('the iteration was aborted', this.#signal?.reason)
    this.#end()
  }

  constructor(nextBatch: NextBatch, signal: AbortSignal | undefined) {
    this.#nextBatch = nextBatch
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<LogEntry, undefined>> {
    if (this.#at < this.#batch.length && this.#unanswered === 0) {
      return Promise.resolve({ done: false, value: this.#batch[this.#at++]! })
    }
    this.#unanswered++
    const answer = this.#last.then(() => this.#advance())
    const answered = (): void => {
      this.#unanswered--
    }
    this.#last = answer.then(answered, answered)
    return answer
  }

  async return(): Promise<IteratorResult<LogEntry, undefined>> {
    const ahead = this.#ahead
    this.#end()
    // A read under way is waited for, so that nothing of it is left when the caller closes the log.
    await ahead?.catch(ignoreAfterReturn)
    return DONE
  }

  async #advance(): Promise<IteratorResult<LogEntry, undefined>> {
    this.#listen()
    if (this.#at < this.#batch.length) return { done: false, value: this.#batch[this.#at++]! }
    if (this.#ended.signal.aborted) return this.#over()
    let batch: readonly LogEntry[]
    try {
      batch = await (this.#ahead ?? this.#nextBatch(this.#ended.signal))
    } catch (error) {
      this.#end()
      throw error
    }
    this.#ahead = undefined
    if (this.#ended.signal.aborted) return this.#over()
    if (batch.length === 0) {
      this.#end()
      return DONE
    }
    this.#batch = batch
    this.#at = 1
    this.#ahead = this.#nextBatch(this.#ended.signal)
    // Its failure is thrown when its turn comes.
    this.#ahead.catch(ignoreAfterReturn)
    return { done: false, value: batch[0]! }
  }

  #listen(): void {
    if (this.#listening || this.#signal === undefined) return
    this.#listening = true
    if (this.#signal.aborted) this.#aborted()
    else this.#signal.addEventListener('abort', this.#aborted, { once: true })
  }

  #end(): void {
    this.#batch = []
    this.#ahead = undefined
    this.#ended.abort()
    this.#signal?.removeEventListener('abort', this.#aborted)
  }

  #over(): IteratorReturnResult<undefined> {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
    return DONE
  }
}

/** What failed is no longer wanted, or is thrown where it is. */
function ignoreAfterReturn(): void {}
