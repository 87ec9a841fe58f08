/**
 * Segments of one commit that is too large for memory, as they are built under temporary names (docs/format.md,
 * "Commits over several groups"). Memory is one group and the index of one segment.
 *
 * Invariant: nothing here touches what the log consists of. Whoever builds a chain gives its segments their names.
 */

import {
  Begun,
  CATALOG_STREAM,
  encodeSeal,
  encodeSegmentHeader,
  FrameKind,
  frameBytes,
  GroupBuilder,
  type Link,
  SEAL_BYTES,
  type SegmentHeader,
  SegmentIndex,
  seedOf,
  type Storage,
  type StorageFile,
} from '@walrus/segment'
import { encodeJson, type EntryFormat, entryRoom, JSON_FRAME } from './entry-format.ts'
import {
  ActiveSegment,
  firstGroupOffset,
  groupAlign,
  type Stamps,
  stampOf,
} from './active-segment.ts'
import { declarationBytes, encodeDeclaration, type StreamState } from './catalog.ts'
import { newUnfinishedIndexPath, writeUnfinishedIndex } from './index-writer.ts'
import { type Operation, type Procedure, syncOf, tried } from './operation.ts'
import { linkTo, randomSalt } from './next-segment.ts'
import type { StreamEntry } from './spool.ts'

/** A group of about this size is closed. */
const GROUP_BYTES = 0x10_0000

/** How a chain's segments are made, and what they follow. */
export interface ChainStart {
  readonly storage: Storage
  readonly dir: string
  readonly segmentBytes: number
  readonly stamps: Stamps
  readonly logId: Uint8Array
  /** Number of the first segment; the ones after it count on. */
  readonly id: number
  readonly predecessor: Link
  readonly firstLsn: number
  readonly plainNext: number
  /** The catalog's next position. */
  readonly ownNext: number
  readonly catalogSegment: number
  /** Frames of the catalog snapshot that the first segment begins with. */
  readonly snapshot: readonly Uint8Array[]
  /** Frames there will be. */
  readonly frames: number
  /** Of the whole commit, in milliseconds since the Unix epoch. */
  readonly time: number
  readonly format: EntryFormat
  /** Every frame with a lower LSN is durable. */
  readonly mark: number
  /** A temporary name for a segment that nothing has had yet. */
  readonly unfinishedPath: (id: number) => string
}

/** A segment of the chain with all its groups, under its temporary name. */
export interface BuiltSegment {
  readonly header: SegmentHeader
  readonly path: string
  /** Its index, under a temporary name; the last one has none yet. */
  readonly indexPath: string | undefined
}

/** The segment that is being built. */
interface Open {
  readonly header: SegmentHeader
  readonly path: string
  readonly file: StorageFile
  readonly index: SegmentIndex
}

export class Chain {
  /** Finished segments, in order. */
  readonly built: BuiltSegment[] = []
  /** The last one, once all is built: its file is open. */
  last: ActiveSegment | undefined
  /** The next position in each stream that has entries, once all is built. */
  readonly next: Map<StreamState, number> = new Map()
  /** Streams that it declares. */
  readonly declared: Set<StreamState> = new Set()
  /** Positions of the entries. */
  readonly positions: number[] = []
  /** Bytes of groups so far. */
  bytes = 0
  ownNext: number
  /** Every name that something may have been written under. */
  readonly #paths: string[] = []
  readonly #start: ChainStart
  readonly #align: number
  readonly #endLsn: number
  #builder: GroupBuilder
  #open: Open | undefined
  /** Where the open group begins in the open segment. */
  #offset = 0
  #lsn: number

  constructor(start: ChainStart) {
    this.#start = start
    this.#builder = new GroupBuilder(GROUP_BYTES, start.storage.checksums)
    this.#align = groupAlign(start.storage)
    this.#lsn = start.firstLsn
    this.#endLsn = start.firstLsn + start.frames
    this.ownNext = start.ownNext
  }

  get frames(): number {
    return this.#start.frames
  }

  /** LSN after the last frame. */
  get endLsn(): number {
    return this.#endLsn
  }

  plainNext(): number {
    for (const [stream, next] of this.next) if (stream.id === 0) return next
    return this.#start.plainNext
  }

  /** Adds entries, writing whole groups and segments. */
  *add(entries: readonly StreamEntry[]): Procedure {
    const { format, time } = this.#start
    for (const entry of entries) {
      const { stream } = entry
      const undeclared = !stream.declared && !this.declared.has(stream)
      const room = entryRoom(entry, format) + (undeclared ? declarationBytes(stream) : 0)
      if (!this.#fits(room)) yield* this.#makeRoom(room)
      this.#builder.reserve(room + this.#align)
      if (undeclared) {
        this.declared.add(stream)
        this.#addOwn(FrameKind.streamDeclared, encodeDeclaration(stream))
      }
      const position = this.next.get(stream) ?? stream.next
      const isJson = format === 'json'
      const bytes = isJson ? encodeJson(position, time, entry) : entry.bytes
      const attributes = isJson ? JSON_FRAME : entry.attributes
      const at =
        attributes === undefined
          ? this.#builder.add(stream.id, FrameKind.entry, position, 0, bytes)
          : this.#builder.addWithAttributes(
              stream.id,
              FrameKind.entry,
              position,
              0,
              attributes.flags,
              attributes.bytes,
              bytes,
            )
      this.#posting(stream.id, position, at)
      this.next.set(stream, position + 1)
      this.positions.push(position)
    }
  }

  /** Writes and syncs what is left. */
  *finish(): Procedure {
    yield* this.#closeGroup()
    const { header, path, file, index } = this.#open!
    yield* tried(syncOf(file))
    this.built.push({ header, path, indexPath: undefined })
    const segment = new ActiveSegment(header, undefined, index)
    segment.file = file
    segment.end = this.#offset
    segment.writtenEnd = this.#offset
    segment.zeroedTo = this.#offset
    segment.nameDurable = true
    this.last = segment
    this.#open = undefined
  }

  /** Lets go of the file that is open; the temporary names of all there may be. */
  abandon(): readonly string[] {
    this.#open?.file.closeSync()
    this.last?.file?.closeSync()
    return this.#paths
  }

  #posting(stream: number, position: number, at: number): void {
    this.#open!.index.stream(stream).add(position, this.#offset + at)
  }

  #fits(bytes: number): boolean {
    if (this.#open === undefined) return false
    const { end, count } = this.#builder
    if (count > 0 && end + bytes > GROUP_BYTES) return false
    return !this.#full(bytes)
  }

  #full(bytes: number): boolean {
    const { header } = this.#open!
    const { end, count } = this.#builder
    const occupied = count > 0 || this.#offset > header.firstGroup
    const padded = Math.ceil((this.#offset + end + bytes) / this.#align) * this.#align
    return occupied && padded + SEAL_BYTES > this.#start.segmentBytes
  }

  *#makeRoom(bytes: number): Procedure {
    if (this.#open === undefined) return yield* this.#begin(this.#start.predecessor)
    const full = this.#full(bytes)
    yield* this.#closeGroup()
    if (full) yield* this.#next()
  }

  *#begin(predecessor: Link): Procedure {
    const { storage, stamps, logId, id, time, catalogSegment, unfinishedPath } = this.#start
    const snapshot = this.built.length === 0 ? this.#start.snapshot : []
    const number = id + this.built.length
    const header: SegmentHeader = {
      firstGroup: firstGroupOffset(this.#align),
      logId,
      id: number,
      generation: 0,
      salt: randomSalt(storage),
      firstLsn: this.#lsn,
      plainNext: this.plainNext(),
      baseTime: time,
      boot: stamps.boot,
      epoch: stamps.epoch,
      predecessor,
      // It counts only once all of the chain is durable.
      mark: this.#endLsn,
      begun: this.built.length === 0 ? Begun.rotation : Begun.continuation,
      align: this.#align,
      catalogSegment,
      catalogFrames: snapshot.length,
      commitEnd: this.#endLsn,
    }
    const path = unfinishedPath(number)
    this.#paths.push(path)
    const file = storage.openSync(path, 'create')
    this.#open = { header, path, file, index: new SegmentIndex() }
    this.#offset = header.firstGroup
    const head = new Uint8Array(header.firstGroup)
    head.set(encodeSegmentHeader(header))
    yield* tried(writeOf(file, head, 0))
    this.#builder.begin(seedOf(header.salt), header.salt)
    for (const frame of snapshot) {
      this.#builder.reserve(frameBytes(frame.length) + this.#align)
      this.#addOwn(FrameKind.catalogSnapshot, frame)
    }
    yield* this.#closeGroup()
  }

  /** Adds a frame of the catalog's own stream. There must be room. */
  #addOwn(kind: FrameKind, body: Uint8Array): void {
    const at = this.#builder.add(CATALOG_STREAM, kind, this.ownNext, 0, body)
    this.#posting(CATALOG_STREAM, this.ownNext++, at)
  }

  /** Writes the open group. */
  *#closeGroup(): Procedure {
    const builder = this.#builder
    if (builder.count === 0) return
    const { stamps, time, mark } = this.#start
    const { header, file, index } = this.#open!
    const size = builder.close(stampOf(stamps, this.#lsn, time, mark), this.#align)
    index.addGroup(this.#offset, 0, this.#lsn - header.firstLsn)
    const lent = yield* tried(writeOf(file, builder.bytes.subarray(0, size), this.#offset))
    this.#lsn += builder.count
    this.#offset += size
    this.bytes += size
    if (lent || builder.capacity > 2 * GROUP_BYTES) {
      this.#builder = new GroupBuilder(GROUP_BYTES, this.#start.storage.checksums)
    }
    this.#builder.begin(seedOf(header.salt), header.salt)
  }

  /** Ends the open segment and begins the next. */
  *#next(): Procedure {
    const { storage, dir, time } = this.#start
    const { header, path, file, index } = this.#open!
    const { id, salt } = header
    const end = this.#offset
    const seal = encodeSeal(
      { id, endLsn: this.#lsn, end, successor: id + 1, time, plainNext: this.plainNext() },
      seedOf(salt),
      salt,
    )
    yield* tried(writeOf(file, seal, end))
    yield* tried(syncOf(file))
    const indexed = { ...header, end, endLsn: this.#lsn }
    const indexPath = newUnfinishedIndexPath(storage, dir, id)
    this.#paths.push(indexPath)
    yield* writeUnfinishedIndex(storage, indexPath, index, indexed)
    this.built.push({ header, path, indexPath })
    this.#open = undefined
    file.closeSync()
    yield* this.#begin(linkTo(header, end))
  }
}

function writeOf(file: StorageFile, bytes: Uint8Array, at: number): Operation {
  return { start: () => file.write(bytes, at, false), now: () => file.writeSync(bytes, at, false) }
}
