/**
 * Iterating over entries: batches are read ahead, one at a time, while the one before is consumed.
 *
 * At most two batches are in memory. Calls of `next` are answered in the order they came. `return` (a `break` in
 * `for await`) and the caller's signal end it at once, also while it waits for more.
 */

import type { LogEntry } from './entry.ts'
import { AbortError } from './errors.ts'

/** Entries that were read, and a check of each as it is handed over: it throws when that one must not be any more. */
export interface EntryBatch {
  readonly entries: readonly LogEntry[]
  readonly check: (entry: LogEntry) => void
}

/** An empty batch. */
export const END: EntryBatch = { entries: [], check: () => {} }

/** Gives the next batch; an empty one ends the iteration. Nobody waits for it any more once `ended` aborts. */
export type NextBatch = (ended: AbortSignal) => Promise<EntryBatch>

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class EntryIterator implements AsyncIterableIterator<LogEntry> {
  readonly #nextBatch: NextBatch
  readonly #signal: AbortSignal | undefined
  readonly #ended = new AbortController()
  #batch: EntryBatch = END
  #at = 0
  #ahead: Promise<EntryBatch> | undefined
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
    if (this.#at < this.#batch.entries.length && this.#unanswered === 0) {
      try {
        return Promise.resolve({ done: false, value: this.#take() })
      } catch (error) {
        return Promise.reject(error)
      }
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
    if (this.#at < this.#batch.entries.length) return { done: false, value: this.#take() }
    if (this.#ended.signal.aborted) return this.#over()
    let batch: EntryBatch
    try {
      batch = await (this.#ahead ?? this.#nextBatch(this.#ended.signal))
    } catch (error) {
      this.#end()
      throw error
    }
    this.#ahead = undefined
    if (this.#ended.signal.aborted) return this.#over()
    if (batch.entries.length === 0) {
      this.#end()
      return DONE
    }
    this.#batch = batch
    this.#at = 0
    this.#ahead = this.#nextBatch(this.#ended.signal)
    // Its failure is thrown when its turn comes.
    this.#ahead.catch(ignoreAfterReturn)
    return { done: false, value: this.#take() }
  }

  /** The next entry at hand. */
  #take(): LogEntry {
    const entry = this.#batch.entries[this.#at]!
    try {
      this.#batch.check(entry)
    } catch (error) {
      this.#end()
      throw error
    }
    this.#at++
    return entry
  }

  #listen(): void {
    if (this.#listening || this.#signal === undefined) return
    this.#listening = true
    if (this.#signal.aborted) this.#aborted()
    else this.#signal.addEventListener('abort', this.#aborted, { once: true })
  }

  #end(): void {
    this.#batch = END
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
