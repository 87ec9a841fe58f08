/** Payloads that tell themselves apart, and sizes for them. */

import { createHash } from 'node:crypto'

/** `size` bytes that no other number gives: a payload in the wrong place does not compare equal. */
export function numbered(number: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = Math.imul(number + 1, 0x9e37_79b1) | 1
  for (let at = 0; at < size; at++) {
    state = next(state)
    bytes[at] = state
  }
  return bytes
}

/** What stands for a payload where many are compared: comparing them byte by byte takes vitest seconds. */
export function digest(bytes: Uint8Array): string {
  return `${bytes.length}:${createHash('sha1').update(bytes).digest('base64')}`
}

/** The same `count` sizes from 0 to `most` for the same seed. */
export function randomSizes(count: number, most: number, seed: number): number[] {
  let state = seed | 1
  return Array.from({ length: count }, () => {
    state = next(state)
    return Math.floor(((state >>> 0) / 2 ** 32) * (most + 1))
  })
}

/** Marsaglia's xorshift of 32 bits (Journal of Statistical Software 8, 2003). */
function next(state: number): number {
  let x = state
  x ^= x << 13
  x ^= x >>> 17
  x ^= x << 5
  return x | 0
}
