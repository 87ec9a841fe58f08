/**
 * The segment that is to follow: its header, and the catalog's snapshot it begins with when one is due.
 */

import {
  Begun,
  CATALOG_STREAM,
  FrameKind,
  frameBytes,
  GROUP_HEADER_BYTES,
  GroupBuilder,
  type Link,
  type SegmentHeader,
  seedOf,
  type Storage,
} from '@walrus/segment'
import {
  ActiveSegment,
  firstGroupOffset,
  groupAlign,
  type Stamps,
  stampOf,
} from './active-segment.ts'
import { type Catalog, encodeSnapshot } from './catalog.ts'

/** A snapshot of the catalog is due when this many times its size has been logged since the last one. */
const SNAPSHOT_SHARE = 16
/** About so many bytes of it are a stream's. */
const STREAM_BYTES = 40

export class NextSegment {
  readonly #storage: Storage
  readonly #stamps: Stamps
  readonly #catalog: Catalog
  /** Number of the segment with the newest snapshot. */
  #snapshotIn: number
  #sinceSnapshot = 0
  #wanted = false

  constructor(storage: Storage, stamps: Stamps, catalog: Catalog, snapshotIn: number) {
    this.#storage = storage
    this.#stamps = stamps
    this.#catalog = catalog
    this.#snapshotIn = snapshotIn
  }

  /** Lets it begin with a snapshot, due or not. */
  wantSnapshot(): void {
    this.#wanted = true
  }

  /** Notes bytes of groups. */
  logged(bytes: number): void {
    this.#sinceSnapshot += bytes
  }

  /** Frames of the snapshot it is to begin with, if it is to; of an empty catalog there are none. */
  dueSnapshot(): Uint8Array[] | undefined {
    const streams = this.#catalog.recorded()
    const least = SNAPSHOT_SHARE * STREAM_BYTES * streams.length
    if (streams.length > 0 && !this.#wanted && this.#sinceSnapshot < least) return undefined
    return encodeSnapshot(streams)
  }

  /** Notes that groups go into a segment, of which `bytes` are there already. */
  goneOn({ catalogSegment }: SegmentHeader, bytes: number): void {
    if (catalogSegment !== this.#snapshotIn) {
      this.#snapshotIn = catalogSegment
      this.#sinceSnapshot = 0
      this.#wanted = false
    }
    this.#sinceSnapshot += bytes
  }

  /** Notes that a segment that was planned is not begun, and groups go into the one before it. */
  givenUp(planned: SegmentHeader, before: SegmentHeader): void {
    if (planned.catalogFrames > 0) this.#wanted = true
    this.#snapshotIn = before.catalogSegment
  }

  /** Plans it. `firstLsn` is the LSN of its first frame, `baseTime` its base time. */
  plan({ header: before, end }: ActiveSegment, firstLsn: number, baseTime: number): ActiveSegment {
    const align = groupAlign(this.#storage)
    const id = before.id + 1
    const snapshot = this.dueSnapshot()
    const frames = snapshot ?? []
    const header = {
      firstGroup: firstGroupOffset(align),
      logId: before.logId,
      id,
      generation: 0,
      salt: randomSalt(this.#storage),
      firstLsn,
      plainNext: this.#catalog.plain.next,
      baseTime,
      boot: this.#stamps.boot,
      epoch: this.#stamps.epoch,
      predecessor: linkTo(before, end),
      mark: 0,
      begun: Begun.rotation,
      align,
      catalogSegment: snapshot === undefined ? this.#snapshotIn : id,
      catalogFrames: frames.length,
      commitEnd: 0,
    }
    this.goneOn(header, 0)
    if (frames.length === 0) return new ActiveSegment(header, undefined)
    const first = this.#catalog.own.next
    const segment = new ActiveSegment(header, this.#snapshotGroup(header, frames))
    let offset = header.firstGroup + GROUP_HEADER_BYTES
    frames.forEach((frame, number) => {
      segment.index.stream(CATALOG_STREAM).add(first + number, offset)
      offset += frameBytes(frame.length)
    })
    return segment
  }

  #snapshotGroup(header: SegmentHeader, frames: readonly Uint8Array[]): Uint8Array {
    const size = frames.reduce((sum, frame) => sum + frameBytes(frame.length), GROUP_HEADER_BYTES)
    const builder = new GroupBuilder(size + header.align)
    builder.begin(seedOf(header.salt), header.salt)
    for (const frame of frames) {
      builder.add(CATALOG_STREAM, FrameKind.catalogSnapshot, this.#catalog.own.next++, 0, frame)
    }
    const stamp = stampOf(this.#stamps, header.firstLsn, header.baseTime, 0)
    const padded = builder.close(stamp, groupAlign(this.#storage))
    return builder.bytes.slice(0, padded)
  }
}

/** What a segment says that follows another one, of which it counts what is before `end`. */
export function linkTo({ id, generation, salt }: SegmentHeader, end: number): Link {
  return { id, generation, salt, end }
}

/** A new segment's salt: never 0, or zeros would be whole units. */
export function randomSalt(storage: Storage): number {
  const bytes = new Uint8Array(4)
  storage.env.random(bytes)
  return new DataView(bytes.buffer).getInt32(0, true) || 1
}
