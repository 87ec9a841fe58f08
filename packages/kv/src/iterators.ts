/**
 * Iterating over keys as they were when the iteration was asked for.
 *
 * An iterator holds a snapshot, and lets go of it at its end, when it is left early, and when it is forgotten and
 * collected: a snapshot that is held keeps memory and space on disk.
 */

import type { ByteString } from './byte-string.ts'
import type { Cursor, Entry, OrderedKeys } from './key-table.ts'
import type { Scan } from './range.ts'

/** Keys held as they are: `release` may be called any number of times. */
export class Hold {
  readonly keys: OrderedKeys
  #release: (() => void) | undefined

  constructor(keys: OrderedKeys, release: () => void) {
    this.keys = keys
    this.#release = release
  }

  release(): void {
    this.#release?.()
    this.#release = undefined
  }
}

const forgotten = new FinalizationRegistry<Hold>((hold) => hold.release())

/** Releases a hold when its owner is forgotten. */
export function releaseWith(owner: WeakKey, hold: Hold): void {
  forgotten.register(owner, hold)
}

/** Makes what the caller is to get. */
type Make<T> = (key: ByteString, entry: Entry) => T

/** How many pairs are prepared at once: more and more, as the caller goes on. */
const FIRST_BATCH = 16
const LARGEST_BATCH = 256

/** Iterates over what is in memory, or is read while the caller waits. */
export class SyncScan<T> implements IterableIterator<T> {
  readonly #keys: Cursor
  readonly #hold: Hold
  readonly #make: Make<T>
  #left: number

  constructor(hold: Hold, scan: Scan, make: Make<T>) {
    this.#keys = hold.keys.range(scan.from, scan.until, scan.reverse)
    this.#hold = hold
    this.#make = make
    this.#left = scan.limit
    releaseWith(this, hold)
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<T> {
    if (this.#left > 0) {
      this.#left--
      const keys = this.#keys
      if (keys.next()) return { done: false, value: this.#make(keys.key, keys.entry) }
    }
    return this.return()
  }

  return(): IteratorResult<T> {
    this.#left = 0
    this.#hold.release()
    return { done: true, value: undefined }
  }
}

/** Iterates over keys and values, reading ahead by one batch. */
export class AsyncScan<T> implements AsyncIterableIterator<T> {
  readonly #keys: Cursor
  readonly #hold: Hold
  readonly #make: Make<T | Promise<T>>
  #left: number
  #batch = FIRST_BATCH
  #ready: T[] = []
  #at = 0
  /** The call under way: later ones wait for it. */
  #busy: Promise<unknown> | undefined

  constructor(hold: Hold, scan: Scan, make: Make<T | Promise<T>>) {
    this.#keys = hold.keys.range(scan.from, scan.until, scan.reverse)
    this.#hold = hold
    this.#make = make
    this.#left = scan.limit
    releaseWith(this, hold)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#busy === undefined && this.#at < this.#ready.length) {
      return Promise.resolve({ done: false, value: this.#ready[this.#at++]! })
    }
    return this.#inTurn(async () => {
      if (this.#at === this.#ready.length) await this.#fill(this.#batch)
      if (this.#ready.length === 0) return { done: true, value: undefined }
      return { done: false, value: this.#ready[this.#at++]! }
    })
  }

  /** The next ones at once, at most `most`; only [] is the end. The quickest way to get many. */
  nextMany(most: number): Promise<T[]> {
    return this.#inTurn(async () => {
      if (this.#at === this.#ready.length) await this.#fill(most)
      const taken = this.#ready.slice(this.#at, this.#at + most)
      this.#at += taken.length
      return taken
    })
  }

  async return(): Promise<IteratorResult<T>> {
    await this.#inTurn(async () => this.#end())
    return { done: true, value: undefined }
  }

  #end(): void {
    this.#left = 0
    this.#ready = []
    this.#at = 0
    this.#hold.release()
  }

  async #fill(most: number): Promise<void> {
    this.#at = 0
    this.#ready = []
    this.#batch = Math.min(2 * this.#batch, LARGEST_BATCH)
    const made: (T | Promise<T>)[] = []
    const keys = this.#keys
    let waits = false
    try {
      while (made.length < Math.min(most, this.#left)) {
        if (!keys.next()) {
          this.#left = made.length
          break
        }
        const item = this.#make(keys.key, keys.entry)
        waits ||= item instanceof Promise
        made.push(item)
      }
      this.#left -= made.length
      this.#ready = waits ? await Promise.all(made) : (made as T[])
    } catch (error) {
      this.#end()
      throw error
    }
    if (this.#ready.length === 0) this.#end()
  }

  /** Does something when what was asked for before is done. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const before = this.#busy
    const result = before === undefined ? work() : before.then(work)
    const settled: Promise<void> = result
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        if (this.#busy === settled) this.#busy = undefined
      })
    this.#busy = settled
    return result
  }
}
