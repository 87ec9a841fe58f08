/**
 * CRC-32 over whole 32-bit words: the checksum of the log's own frames, which are 4-byte aligned
 * and a whole number of words long.
 *
 * Works on the raw register, without the inversion before and after, so that a frame can be
 * checksummed in pieces; start with -1 and invert at the end (`~register >>> 0`) to get the
 * ordinary CRC-32 of the same bytes.
 *
 * Invariant: byte 0 of the data is the low byte of word 0. That holds for an `Int32Array` over the
 * bytes on a little-endian machine only, which is every platform Node.js supports but s390x.
 *
 * Measured on Node 20 (best of 25 interleaved rounds, shared machine; take the ratios): 28 / 64 /
 * 124 / 256 / 1024 bytes in 14 / 25 / 46 / 90 / 351 ns. Against it, for 124 bytes: one flat table
 * 1.04, two blocks a turn 0.98, slicing-32 1.2, slicing-8 1.25, slicing-4 1.8, the same loop in
 * WebAssembly 0.85, bytes through a DataView 2.0.
 */

import { crc32Table } from './crc32-tables.ts'

// Sixteen constants rather than one array of tables: the engine then knows each address and length,
// and drops every bounds check on an index masked to a byte.
const T0 = crc32Table(0)
const T1 = crc32Table(1)
const T2 = crc32Table(2)
const T3 = crc32Table(3)
const T4 = crc32Table(4)
const T5 = crc32Table(5)
const T6 = crc32Table(6)
const T7 = crc32Table(7)
const T8 = crc32Table(8)
const T9 = crc32Table(9)
const T10 = crc32Table(10)
const T11 = crc32Table(11)
const T12 = crc32Table(12)
const T13 = crc32Table(13)
const T14 = crc32Table(14)
const T15 = crc32Table(15)

/**
 * Passes `words[fromWord]` up to, not including, `words[toWord]` through the raw CRC-32 register
 * and returns it as a signed 32-bit integer. Nothing is checked: the range must lie inside `words`.
 */
export function crc32Words(
  words: Int32Array,
  fromWord: number,
  toWord: number,
  register: number,
): number {
  let crc = register
  let at = fromWord
  for (const last = toWord - 4; at <= last; at += 4) {
    const a = crc ^ words[at]!
    const b = words[at + 1]!
    const c = words[at + 2]!
    const d = words[at + 3]!
    crc =
      T15[a & 255]! ^
      T14[(a >>> 8) & 255]! ^
      T13[(a >>> 16) & 255]! ^
      T12[a >>> 24]! ^
      T11[b & 255]! ^
      T10[(b >>> 8) & 255]! ^
      T9[(b >>> 16) & 255]! ^
      T8[b >>> 24]! ^
      T7[c & 255]! ^
      T6[(c >>> 8) & 255]! ^
      T5[(c >>> 16) & 255]! ^
      T4[c >>> 24]! ^
      T3[d & 255]! ^
      T2[(d >>> 8) & 255]! ^
      T1[(d >>> 16) & 255]! ^
      T0[d >>> 24]!
  }
  if (at <= toWord - 2) {
    const a = crc ^ words[at]!
    const b = words[at + 1]!
    crc =
      T7[a & 255]! ^
      T6[(a >>> 8) & 255]! ^
      T5[(a >>> 16) & 255]! ^
      T4[a >>> 24]! ^
      T3[b & 255]! ^
      T2[(b >>> 8) & 255]! ^
      T1[(b >>> 16) & 255]! ^
      T0[b >>> 24]!
    at += 2
  }
  if (at < toWord) {
    const a = crc ^ words[at]!
    crc = T3[a & 255]! ^ T2[(a >>> 8) & 255]! ^ T1[(a >>> 16) & 255]! ^ T0[a >>> 24]!
  }
  return crc
}
