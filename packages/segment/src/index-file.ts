/**
 * The index file of a segment: its bytes, and looking things up in it without loading it (docs/format.md, "Index").
 *
 * The rows and samples are read and checked when it is opened, and the rows kept, as they stand in the file; postings
 * are read from the file as they are needed. A posting is not checked by itself: whoever follows it checks the frame it
 * leads to.
 */

import { crc32, WalrusError } from '@walrus/codec'
import { Block, VERSION } from './block.ts'
import type { Sample, SegmentIndex } from './segment-index.ts'
import type { StorageFile } from './storage.ts'

const MAGIC = Uint8Array.of(0x89, 0x57, 0x4c, 0x52, 0x49, 0x0d, 0x0a, 0x1a)
const HEADER_BYTES = 128
const CHECK_AT = 124
const ROW_BYTES = 24
const ROW_WORDS = ROW_BYTES / 4
const SAMPLE_BYTES = 16

/** Which segment an index speaks of, and how much of it. */
export interface IndexedSegment {
  readonly logId: Uint8Array
  readonly id: number
  readonly generation: number
  readonly salt: number
  readonly firstLsn: number
  readonly endLsn: number
  readonly end: number
}

/** `count` adjacent positions of one stream; their offsets are the postings from `start` on. */
export interface Row {
  readonly stream: number
  readonly first: number
  readonly count: number
  readonly start: number
}

/** The bytes of a segment's index file. */
export function encodeIndex(index: SegmentIndex, segment: IndexedSegment): Uint8Array {
  const rows: Row[] = []
  const offsets: Uint32Array[] = []
  let start = 0
  for (const [stream, postings] of index.streams()) {
    for (const run of postings.runs()) {
      rows.push({ stream, first: run.first, count: run.count, start })
      start += run.count
    }
    offsets.push(postings.offsets())
  }
  const samples = index.samples()
  const rowsAt = HEADER_BYTES
  const postingsAt = rowsAt + rows.length * ROW_BYTES
  const samplesAt = postingsAt + start * 4
  const block = new Block(new Uint8Array(samplesAt + samples.length * SAMPLE_BYTES))
  rows.forEach((row, number) => {
    const at = rowsAt + number * ROW_BYTES
    block.putU32(at, row.stream)
    block.putU32(at + 4, row.count)
    block.putU64(at + 8, row.first)
    block.putU32(at + 16, row.start)
  })
  let at = postingsAt
  for (const part of offsets) {
    block.put(at, new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    at += part.byteLength
  }
  samples.forEach((sample, number) => {
    const sampleAt = samplesAt + number * SAMPLE_BYTES
    block.putU32(sampleAt, sample.offset)
    block.putU32(sampleAt + 4, sample.time)
    block.putU32(sampleAt + 8, sample.lsn)
  })
  block.put(0, MAGIC)
  block.putU32(8, VERSION)
  block.putU32(12, HEADER_BYTES)
  block.put(16, segment.logId)
  block.putU64(32, segment.id)
  block.putU32(40, segment.generation)
  block.putU32(44, segment.salt)
  block.putU64(48, segment.firstLsn)
  block.putU64(56, segment.endLsn)
  block.putU64(64, segment.end)
  block.putU32(72, rows.length)
  block.putU32(76, start)
  block.putU32(80, samples.length)
  block.putU32(84, crc32(block.bytes, 0, rowsAt, postingsAt))
  block.putU32(88, crc32(block.bytes, 0, postingsAt, samplesAt))
  block.putU32(92, crc32(block.bytes, 0, samplesAt))
  block.putU32(96, segment.endLsn - segment.firstLsn - start)
  block.putU32(CHECK_AT, crc32(block.bytes, 0, 0, CHECK_AT))
  return block.bytes
}

/** The rows of an index, as they stand in its file. */
class Rows {
  readonly count: number
  readonly #words: Uint32Array

  constructor(words: Uint32Array) {
    this.#words = words
    this.count = words.length / ROW_WORDS
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  at(number: number): Row {
    return rowAt(this.#words, number * ROW_WORDS)
  }

  /** How many rows there are before those of later streams, or of the same one from behind a position on. */
  until(stream: number, position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const row = this.at(middle)
      if (row.stream < stream || (row.stream === stream && row.first <= position)) low = middle + 1
      else high = middle
    }
    return low
  }
}

function rowAt(words: Uint32Array, at: number): Row {
  return {
    stream: words[at]!,
    count: words[at + 1]!,
    first: words[at + 3]! * 0x1_0000_0000 + words[at + 2]!,
    start: words[at + 4]!,
  }
}

/** How many positions rows have. Refuses those that are empty or out of order, or do not share out the postings. */
function checkRows(rows: Rows, postings: number, file: string): number {
  const details = { file, offset: HEADER_BYTES }
  const contradiction = (): WalrusError =>
    new WalrusError('WALRUS_CORRUPT', `${file} has rows that contradict one another`, details)
  let start = 0
  let before: Row | undefined
  for (let number = 0; number < rows.count; number++) {
    const row = rows.at(number)
    const inOrder =
      before === undefined ||
      before.stream < row.stream ||
      (before.stream === row.stream && before.first + before.count <= row.first)
    if (!inOrder || row.start !== start || row.count === 0) throw contradiction()
    start += row.count
    before = row
  }
  if (start !== postings) throw contradiction()
  return start
}

/** Looks things up in an index file. */
export class IndexFile {
  readonly segment: IndexedSegment
  /** How many frames it speaks of. */
  readonly frames: number
  /** How many frames of the segment are void, and not in it. */
  readonly voids: number
  readonly #file: StorageFile
  readonly #rows: Rows
  readonly #postingsAt: number
  #postings: Uint32Array | undefined

  private constructor(
    file: StorageFile,
    segment: IndexedSegment,
    rows: Rows,
    frames: number,
    voids: number,
  ) {
    this.#file = file
    this.segment = segment
    this.#rows = rows
    this.frames = frames
    this.voids = voids
    this.#postingsAt = HEADER_BYTES + rows.bytes
  }

  /** Bytes it takes in memory, but for what is mapped. */
  get memoryBytes(): number {
    return this.#rows.bytes
  }

  /**
   * Reads and checks the header, rows and samples. The index keeps the file, and closes it in `close`.
   * @throws `WALRUS_CORRUPT` for anything but a whole index of this format version
   */
  static open(file: StorageFile): IndexFile {
    const corrupt = (what: string, offset: number) =>
      new WalrusError('WALRUS_CORRUPT', `${file.path} ${what}`, { file: file.path, offset })
    const size = file.sizeSync()
    const head = new Block(new Uint8Array(HEADER_BYTES))
    file.readSync(head.bytes, 0)
    if (!head.startsWith(MAGIC)) throw corrupt('is no index file', 0)
    if (head.u32(CHECK_AT) !== crc32(head.bytes, 0, 0, CHECK_AT)) {
      throw corrupt('has a damaged index header', CHECK_AT)
    }
    // Not a reason to refuse the log: an index is made anew rather than understood.
    if (head.u32(8) >>> 16 !== VERSION >>> 16 || head.u32(12) !== HEADER_BYTES) {
      throw corrupt('is an index of another format version', 8)
    }
    const rowCount = head.u32(72)
    const postingsAt = HEADER_BYTES + rowCount * ROW_BYTES
    const samplesAt = postingsAt + head.u32(76) * 4
    const sampleCount = head.u32(80)
    if (size !== samplesAt + sampleCount * SAMPLE_BYTES) {
      throw corrupt(`is ${size} bytes long, not what its header says`, size)
    }
    const words = new Uint32Array(rowCount * ROW_WORDS)
    const rowBytes = new Uint8Array(words.buffer)
    file.readSync(rowBytes, HEADER_BYTES)
    if (head.u32(84) !== crc32(rowBytes)) throw corrupt('has damaged rows', HEADER_BYTES)
    const sampleBlock = new Block(new Uint8Array(sampleCount * SAMPLE_BYTES))
    file.readSync(sampleBlock.bytes, samplesAt)
    if (head.u32(92) !== crc32(sampleBlock.bytes)) throw corrupt('has damaged samples', samplesAt)
    const rows = new Rows(words)
    const frames = checkRows(rows, head.u32(76), file.path)
    const segment = {
      logId: head.slice(16, 16),
      id: head.u64(32),
      generation: head.u32(40),
      salt: head.u32(44) | 0,
      firstLsn: head.u64(48),
      endLsn: head.u64(56),
      end: head.u64(64),
    }
    return new IndexFile(file, segment, rows, frames, head.u32(96))
  }

  /** The row that holds a position of a stream. */
  row(stream: number, position: number): Row | undefined {
    const number = this.#rows.until(stream, position) - 1
    if (number < 0) return undefined
    const row = this.#rows.at(number)
    return row.stream === stream && position < row.first + row.count ? row : undefined
  }

  /** From now on looks postings up in the file's own memory, where the storage can show it. */
  map(): void {
    const bytes = this.#file.view(this.#postingsAt, this.frames * 4)
    if (bytes?.length === this.frames * 4 && bytes.byteOffset % 4 === 0) {
      this.#postings = new Uint32Array(bytes.buffer, bytes.byteOffset, this.frames)
    }
  }

  find(stream: number, position: number): number {
    const row = this.row(stream, position)
    if (row === undefined) return -1
    const postings = this.#postings
    if (postings !== undefined) return postings[row.start + (position - row.first)]!
    const offset = new Uint32Array(1)
    this.#file.readSync(new Uint8Array(offset.buffer), this.#at(row, position))
    return offset[0]!
  }

  /** The offsets of up to `count` adjacent positions from `position` on; fewer where they end. */
  slice(stream: number, position: number, count: number): Uint32Array {
    const row = this.row(stream, position)
    if (row === undefined) return new Uint32Array(0)
    const postings = this.#postings
    if (postings !== undefined) {
      const from = row.start + (position - row.first)
      // A copy: the file's memory may be taken away while it is gone by.
      return postings.slice(from, Math.min(from + count, row.start + row.count))
    }
    const offsets = new Uint32Array(Math.min(count, row.first + row.count - position))
    this.#file.readSync(new Uint8Array(offsets.buffer), this.#at(row, position))
    return offsets
  }

  /** All the postings, checked, as a `SegmentIndex` that can go on growing. */
  load(into: SegmentIndex): SegmentIndex {
    const offsets = new Uint32Array(this.frames)
    const bytes = new Uint8Array(offsets.buffer)
    this.#file.readSync(bytes, this.#postingsAt)
    const head = new Block(new Uint8Array(HEADER_BYTES))
    this.#file.readSync(head.bytes, 0)
    if (head.u32(88) !== crc32(bytes)) {
      const file = this.#file.path
      const details = { file, offset: this.#postingsAt }
      throw new WalrusError('WALRUS_CORRUPT', `${file} has damaged postings`, details)
    }
    for (let number = 0; number < this.#rows.count; number++) {
      const row = this.#rows.at(number)
      const postings = into.stream(row.stream)
      for (let i = 0; i < row.count; i++) postings.add(row.first + i, offsets[row.start + i]!)
    }
    for (const { offset, time, lsn } of this.#samples()) into.addGroup(offset, time, lsn)
    return into
  }

  /** The position after the last frame of a stream that begins before `offset`; `undefined` if there is none. */
  nextBefore(stream: number, offset: number): number | undefined {
    for (let number = this.#rows.until(stream, Number.MAX_SAFE_INTEGER); number > 0; number--) {
      const row = this.#rows.at(number - 1)
      if (row.stream !== stream) break
      let low = 0
      let high = row.count
      while (low < high) {
        const middle = (low + high) >>> 1
        if (this.find(stream, row.first + middle) < offset) low = middle + 1
        else high = middle
      }
      if (low > 0) return row.first + low
    }
    return undefined
  }

  /** For each stream here its first position, and the one after its last. */
  heads(): { stream: number; first: number; next: number }[] {
    const heads = new Map<number, { stream: number; first: number; next: number }>()
    for (let number = 0; number < this.#rows.count; number++) {
      const { stream, first, count } = this.#rows.at(number)
      heads.set(stream, { stream, first: heads.get(stream)?.first ?? first, next: first + count })
    }
    return [...heads.values()]
  }

  closeSync(): void {
    this.#file.closeSync()
  }

  #samples(): Sample[] {
    const bytes = new Uint8Array(this.#file.sizeSync() - this.#postingsAt - this.frames * 4)
    this.#file.readSync(bytes, this.#postingsAt + this.frames * 4)
    const block = new Block(bytes)
    return Array.from({ length: bytes.length / SAMPLE_BYTES }, (_, number) => {
      const at = number * SAMPLE_BYTES
      return { offset: block.u32(at), time: block.u32(at + 4), lsn: block.u32(at + 8) }
    })
  }

  #at(row: Row, position: number): number {
    return this.#postingsAt + (row.start + (position - row.first)) * 4
  }
}
