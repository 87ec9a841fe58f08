/**
 * A commit group: the header, and the buffer it is built in (docs/format.md, "Commit group").
 *
 * Invariants of the buffer: `end` is a multiple of 4; bytes from `end` on are of no meaning (they may hold an
 * earlier group's); every frame before `end` is closed. The header is written last, by `close`.
 */

import { crc32Words } from '@walrus/codec'
import { closingCheck, isWhole } from './checks.ts'
import { FRAME_HEADER_BYTES, frameBytes } from './frame.ts'
import type { NativeChecksums } from './storage.ts'

/** Bytes of a group header. */
export const GROUP_HEADER_BYTES = 64
/** `WGRP`. */
export const GROUP_MAGIC = 0x50524757
/** The largest group: what the length field of a read or write can carry on every platform. */
export const MAX_GROUP_BYTES = 0x7000_0000

const KIND_AND_FLAGS = 1

/** What the sequencer says of a group when it closes it. */
export interface GroupStamp {
  readonly firstLsn: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** Every frame with a lower LSN is durable. */
  readonly mark: number
  readonly boot: number
  readonly epoch: number
}

export interface GroupHeader extends GroupStamp {
  /** Bytes from the header's start to the end of the padding. */
  readonly size: number
  readonly count: number
  readonly padding: number
}

/** Writes the header of a group of `size` bytes, padding included, at byte `at`, and closes it. */
export function putGroupHeader(
  bytes: Uint8Array,
  words: Int32Array,
  at: number,
  header: GroupHeader,
  seed: number,
  salt: number,
): void {
  const word = at >>> 2
  words[word] = GROUP_MAGIC
  words[word + 1] = header.size
  words[word + 2] = header.count
  words[word + 3] = KIND_AND_FLAGS
  words[word + 4] = header.firstLsn | 0
  words[word + 5] = (header.firstLsn / 0x1_0000_0000) | 0
  words[word + 6] = header.time | 0
  words[word + 7] = (header.time / 0x1_0000_0000) | 0
  words[word + 8] = header.mark | 0
  words[word + 9] = (header.mark / 0x1_0000_0000) | 0
  words[word + 10] = header.boot
  words[word + 11] = header.epoch
  words[word + 12] = header.padding
  words[word + 13] = 0
  words[word + 14] = 0
  words[word + 15] = closingCheck(bytes, words, at, at + GROUP_HEADER_BYTES - 4, seed, salt)
}

/**
 * The group header at byte `at`, if one stands there that is whole and possible; nothing in it is believed
 * before its check. `room` is the number of bytes up to where the group must have ended.
 */
export function readGroupHeader(
  words: Int32Array,
  at: number,
  room: number,
  seed: number,
): GroupHeader | undefined {
  const word = at >>> 2
  if (room < GROUP_HEADER_BYTES || words[word] !== GROUP_MAGIC) return undefined
  if (crc32Words(words, word, word + GROUP_HEADER_BYTES / 4, seed) !== seed) return undefined
  return parseGroupHeader(words, at, room)
}

/** As `readGroupHeader`, for bytes that begin with the magic, and whose check has passed already. */
export function parseGroupHeader(
  words: Int32Array,
  at: number,
  room: number,
): GroupHeader | undefined {
  const word = at >>> 2
  const size = words[word + 1]! >>> 0
  const count = words[word + 2]! >>> 0
  const padding = words[word + 12]! >>> 0
  if (words[word + 3] !== KIND_AND_FLAGS) return undefined
  // No number is beyond 2^53 - 1.
  if ((words[word + 5]! | words[word + 7]! | words[word + 9]!) >>> 21 !== 0) return undefined
  if (words[word + 13] !== 0 || words[word + 14] !== 0) return undefined
  if (count === 0 || ((size | padding) & 3) !== 0) return undefined
  if (size > room || size > MAX_GROUP_BYTES) return undefined
  if (GROUP_HEADER_BYTES + count * frameBytes(0) + padding > size) return undefined
  return {
    size,
    count,
    padding,
    firstLsn: u64At(words, word + 4),
    time: u64At(words, word + 6),
    mark: u64At(words, word + 8),
    boot: words[word + 10]!,
    epoch: words[word + 11]! >>> 0,
  }
}

/** Bytes of the unit at byte `at` of a run that is whole: a group's header, or a frame. No frame is as long as the magic. */
export function unitBytes(words: Int32Array, at: number): number {
  const first = words[at >>> 2]!
  return first === GROUP_MAGIC ? GROUP_HEADER_BYTES : frameBytes(first >>> 0)
}

function u64At(words: Int32Array, word: number): number {
  return (words[word + 1]! >>> 0) * 0x1_0000_0000 + (words[word]! >>> 0)
}

/**
 * Whether the frames of the group at byte `at` fill it exactly, as many as its header says, followed by its
 * padding of zeros. Says nothing of their checks.
 */
export function framesFit(words: Int32Array, at: number, header: GroupHeader): boolean {
  const end = at + header.size - header.padding
  let next = at + GROUP_HEADER_BYTES
  for (let frame = 0; frame < header.count; frame++) {
    next += frameBytes(words[next >>> 2]! >>> 0)
  }
  if (next !== end) return false
  for (let word = end >>> 2; word < (at + header.size) >>> 2; word++) {
    if (words[word] !== 0) return false
  }
  return true
}

/** Whether the group at byte `at`, whose header has been read, is whole. */
export function isGroupWhole(
  bytes: Uint8Array,
  words: Int32Array,
  at: number,
  header: GroupHeader,
  seed: number,
  checksums?: NativeChecksums,
): boolean {
  return (
    isWhole(bytes, words, at, at + header.size - header.padding, seed, checksums) &&
    framesFit(words, at, header)
  )
}

/** Copies of up to this many bytes are quicker in a loop than by `set` (measured; Node 20). */
const SHORT_COPY = 24

/** Fewer frames than this are quicker closed one by one than by a call into native code. */
const FEW_FRAMES = 6
const FIRST_ENDS = 256

/**
 * The buffer a group grows in, frame by frame, ready to be written in one call.
 *
 * With native checksums frames are closed all at once, with the group.
 */
export class GroupBuilder {
  bytes: Uint8Array = new Uint8Array(0)
  words: Int32Array = new Int32Array(0)
  /** Where the next frame begins; the group's size so far. */
  end: number = GROUP_HEADER_BYTES
  /** Frames so far. */
  count: number = 0
  #seed: number
  #salt: number
  readonly #firstRoom: number
  readonly #native: NativeChecksums | undefined
  /** Where the checks of the frames go; empty without native checksums. */
  #ends: Uint32Array
  #checks: Int32Array

  /** @param capacity its bytes, from the first group on */
  constructor(capacity: number, native?: NativeChecksums) {
    this.#firstRoom = capacity
    this.#seed = 0
    this.#salt = 0
    this.#native = native
    this.#ends = new Uint32Array(native === undefined ? 0 : FIRST_ENDS)
    this.#checks = new Int32Array(this.#ends.length)
  }

  get capacity(): number {
    return this.bytes.length
  }

  /** Empties the buffer for a group of the segment with this salt. */
  begin(seed: number, salt: number): void {
    this.#seed = seed
    this.#salt = salt
    this.end = GROUP_HEADER_BYTES
    this.count = 0
    // A log that is only opened and closed needs none.
    if (this.bytes.length === 0) this.#give(this.#firstRoom)
  }

  /** Makes room for `bytes` more behind `end`, with some for padding. */
  reserve(bytes: number): void {
    const needed = this.end + bytes
    if (needed <= this.capacity) return
    const before = this.bytes
    this.#give(Math.max(needed, Math.min(before.length * 2, MAX_GROUP_BYTES)))
    this.bytes.set(before.subarray(0, this.end))
  }

  #give(room: number): void {
    const buffer = new ArrayBuffer((room + 3) & ~3)
    this.bytes = new Uint8Array(buffer)
    this.words = new Int32Array(buffer)
  }

  /**
   * Adds a frame and returns its offset in the group. The caller has reserved room: `frameBytes` of the body.
   * @param time milliseconds from the segment's base time
   */
  add(stream: number, kind: number, position: number, time: number, data: Uint8Array): number {
    const at = this.end
    const words = this.words
    const length = data.length
    const word = at >>> 2
    const close = word + 6 + ((length + 3) >>> 2)
    words[word] = length
    words[word + 1] = stream
    words[word + 2] = kind
    words[word + 3] = position | 0
    words[word + 4] = (position / 0x1_0000_0000) | 0
    words[word + 5] = time
    // The last word of the body first: its bytes beyond the body stay zero.
    if ((length & 3) !== 0) words[close - 1] = 0
    if (length > SHORT_COPY) {
      this.bytes.set(data, at + FRAME_HEADER_BYTES)
    } else {
      const bytes = this.bytes
      for (let byte = 0; byte < length; byte++) bytes[at + FRAME_HEADER_BYTES + byte] = data[byte]!
    }
    if (this.#native !== undefined) {
      this.#closeLater(close)
    } else {
      words[close] =
        length <= 400
          ? crc32Words(words, word, close, this.#seed) ^ this.#salt
          : closingCheck(this.bytes, words, at, close << 2, this.#seed, this.#salt)
    }
    this.end = (close + 1) << 2
    this.count++
    return at
  }

  /** As `add`, for an entry with attributes. Room for both is reserved. */
  addWithAttributes(
    stream: number,
    kind: number,
    position: number,
    time: number,
    flags: number,
    attributes: Uint8Array,
    data: Uint8Array,
  ): number {
    const at = this.end
    const words = this.words
    const length = attributes.length + data.length
    const word = at >>> 2
    const close = word + 6 + ((length + 3) >>> 2)
    words[word] = length
    words[word + 1] = stream
    words[word + 2] = kind | (flags << 8) | (attributes.length << 16)
    words[word + 3] = position | 0
    words[word + 4] = (position / 0x1_0000_0000) | 0
    words[word + 5] = time
    if ((length & 3) !== 0) words[close - 1] = 0
    this.bytes.set(attributes, at + FRAME_HEADER_BYTES)
    this.bytes.set(data, at + FRAME_HEADER_BYTES + attributes.length)
    this.#close(at, close)
    this.end = (close + 1) << 2
    this.count++
    return at
  }

  /**
   * Adds a copy of the frame at `from[at]`, as it stands in another segment, with its time set anew.
   * Room for it is reserved.
   */
  addCopy(from: Uint8Array, at: number, size: number, time: number): void {
    const start = this.end
    const words = this.words
    this.bytes.set(from.subarray(at, at + size), start)
    words[(start >>> 2) + 5] = time
    this.#close(start, (start + size - 4) >>> 2)
    this.end = start + size
    this.count++
  }

  /** Writes the header; `bytes` up to the returned size are then the group, padded to `align`. */
  close(stamp: GroupStamp, align: number): number {
    const size = Math.ceil(this.end / align) * align
    const padding = size - this.end
    if (padding > 0) {
      this.reserve(padding)
      this.bytes.fill(0, this.end, size)
    }
    this.#closeFrames()
    const header = { ...stamp, size, count: this.count, padding }
    putGroupHeader(this.bytes, this.words, 0, header, this.#seed, this.#salt)
    return size
  }

  #close(at: number, close: number): void {
    if (this.#native !== undefined) {
      this.#closeLater(close)
      return
    }
    this.words[close] = closingCheck(this.bytes, this.words, at, close << 2, this.#seed, this.#salt)
  }

  #closeLater(close: number): void {
    if (this.count === this.#ends.length) this.#growEnds()
    this.#ends[this.count] = close << 2
  }

  #growEnds(): void {
    const ends = new Uint32Array(this.#ends.length * 2)
    ends.set(this.#ends)
    this.#ends = ends
    this.#checks = new Int32Array(ends.length)
  }

  #closeFrames(): void {
    if (this.#native === undefined) return
    const { bytes, words, count } = this
    const ends = this.#ends
    const salt = this.#salt
    if (count < FEW_FRAMES) {
      let at = GROUP_HEADER_BYTES
      for (let frame = 0; frame < count; frame++) {
        const end = ends[frame]!
        words[end >>> 2] = closingCheck(bytes, words, at, end, this.#seed, salt)
        at = end + 4
      }
      return
    }
    const checks = this.#checks
    this.#native.crc32Units(bytes, GROUP_HEADER_BYTES, ends, count, this.#seed, checks)
    for (let frame = 0; frame < count; frame++) words[ends[frame]! >>> 2] = checks[frame]! ^ salt
  }
}
