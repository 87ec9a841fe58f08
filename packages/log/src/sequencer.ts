/**
 * The sequencer: gives every frame its LSN, its position and its place in a segment, in memory.
 *
 * Everything that decides order happens here, synchronously; the writer then carries groups to the disk in the same
 * order. Invariants:
 * - LSNs and positions are given out without gaps, positions anew where the end of a stream was cut; a group's frames
 *   are adjacent in LSN and in the file.
 * - A group lies in one segment. Its offset is known when it begins, so an index entry is final when it is made,
 *   unless the group is taken back, which happens only to groups nothing of which was ever promised.
 * - `limit` is the one number the hot path looks at: up to where the open group's buffer may be filled without
 *   thinking. 0 when there is no open group.
 */

import {
  CATALOG_STREAM,
  type EncodedAttributes,
  FRAME_HEADER_BYTES,
  FrameKind,
  frameBytes,
  frameKind,
  framePosition,
  frameLength,
  frameStream,
  GROUP_HEADER_BYTES,
  SEAL_BYTES,
  type Storage,
} from '@walrus/segment'
import { ActiveSegment, groupAlign, type Stamps, stampOf } from './active-segment.ts'
import { type Catalog, declarationBytes, encodeDeclaration, type StreamState } from './catalog.ts'
import { encodeJson, JSON_FRAME } from './entry-format.ts'
import { NextSegment } from './next-segment.ts'
import type { ResolvedOptions } from './options.ts'
import { PendingGroup } from './pending-group.ts'

/** A group of about this size is closed; the next one fills. */
const GROUP_BYTES = 0x10_0000
/** Frames hold 32 bits of milliseconds from their segment's base time; a segment is ended well before. */
const MAX_SEGMENT_AGE_MS = 0x7fff_ffff

/** Room in an open group, or why there is none just now. */
export type Room = 'ok' | 'wait'

export class Sequencer {
  readonly catalog: Catalog
  /** Closed groups not yet written, oldest first. */
  readonly queue: PendingGroup[] = []
  /** The segment being filled. */
  segment: ActiveSegment
  /** The group being filled; empty when `limit` is 0. */
  group: PendingGroup
  limit = 0
  /** Bytes of closed groups not yet written. */
  queuedBytes = 0
  readonly #storage: Storage
  readonly #segmentBytes: number
  readonly #bufferBytes: number
  readonly #json: boolean
  readonly stamps: Stamps
  readonly nextSegment: NextSegment
  readonly #free: PendingGroup[] = []
  readonly #align: number
  #nextLsn: number
  #time: number

  constructor(
    options: Pick<ResolvedOptions, 'storage' | 'segmentBytes' | 'bufferBytes' | 'format'>,
    stamps: Stamps,
    catalog: Catalog,
    segment: ActiveSegment,
    nextLsn: number,
    time: number,
  ) {
    const { storage, segmentBytes, bufferBytes, format } = options
    this.#storage = storage
    this.#json = format === 'json'
    this.#segmentBytes = segmentBytes
    this.#bufferBytes = bufferBytes
    this.stamps = stamps
    this.catalog = catalog
    this.segment = segment
    this.#nextLsn = nextLsn
    this.#time = time
    this.#align = groupAlign(storage)
    this.group = new PendingGroup(storage.checksums)
    const { catalogSegment } = segment.header
    this.nextSegment = new NextSegment(storage, stamps, catalog, catalogSegment)
    this.#usePostings()
  }

  /** LSN the next frame gets. */
  get nextLsn(): number {
    return this.limit === 0 ? this.#nextLsn : this.group.endLsn
  }

  /** Where the next frame would go in the current segment. */
  get sequencedEnd(): number {
    return this.limit === 0 ? this.segment.end : this.group.offset + this.group.builder.end
  }

  /** Bytes sequenced and not yet written. */
  get pendingBytes(): number {
    return this.queuedBytes + (this.limit === 0 ? 0 : this.group.builder.end)
  }

  /** Sequences an entry of the plain log; -1 when `limit` does not allow it. The hot path. */
  addPlain(data: Uint8Array): number {
    const group = this.group
    const builder = group.builder
    if (builder.end + data.length + 32 > this.limit || this.#json) return -1
    const plain = this.catalog.plain
    const position = plain.next
    const time = group.time - this.segment.header.baseTime
    const at = builder.add(0, FrameKind.entry, position, time, data)
    plain.postings!.add(position, group.offset + at)
    plain.next = position + 1
    return position
  }

  /** Sequences an entry in any stream. There must be room (`reserve`). */
  add(stream: StreamState, data: Uint8Array, attributes: EncodedAttributes | undefined): number {
    if (!stream.declared) {
      this.#frame(this.catalog.own, FrameKind.streamDeclared, encodeDeclaration(stream))
      this.catalog.declare(stream)
    }
    if (!this.#json) return this.#frame(stream, FrameKind.entry, data, attributes)
    const body = encodeJson(stream.next, this.group.time, { bytes: data, attributes })
    return this.#frame(stream, FrameKind.entry, body, JSON_FRAME)
  }

  /** Sequences a frame of stream bounds; its LSN. There must be room (`reserve`). */
  addBounds(body: Uint8Array): number {
    const lsn = this.group.endLsn
    this.#frame(this.catalog.own, FrameKind.streamBounds, body)
    return lsn
  }

  /** Bytes that entries of a stream need in a group, whose frames take `frames` bytes. */
  room(stream: StreamState, frames: number): number {
    return frames + (stream.declared ? 0 : declarationBytes(stream))
  }

  /**
   * Makes room for `bytes` of frames in one group, closing the open group or planning the next segment as needed.
   * @param canWait whether the caller can be told to wait for zeros that are being written just where it would go;
   *   otherwise the next segment is begun early
   */
  reserve(bytes: number, canWait: boolean): Room {
    if (this.limit !== 0 && this.group.builder.end + bytes <= this.limit) return 'ok'
    const group = this.group
    const filled = this.limit === 0 ? GROUP_HEADER_BYTES : group.builder.end
    const offset = this.limit === 0 ? this.segment.end : group.offset
    const end = this.#padded(offset + filled + bytes)
    const full = end + SEAL_BYTES > this.#segmentBytes
    const occupied = !this.segment.empty || filled > GROUP_HEADER_BYTES
    const old = this.#now() - this.segment.header.baseTime > MAX_SEGMENT_AGE_MS
    // One that is only planned yet cannot be followed by another.
    if ((full && occupied) || (old && (occupied || this.segment.file !== undefined))) {
      this.close()
      this.#planNext()
    } else if (end > this.segment.front) {
      if (canWait) return 'wait'
      this.close()
      this.#planNext()
    } else if (filled > GROUP_HEADER_BYTES && filled + bytes > GROUP_BYTES) {
      this.close()
    }
    this.#open()
    this.group.builder.reserve(bytes + this.#align)
    this.#setLimit(bytes)
    return 'ok'
  }

  /** Works out `limit` anew; to be called when the segment's `front` has changed. */
  updateLimit(): void {
    if (this.limit !== 0) this.#setLimit(0)
  }

  /** What was just reserved is always allowed, also in a group larger than a segment. */
  #setLimit(reserved: number): void {
    const { builder, offset } = this.group
    const segmentRoom =
      Math.min(this.#segmentBytes - SEAL_BYTES, this.segment.front) - offset - this.#align
    const room = Math.min(segmentRoom, builder.capacity - this.#align)
    this.limit = Math.max(
      builder.end + reserved,
      Math.min(room, this.#bufferBytes - this.queuedBytes),
    )
  }

  /** Closes the open group and queues it. */
  close(): void {
    if (this.limit === 0) return
    const group = this.group
    this.limit = 0
    if (group.builder.count === 0) {
      this.#free.push(group)
      this.#take()
      return
    }
    group.size = this.#padded(group.builder.end)
    group.plainNext = this.catalog.plain.next
    group.segment.end = group.offset + group.size
    group.segment.index.addGroup(
      group.offset,
      group.time - group.segment.header.baseTime,
      group.firstLsn - group.segment.header.firstLsn,
    )
    this.#nextLsn = group.endLsn
    this.nextSegment.logged(group.size)
    this.queue.push(group)
    this.queuedBytes += group.size
    this.#take()
  }

  /** Writes a closed group's header; `mark` is the durable mark now. Its bytes are then what goes to the disk. */
  seal(group: PendingGroup, mark: number): Uint8Array {
    const stamp = stampOf(this.stamps, group.firstLsn, group.time, mark)
    const size = group.builder.close(stamp, this.#align)
    return group.builder.bytes.subarray(0, size)
  }

  /** Takes the oldest closed group off the queue, once it is written. */
  written(): void {
    const group = this.queue.shift()!
    this.queuedBytes -= group.size
    if (group.reusable && this.#free.length < 4) this.#free.push(group)
  }

  /**
   * Takes back every group not yet written, as if it had never been sequenced, and begins again at `segment`.
   * Returns the groups, so that whoever waits for them can be told.
   */
  takeBack(segment: ActiveSegment): PendingGroup[] {
    this.close()
    const groups = this.queue.splice(0)
    this.queuedBytes = 0
    for (const group of groups.toReversed()) this.#forget(group)
    const dropped = new Set([this.segment, ...groups.map((group) => group.segment)])
    dropped.delete(segment)
    for (const { header, index } of dropped) {
      if (header.catalogFrames > 0) {
        this.catalog.own.next = Math.min(this.catalog.own.next, index.stream(CATALOG_STREAM).first)
      }
      this.nextSegment.givenUp(header, segment.header)
      this.#nextLsn = Math.min(this.#nextLsn, header.firstLsn)
    }
    const oldest = groups[0]
    if (oldest?.segment === segment) {
      this.#nextLsn = oldest.firstLsn
      segment.index.cutGroups(oldest.offset)
      segment.end = oldest.offset
    }
    this.segment = segment
    this.#usePostings()
    return groups
  }

  /** The time a commit that is sequenced now gets. */
  time(): number {
    return this.#now()
  }

  /** Goes on behind a commit that took `bytes` in segments of its own, of which `segment` is the last. */
  goOn(segment: ActiveSegment, nextLsn: number, bytes: number): void {
    this.segment = segment
    this.#nextLsn = nextLsn
    this.nextSegment.goneOn(segment.header, bytes)
    this.#usePostings()
  }

  #forget(group: PendingGroup): void {
    const { words, end } = group.builder
    for (let at = GROUP_HEADER_BYTES; at < end; at += frameBytes(frameLength(words, at))) {
      const stream = this.catalog.byId(frameStream(words, at))!
      const position = framePosition(words, at)
      if (stream === this.catalog.own && frameKind(words, at) === FrameKind.streamDeclared) {
        this.catalog.byId(words[(at + FRAME_HEADER_BYTES) >>> 2]! >>> 0)!.declared = false
      }
      if (position >= stream.next) continue
      stream.next = position
      group.segment.index.stream(stream.id).cut(position)
    }
    group.revert?.()
  }

  #frame(
    stream: StreamState,
    kind: FrameKind,
    data: Uint8Array,
    attributes?: EncodedAttributes,
  ): number {
    // Not the segment's number: one that was planned and given up may have had the same.
    if (stream.postingsOf !== this.segment.index) {
      stream.postings = this.segment.index.stream(stream.id)
      stream.postingsOf = this.segment.index
    }
    const { builder, offset } = this.group
    const position = stream.next
    const time = this.group.time - this.segment.header.baseTime
    const at =
      attributes === undefined
        ? builder.add(stream.id, kind, position, time, data)
        : builder.addWithAttributes(
            stream.id,
            kind,
            position,
            time,
            attributes.flags,
            attributes.bytes,
            data,
          )
    stream.postings!.add(position, offset + at)
    stream.next = position + 1
    return position
  }

  #open(): void {
    if (this.limit !== 0) return
    this.group.begin(this.segment, this.segment.end, this.#nextLsn, this.#now())
    this.limit = GROUP_HEADER_BYTES
  }

  #take(): void {
    this.group = this.#free.pop() ?? new PendingGroup(this.#storage.checksums)
  }

  #now(): number {
    this.#time = Math.max(this.#time, this.#storage.env.now())
    return this.#time
  }

  #padded(size: number): number {
    return Math.ceil(size / this.#align) * this.#align
  }

  /** Plans the segment that follows the current one. No group is open. */
  #planNext(): void {
    this.segment = this.nextSegment.plan(this.segment, this.#nextLsn, this.#now())
    this.#nextLsn += this.segment.header.catalogFrames
    this.#usePostings()
  }

  #usePostings(): void {
    const plain = this.catalog.plain
    plain.postings = this.segment.index.stream(plain.id)
    plain.postingsOf = this.segment.index
  }
}
