/**
 * How the Go log l00pss/walrus puts encoded entries into its files: one after the other, each
 * behind its length as u32 little endian. Its files are named `segment_`, a number from 1 in 20
 * digits, `.wal`.
 *
 * No checksum covers the length, so a damaged one cannot be told from a torn tail here: the entry
 * it leads to fails its own checksum, or the bytes end first. The log's own format does not use
 * these frames.
 */

import { checkPosition } from './bounds.ts'
import { type Entry, type EntryCodec } from './entry.ts'
import { WalrusError } from './errors.ts'

/** Bytes of the length in front of each entry. */
export const LENGTH_PREFIX_SIZE = 4

/** What the name of a segment file starts with. */
export const SEGMENT_FILE_PREFIX = 'segment_'

/** What the name of a segment file ends with. */
export const SEGMENT_FILE_SUFFIX = '.wal'

/** An encoded entry where it stands in a file's bytes. */
export interface EntryFrame {
  /** A view of the encoded entry, for a codec's `decode`. */
  readonly bytes: Uint8Array
  /** Where the next frame starts. */
  readonly next: number
}

/**
 * The entry as `codec` encodes it, behind its length.
 *
 * @throws {WalrusError} `WALRUS_INVALID_ENTRY` as the codec does.
 */
export function encodeFrame(codec: EntryCodec, entry: Entry): Uint8Array {
  const frame = new Uint8Array(LENGTH_PREFIX_SIZE + codec.estimateSize(entry))
  const size = codec.encodeInto(entry, frame, LENGTH_PREFIX_SIZE)
  new DataView(frame.buffer).setUint32(0, size, true)
  return frame.subarray(0, LENGTH_PREFIX_SIZE + size)
}

/**
 * Finds the encoded entry whose frame starts at `offset`. Copies nothing and verifies nothing but
 * that it is there.
 *
 * @throws {WalrusError} `WALRUS_TRUNCATED` if the bytes end before the frame does, at `offset`
 *   itself included; `WALRUS_INVALID_OPTION` if `offset` is not a position in `bytes`.
 */
export function readFrame(bytes: Uint8Array, offset: number): EntryFrame {
  checkPosition(bytes, offset)
  const start = offset + LENGTH_PREFIX_SIZE
  const left = bytes.length - start
  if (left < 0) {
    throw truncated(
      offset,
      `${bytes.length - offset} bytes are left, its length alone takes ${LENGTH_PREFIX_SIZE}`,
    )
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(0, true)
  if (length > left) throw truncated(offset, `it says ${length} bytes, ${left} are left`)
  return { bytes: bytes.subarray(start, start + length), next: start + length }
}

function truncated(offset: number, why: string): WalrusError {
  return new WalrusError(
    'WALRUS_TRUNCATED',
    `the frame at byte ${offset} is not whole (${why}): read more bytes, or take it for a torn tail`,
    { offset },
  )
}
