/**
 * A second reading of docs/format.md, written from it alone and with nothing of `src`: slow, and easy to believe.
 */

import { crc32 } from 'node:zlib'

export interface NaiveScan {
  /** Offsets of the whole groups, and behind the last of them. */
  readonly offsets: readonly number[]
  readonly end: number
  readonly nextLsn: number
}

/** Whether a run of units returns the CRC's register to the seed. */
export function returnsToSeed(run: Uint8Array, salt: number): boolean {
  // Four zero bytes through a register that holds the salt; zlib's value is the register inverted.
  const start = crc32(new Uint8Array(4), ~salt >>> 0)
  return crc32(run, start) === start
}

/** The whole groups in `bytes` from `from` on that continue one another. */
export function naiveScan(
  bytes: Uint8Array,
  salt: number,
  from: number,
  firstLsn: number,
): NaiveScan {
  const offsets: number[] = []
  let at = from
  let nextLsn = firstLsn
  let time = 0
  for (;;) {
    const group = groupAt(bytes.subarray(at), salt)
    if (group === undefined || group.firstLsn !== nextLsn || group.time < time) break
    offsets.push(at)
    at += group.size
    nextLsn += group.count
    time = group.time
  }
  return { offsets, end: at, nextLsn }
}

function groupAt(bytes: Uint8Array, salt: number) {
  if (bytes.length < 64 || !returnsToSeed(bytes.subarray(0, 64), salt)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const u32 = (at: number) => view.getUint32(at, true)
  const u64 = (at: number) => Number(view.getBigUint64(at, true))
  const [size, count, padding] = [u32(4), u32(8), u32(48)]
  const reserved = u32(52) + u32(56)
  if (u32(0) !== 0x50524757 || u32(12) !== 1 || reserved !== 0 || count === 0) return undefined
  if (size % 4 !== 0 || padding % 4 !== 0 || size > bytes.length) return undefined
  let at = 64
  for (let frame = 0; frame < count; frame++) {
    if (at + 28 > size - padding) return undefined
    const length = 24 + Math.ceil(u32(at) / 4) * 4 + 4
    if (at + length > size - padding) return undefined
    if (!returnsToSeed(bytes.subarray(at, at + length), salt)) return undefined
    at += length
  }
  if (at !== size - padding || bytes.subarray(at, size).some((byte) => byte !== 0)) return undefined
  return { size, count, firstLsn: u64(16), time: u64(24) }
}
