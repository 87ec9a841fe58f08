/**
 * The header of a segment file, which is also its link to the predecessor (docs/format.md, "Segment header").
 */

import { crc32, WalrusError } from '@walrus/codec'
import { Block, checkVersion, VERSION } from './block.ts'

/** Bytes of a segment header. */
export const SEGMENT_HEADER_BYTES = 192

const MAGIC = Uint8Array.of(0x89, 0x57, 0x4c, 0x52, 0x53, 0x0d, 0x0a, 0x1a)
const CHECK_AT = 188

/** Why a segment was begun. */
export const Begun = { first: 1, rotation: 2, recovery: 3, continuation: 4 } as const
export type Begun = (typeof Begun)[keyof typeof Begun]

/** Which segment this one follows, and the byte up to which that one counts. */
export interface Link {
  /** Segment number; 0 when there is none. */
  readonly id: number
  readonly generation: number
  readonly salt: number
  readonly end: number
}

export interface SegmentHeader {
  /** Offset of the first group. */
  readonly firstGroup: number
  /** 16 bytes, the same in every file of a log. */
  readonly logId: Uint8Array
  readonly id: number
  readonly generation: number
  readonly salt: number
  readonly firstLsn: number
  /** The plain log's next index at the segment's start. */
  readonly plainNext: number
  /** Milliseconds since the Unix epoch, from which the frames' times count. */
  readonly baseTime: number
  readonly boot: number
  readonly epoch: number
  readonly predecessor: Link
  /** Every frame with a lower LSN was durable when this was written. */
  readonly mark: number
  readonly begun: Begun
  readonly align: number
  /** Number of the newest segment that begins with a catalog snapshot; 0 for none. */
  readonly catalogSegment: number
  /** Frames of the catalog snapshot this segment begins with. */
  readonly catalogFrames: number
  /** LSN after the last frame of the commit that fills this segment, alone or with its neighbours; 0 for none. */
  readonly commitEnd: number
}

/** The header's 192 bytes. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const block = new Block(new Uint8Array(SEGMENT_HEADER_BYTES))
  block.put(0, MAGIC)
  block.putU32(8, VERSION)
  block.putU32(12, header.firstGroup)
  block.put(16, header.logId)
  block.putU64(32, header.id)
  block.putU32(40, header.generation)
  block.putU32(44, header.salt)
  block.putU64(48, header.firstLsn)
  block.putU64(56, header.plainNext)
  block.putU64(64, header.baseTime)
  block.putU32(72, header.boot)
  block.putU32(76, header.epoch)
  block.putU64(80, header.predecessor.id)
  block.putU32(88, header.predecessor.generation)
  block.putU32(92, header.predecessor.salt)
  block.putU64(96, header.predecessor.end)
  block.putU64(104, header.mark)
  block.putU32(112, header.begun)
  block.putU32(116, header.align)
  block.putU64(120, header.catalogSegment)
  block.putU32(128, header.catalogFrames)
  block.putU64(132, header.commitEnd)
  block.putU32(CHECK_AT, crc32(block.bytes.subarray(0, CHECK_AT)))
  return block.bytes
}

/**
 * Reads a segment header. `file` is for messages.
 * @throws `WALRUS_CORRUPT` when it is damaged or no header at all, `WALRUS_UNSUPPORTED_FORMAT` for another major version.
 */
export function decodeSegmentHeader(bytes: Uint8Array, file: string): SegmentHeader {
  const corrupt = (what: string, offset: number) =>
    new WalrusError('WALRUS_CORRUPT', `${file} ${what}`, { file, offset })
  if (bytes.length < SEGMENT_HEADER_BYTES) {
    throw corrupt(`is ${bytes.length} bytes long, too short for a segment header`, bytes.length)
  }
  const block = new Block(bytes.subarray(0, SEGMENT_HEADER_BYTES))
  if (!block.startsWith(MAGIC)) throw corrupt('does not begin with a segment header', 0)
  checkVersion(block.u32(8), file)
  if (block.u32(CHECK_AT) !== crc32(block.bytes.subarray(0, CHECK_AT))) {
    throw corrupt('has a damaged segment header (its checksum does not match)', CHECK_AT)
  }
  const header = {
    firstGroup: block.u32(12),
    logId: block.slice(16, 16),
    id: block.u64(32),
    generation: block.u32(40),
    salt: block.u32(44) | 0,
    firstLsn: block.u64(48),
    plainNext: block.u64(56),
    baseTime: block.u64(64),
    boot: block.u32(72) | 0,
    epoch: block.u32(76),
    predecessor: {
      id: block.u64(80),
      generation: block.u32(88),
      salt: block.u32(92) | 0,
      end: block.u64(96),
    },
    mark: block.u64(104),
    begun: block.u32(112) as Begun,
    align: block.u32(116),
    catalogSegment: block.u64(120),
    catalogFrames: block.u32(128),
    commitEnd: block.u64(132),
  }
  if (!isPossible(header)) throw corrupt('has a segment header with impossible values', 0)
  return header
}

/** Whether a header can be ours: its checksum says only that nothing changed it by accident. */
function isPossible(header: SegmentHeader): boolean {
  const { align, firstGroup, predecessor, begun } = header
  return (
    align >= 4 &&
    (align & (align - 1)) === 0 &&
    firstGroup === Math.ceil(SEGMENT_HEADER_BYTES / align) * align &&
    begun >= Begun.first &&
    begun <= Begun.continuation &&
    (begun !== Begun.continuation || header.commitEnd > header.firstLsn) &&
    // Whoever follows links comes to an end.
    predecessor.id < header.id &&
    [
      header.id,
      header.firstLsn,
      header.plainNext,
      header.baseTime,
      header.mark,
      header.catalogSegment,
      header.commitEnd,
      predecessor.id,
      predecessor.end,
    ].every(Number.isSafeInteger)
  )
}
