/**
 * An entry in a file of the Rust topic log nubskr/walrus: a header of 256 bytes, then the payload.
 *
 * The header is the length of the metadata (`u16`), the metadata, and zeros. The metadata's last 32 bytes are: the
 * topic's name (8 bytes, see rust-archive.ts), the byte of the file where the block ends (`u64`), FNV-1a-64 of the
 * payload, the payload's length (`u32`), 4 bytes of no meaning. All little endian. The header has no checksum: it is
 * believed only where everything in it fits together.
 */

import { NAME_BYTES, readName } from './rust-archive.ts'

export const ENTRY_HEADER_BYTES = 256
/** A block takes one of these, or as many as its one entry needs. */
export const UNIT_BYTES = 0xa0_0000
/** Units of a file. */
export const UNITS = 100

const FIXED_BYTES = 32
const METADATA_AT = 2

export interface RustEntryHeader {
  readonly topic: string
  /** Where its block ends in the file. */
  readonly blockEnd: number
  /** Bytes of the payload. */
  readonly length: number
  /** FNV-1a-64 of the payload: its high and low half. */
  readonly high: number
  readonly low: number
}

/** Whether nothing was ever written where these bytes stand: so begin a unit that is free, and the end of a block. */
export function isUnused(bytes: Uint8Array): boolean {
  for (let at = 0; at < Math.min(bytes.length, 8); at++) if (bytes[at] !== 0) return false
  return true
}

/** The header in these bytes, if one can stand there. */
export function readEntryHeader(bytes: Uint8Array): RustEntryHeader | undefined {
  if (bytes.length < ENTRY_HEADER_BYTES) return undefined
  const size = bytes[0]! | (bytes[1]! << 8)
  const end = METADATA_AT + size
  if (size < FIXED_BYTES || end > ENTRY_HEADER_BYTES) return undefined
  for (let at = end; at < ENTRY_HEADER_BYTES; at++) if (bytes[at] !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fixed = end - FIXED_BYTES
  const topic = readName(bytes.subarray(0, end), fixed, METADATA_AT)
  const blockEnd = Number(view.getBigUint64(fixed + NAME_BYTES, true))
  if (topic === undefined || blockEnd === 0 || blockEnd % UNIT_BYTES !== 0) return undefined
  if (blockEnd > UNITS * UNIT_BYTES) return undefined
  return {
    topic,
    blockEnd,
    low: view.getUint32(fixed + 16, true),
    high: view.getUint32(fixed + 20, true),
    length: view.getUint32(fixed + 24, true),
  }
}
