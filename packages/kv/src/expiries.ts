/**
 * When keys expire: a binary heap of times, the next one first.
 *
 * A key that is set again or deleted leaves what was noted of it behind; whoever takes it out looks whether it still
 * holds. What does not hold any more is swept out when it is more than half.
 */

import type { ByteString } from './byte-string.ts'

export interface Expiry {
  readonly key: ByteString
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** Not swept below this size. */
const SMALL = 1024

export class Expiries {
  #heap: Expiry[] = []
  /** How many still hold. */
  #count = 0
  readonly #holds: (expiry: Expiry) => boolean

  /** @param holds whether the key still expires then */
  constructor(holds: (expiry: Expiry) => boolean) {
    this.#holds = holds
  }

  /** How many are noted, whether they hold or not. */
  get length(): number {
    return this.#heap.length
  }

  /** When the next one is due; `undefined` when none is. */
  get next(): number | undefined {
    return this.#heap[0]?.at
  }

  add(expiry: Expiry): void {
    this.#count++
    if (this.#heap.length > SMALL && this.#heap.length > 2 * this.#count) this.#sweep()
    this.#push(expiry)
  }

  /** Notes that one does not hold any more. */
  dropped(): void {
    this.#count--
  }

  /** Takes out the next one that is due and holds. */
  take(now: number): Expiry | undefined {
    for (;;) {
      const heap = this.#heap
      const first = heap[0]
      if (first === undefined || first.at > now) return undefined
      const last = heap.pop()!
      if (heap.length > 0) this.#sink(last)
      if (this.#holds(first)) return first
    }
  }

  #sweep(): void {
    const held = this.#heap.filter((expiry) => this.#holds(expiry))
    this.#heap = held.sort((a, b) => a.at - b.at)
  }

  #push(expiry: Expiry): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const above = (at - 1) >>> 1
      if (heap[above]!.at <= expiry.at) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = expiry
  }

  /** Puts one in the place of the first. */
  #sink(expiry: Expiry): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && heap[below + 1]!.at < heap[below]!.at) below++
      if (heap[below]!.at >= expiry.at) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = expiry
  }
}
