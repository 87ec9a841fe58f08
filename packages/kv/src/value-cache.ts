/**
 * A bounded cache of values: one piece of memory, filled round and round.
 *
 * A value is put at the head and overwritten when the head comes by again: first in, first out, without anything to
 * keep per value but where it is, which its entry holds. Places are counted on, in units, and never begin anew; so a
 * place is good while the head has not gone a whole round beyond it. Memory is taken when the first value comes.
 */

import { type Memory, memoryOf } from './encoding.ts'
import type { Entry } from './key-table.ts'

/** Values begin at multiples of this, so that places stay small numbers: 2^31 of them are 16 GiB. */
const UNIT_BYTES = 8
/** Larger values are not worth the place of many small ones. */
const MAX_VALUE_BYTES = 0x1000

export class ValueCache {
  readonly #units: number
  #memory: Memory = memoryOf(new Uint8Array(0))
  /** The unit where the next value goes, counted from the beginning. */
  #head = 0

  /** @param bytes 0 for none */
  constructor(bytes: number) {
    this.#units = bytes < MAX_VALUE_BYTES ? 0 : Math.floor(bytes / UNIT_BYTES)
  }

  /** Keeps `from[start..end)`; its place, or -1 where it is not kept. */
  put(from: Uint8Array, start: number, end: number): number {
    const length = end - start
    if (length > MAX_VALUE_BYTES || this.#units === 0) return -1
    const size = Math.ceil(length / UNIT_BYTES)
    const within = this.#head % this.#units
    // It does not go over the end.
    if (within + size > this.#units) this.#head += this.#units - within
    const place = this.#head
    const at = (place % this.#units) * UNIT_BYTES
    if (place === 0) this.#memory = newMemory(this.#units * UNIT_BYTES)
    this.#memory.bytes.set(
      start === 0 && end === from.length ? from : from.subarray(start, end),
      at,
    )
    this.#head += size
    return place
  }

  /** What the values stand in, until the next `put`. */
  get memory(): Memory {
    return this.#memory
  }

  /** Where an entry's value begins in the memory; -1 when it is not here any more. */
  find(entry: Entry): number {
    const place = entry.cachedAt
    if (place < 0 || this.#head - place > this.#units) return -1
    return (place % this.#units) * UNIT_BYTES
  }
}

function newMemory(bytes: number): Memory {
  const memory = new ArrayBuffer(bytes)
  return memoryOf(new Uint8Array(memory), new Int32Array(memory))
}
