/**
 * The segments of a log as a reader sees them: where each begins and ends, and finding frames in them.
 *
 * Headers and indexes are read when first asked for; at most `#maxOpen` files of each kind are open, and what is kept
 * of indexes of ended segments takes at most `#indexCacheBytes`, or is one alone. An index that is missing, damaged,
 * or of another state of the segment is rebuilt from the segment. Invariants: segments are in order of their numbers;
 * all but the last one's end are what the next one's header says.
 */

import { WalrusError } from '@walrus/codec'
import {
  decodeSegmentHeader,
  IndexFile,
  type NativeChecksums,
  PLAIN_STREAM,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  SegmentIndex,
  type Storage,
  type StorageFile,
  scanGroupsSync,
  seedOf,
} from '@walrus/segment'
import { closedError, corrupt, hasCode } from './errors.ts'
import { indexPath, segmentPath } from './names.ts'
import type { ResolvedOptions } from './options.ts'

/** Files of segments, and of indexes, that are kept open for reading; with views, so long do these last at least. */
const MAX_OPEN = 64
const MAX_OPEN_WITH_VIEWS = 1024

/** What can be asked of an index, in memory or in a file. */
export interface FrameFinder {
  /** Offset of the frame at a position of a stream; -1 when it is not in the segment. */
  find(stream: number, position: number): number
  /** Offsets of up to `count` adjacent positions; fewer where they end. */
  slice(stream: number, position: number, count: number): Uint32Array
  /** The position after the last frame of the stream that begins before `offset`. */
  nextBefore(stream: number, offset: number): number | undefined
  /** For each stream in the segment its first position there, and the one after its last. */
  heads(): readonly Head[]
}

export interface Head {
  readonly stream: number
  readonly first: number
  readonly next: number
}

/** Where a segment ends: the byte, and the LSN and the plain log's index that come next. */
export interface SegmentEnd {
  readonly end: number
  readonly endLsn: number
  readonly plainNext: number
}

/** A file's own memory. */
export interface Memory {
  readonly bytes: Uint8Array
  readonly words: Int32Array
}

/** What a table needs to know. */
export type TableOptions = Pick<ResolvedOptions, 'storage' | 'dir' | 'indexCacheBytes'>

/** Who is told what a segment has come to take. */
interface SegmentUse {
  /** Its file has been opened. */
  opened(segment: TableSegment): void
  /** Its index has been read, or made anew. */
  indexed(segment: TableSegment): void
}

export class TableSegment {
  readonly id: number
  readonly path: string
  readonly #dir: string
  readonly #storage: Storage
  readonly #use: SegmentUse
  #header: SegmentHeader | undefined
  #seed = 0
  #memoryOfFile: Memory | undefined
  #memory: SegmentIndex | undefined
  /** Made from the segment, for want of a file; let go with the files. */
  #rebuilt: SegmentIndex | undefined
  /** The newest segment's end; the others' is known from the next one's header. */
  lastEnd: number | undefined
  file: StorageFile | undefined
  indexFile: IndexFile | undefined
  #shut = false
  /** When it was last used, in uses of the table. */
  lastUse = 0

  constructor(storage: Storage, dir: string, id: number, use: SegmentUse) {
    this.#storage = storage
    this.#dir = dir
    this.#use = use
    this.id = id
    this.path = segmentPath(dir, id)
  }

  /** The file's own memory up to `end`, word-aligned, where the storage can show it. */
  memory(end: number): Memory | undefined {
    let memory = this.#memoryOfFile
    if (memory !== undefined && memory.bytes.length >= end) return memory
    const bytes = this.open().view(0, end)
    // A view may begin anywhere; what reads frames counts from the start of the buffer.
    if (bytes === undefined || bytes.length < end || bytes.byteOffset !== 0) return undefined
    memory = { bytes, words: new Int32Array(bytes.buffer, 0, bytes.length >>> 2) }
    this.#memoryOfFile = memory
    // Who looks at entries where they stand looks at the postings there, too.
    this.indexFile?.map()
    return memory
  }

  /** Takes a header and index that are known already; the index stays in memory until it is released. */
  know(header: SegmentHeader, index: SegmentIndex): void {
    this.#header = header
    this.#seed = seedOf(header.salt)
    this.#memory = index
  }

  /** Lets go of the index in memory: it stands in a file now, or can be rebuilt. */
  release(): void {
    this.#memory = undefined
  }

  get header(): SegmentHeader {
    if (this.#header === undefined) {
      const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
      const read = this.open().readSync(bytes, 0)
      const header = decodeSegmentHeader(bytes.subarray(0, read), this.path)
      checkNumber(header, this.id, this.path)
      this.#header = header
      this.#seed = seedOf(header.salt)
    }
    return this.#header
  }

  /** The storage's, if it has any. */
  get checksums(): NativeChecksums | undefined {
    return this.#storage.checksums
  }

  /** Milliseconds, for durations. */
  elapsed(): number {
    return this.#storage.env.elapsed()
  }

  get seed(): number {
    return this.header && this.#seed
  }

  open(): StorageFile {
    if (this.#shut) throw closedError()
    if (this.file === undefined) {
      this.file = this.#storage.openSync(this.path, 'read')
      this.#use.opened(this)
    }
    return this.file
  }

  /** Bytes of memory that what is kept of its index in a file, or for want of one, takes. */
  get indexBytes(): number {
    return this.#rebuilt?.memoryBytes ?? this.indexFile?.memoryBytes ?? 0
  }

  /** Lets go of that; it is read again when it is asked for. */
  forgetIndex(): void {
    this.indexFile?.closeSync()
    this.indexFile = undefined
    this.#rebuilt = undefined
  }

  /** The index of the segment, which ends there. */
  index(end: SegmentEnd): FrameFinder {
    return this.#memory ?? this.#rebuilt ?? this.indexFile ?? this.#load(end)
  }

  /** Reads the segment to make its index anew, because the file's led astray. */
  rebuild({ end, endLsn }: SegmentEnd): FrameFinder {
    this.indexFile?.closeSync()
    this.indexFile = undefined
    const { header } = this
    const index = new SegmentIndex()
    const file = this.open()
    const result = scanGroupsSync(
      {
        file,
        id: this.id,
        seed: this.#seed,
        from: header.firstGroup,
        to: end,
        firstLsn: header.firstLsn,
        checksums: this.checksums,
      },
      (group) => index.addScanned(group, header.baseTime, header.firstLsn),
    )
    if (result.end !== end || result.nextLsn !== endLsn) {
      throw corrupt(
        this.path,
        result.end,
        `no whole commit group stands where the one with LSN ${result.nextLsn} must`,
      )
    }
    this.#rebuilt = index
    this.#use.indexed(this)
    return index
  }

  #load(end: SegmentEnd): FrameFinder {
    if (this.#shut) throw closedError()
    const { header } = this
    let file: StorageFile
    try {
      file = this.#storage.openSync(indexPath(this.#dir, this.id), 'read')
    } catch (error) {
      if (hasCode(error, 'WALRUS_NOT_FOUND')) return this.rebuild(end)
      throw error
    }
    try {
      const index = IndexFile.open(file)
      if (isIndexOf(index, header, end)) {
        if (this.#memoryOfFile !== undefined) index.map()
        this.indexFile = index
        this.#use.indexed(this)
        return index
      }
    } catch (error) {
      if (!hasCode(error, 'WALRUS_CORRUPT')) {
        file.closeSync()
        throw error
      }
    }
    file.closeSync()
    return this.rebuild(end)
  }

  close(): void {
    this.file?.closeSync()
    this.file = undefined
    this.forgetIndex()
    this.#memoryOfFile = undefined
  }

  /** Closes the files for good: the log is closed, and a read still under way must not open them again. */
  shut(): void {
    this.#shut = true
    this.close()
  }
}

/**
 * Whether an index file is of this segment as it is now: has every frame but void ones, and of the plain log every
 * position.
 */
export function isIndexOf(file: IndexFile, header: SegmentHeader, ends: SegmentEnd): boolean {
  const { salt, end, endLsn } = file.segment
  if (salt !== header.salt || end !== ends.end || endLsn !== ends.endLsn) return false
  if (file.frames + file.voids !== endLsn - header.firstLsn) return false
  const plain = file.heads().find(({ stream }) => stream === PLAIN_STREAM)
  // Lower than at the segment's start where the log's end was cut in it.
  if (plain === undefined) return ends.plainNext <= header.plainNext
  return plain.first <= header.plainNext && plain.next === ends.plainNext
}

/** Refuses a header found under another segment's name. */
export function checkNumber(header: SegmentHeader, id: number, path: string): void {
  if (header.id === id) return
  throw new WalrusError(
    'WALRUS_CORRUPT',
    `${path} is segment ${header.id} under another's name; give it its own name again`,
    { file: path, offset: 32 },
  )
}

export class SegmentTable implements SegmentUse {
  readonly #storage: Storage
  readonly #dir: string
  #segments: TableSegment[] = []
  /** Those with open files. */
  readonly #opened = new Set<TableSegment>()
  readonly #maxOpen: number
  readonly #indexCacheBytes: number
  #uses = 0

  constructor({ storage, dir, indexCacheBytes }: TableOptions, ids: readonly number[]) {
    this.#storage = storage
    this.#dir = dir
    this.#indexCacheBytes = indexCacheBytes
    this.#maxOpen = storage.canView ? MAX_OPEN_WITH_VIEWS : MAX_OPEN
    for (const id of ids) this.add(id)
  }

  get segments(): readonly TableSegment[] {
    return this.#segments
  }

  get last(): TableSegment {
    return this.#segments.at(-1)!
  }

  add(id: number): TableSegment {
    const segment = new TableSegment(this.#storage, this.#dir, id, this)
    this.#segments.push(segment)
    return segment
  }

  find(id: number): TableSegment | undefined {
    return this.#segments.find((segment) => segment.id === id)
  }

  /** Notes that a segment's files are in use, and closes others' beyond the bound. */
  use(segment: TableSegment): void {
    segment.lastUse = ++this.#uses
    this.#opened.add(segment)
    if (this.#opened.size <= this.#maxOpen) return
    let oldest = segment
    for (const opened of this.#opened) if (opened.lastUse < oldest.lastUse) oldest = opened
    this.#opened.delete(oldest)
    oldest.close()
  }

  /** Bytes of memory that what is kept of the indexes of ended segments takes. */
  get indexBytes(): number {
    let bytes = 0
    for (const segment of this.#opened) bytes += segment.indexBytes
    return bytes
  }

  opened(segment: TableSegment): void {
    this.use(segment)
  }

  /** Lets go of the indexes that were used longest ago, beyond the bound. */
  indexed(segment: TableSegment): void {
    let bytes = this.indexBytes
    if (bytes <= this.#indexCacheBytes) return
    const byUse = [...this.#opened].toSorted((a, b) => a.lastUse - b.lastUse)
    for (const oldest of byUse) {
      if (bytes <= this.#indexCacheBytes) return
      if (oldest === segment) continue
      bytes -= oldest.indexBytes
      oldest.forgetIndex()
    }
  }

  /** Where the segment at a place in the table ends. */
  endOf(at: number): SegmentEnd {
    const segment = this.#segments[at]!
    const next = this.#segments[at + 1]
    if (next === undefined) {
      const unknown = Number.MAX_SAFE_INTEGER
      return { end: segment.lastEnd ?? unknown, endLsn: unknown, plainNext: unknown }
    }
    const { predecessor, firstLsn, plainNext } = next.header
    if (predecessor.id !== segment.id || predecessor.salt !== segment.header.salt) {
      throw new WalrusError(
        'WALRUS_CORRUPT',
        `${next.path} does not follow ${segment.path}: one of them is from another log or another time`,
        { file: next.path, offset: 80 },
      )
    }
    return { end: predecessor.end, endLsn: firstLsn, plainNext }
  }

  /** The index of the segment at a place in the table. */
  indexAt(at: number): FrameFinder {
    const segment = this.#segments[at]!
    const end = this.endOf(at)
    this.use(segment)
    return segment.index(end)
  }

  /** Forgets the segments from a place on. */
  cut(at: number): void {
    for (const segment of this.#segments.splice(at)) {
      this.#opened.delete(segment)
      segment.close()
    }
  }

  /** Where in the table the segment of a number is; -1 when it is not there. */
  placeOf(id: number): number {
    const at = this.placeFrom(id)
    return this.#segments[at]?.id === id ? at : -1
  }

  /** Where in the table the first segment is whose number is not below `id`. */
  placeFrom(id: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle]!.id < id) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * Where in the table the segment is that holds an index of the plain log, if it holds it at all; `oldest` is the
   * number of the segment before which it cannot be, since the log's end was cut there.
   */
  placeOfPlain(index: number, oldest: number): number {
    const bound = oldest === 0 ? 0 : this.placeFrom(oldest)
    // From there on the indexes that segments begin with do not fall to it again (docs/format.md, "Stream bounds").
    let low = Math.min(bound + 1, this.#segments.length)
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle]!.header.plainNext <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Forgets the segments before the one of this number: they are removed. Reads under way end. */
  dropBefore(id: number): TableSegment[] {
    const dropped = this.#segments.splice(0, this.placeFrom(id))
    for (const segment of dropped) {
      this.#opened.delete(segment)
      segment.shut()
    }
    return dropped
  }

  close(): void {
    for (const segment of this.#segments) segment.shut()
    this.#opened.clear()
  }
}
