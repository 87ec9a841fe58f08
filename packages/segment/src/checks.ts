/**
 * Closing checks: a CRC-32 that ends a unit and brings the register back to where it began.
 *
 * A segment has a random salt; its seed is the register after four zero bytes from the salt. A unit is closed by
 * `register XOR salt`, and feeding that word to the register yields the seed again, whatever the unit holds
 * (docs/format.md, "Checks"). So one pass over any run of whole units checks them all.
 */

import { crc32, crc32Words } from '@walrus/codec'
import type { NativeChecksums } from './storage.ts'

/** The register at the start of every unit of a segment, from the segment's salt. */
export function seedOf(salt: number): number {
  return crc32Words(Int32Array.of(0), 0, 1, salt)
}

/** Up to this many bytes the loop over words is quicker than a call into zlib (measured; Node 20). */
const SHORT_RUN = 512

/** The word that closes the unit in `bytes[from]` up to `bytes[to]`, both multiples of 4. */
export function closingCheck(
  bytes: Uint8Array,
  words: Int32Array,
  from: number,
  to: number,
  seed: number,
  salt: number,
): number {
  if (to - from <= SHORT_RUN) return crc32Words(words, from >>> 2, to >>> 2, seed) ^ salt
  return ~crc32(bytes, ~seed >>> 0, from, to) ^ salt
}

/** Up to this many bytes the loop over words is quicker than a call into native code. */
const SHORT_NATIVE_RUN = 160

/** Whether `bytes[from]` up to `bytes[to]`, both multiples of 4, is a run of units that are all whole. */
export function isWhole(
  bytes: Uint8Array,
  words: Int32Array,
  from: number,
  to: number,
  seed: number,
  native?: NativeChecksums,
): boolean {
  const short = native === undefined ? SHORT_RUN : SHORT_NATIVE_RUN
  if (to - from <= short) return crc32Words(words, from >>> 2, to >>> 2, seed) === seed
  const start = ~seed >>> 0
  const check =
    native === undefined ? crc32(bytes, start, from, to) : native.crc32(bytes, start, from, to)
  return check === start
}
