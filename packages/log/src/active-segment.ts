/**
 * A segment that is being filled: first only planned, then a file.
 *
 * The sequencer plans it and gives out offsets in it before it exists; the writer creates it when its first group
 * comes to be written. Invariants: `end` never lies before what is written; nothing is written to the file but
 * groups in order, zeros beyond every sequenced byte, and at last the seal.
 */

import {
  encodeSegmentHeader,
  type GroupStamp,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  SegmentIndex,
  type Storage,
  type StorageFile,
  seedOf,
} from '@walrus/segment'
import type { Procedure } from './operation.ts'
import { segmentPath } from './names.ts'

/** A file under a temporary name, ready to become a segment: its first bytes are zeros, already durable. */
export interface PreparedFile {
  readonly file: StorageFile
  readonly path: string
  readonly zeroedTo: number
}

export class ActiveSegment {
  readonly header: SegmentHeader
  readonly seed: number
  readonly index: SegmentIndex
  /** Behind the last sequenced group: where the next one begins. */
  end: number
  /** The file, once it has its name. */
  file: StorageFile | undefined
  /** Behind the last group written. */
  writtenEnd: number
  /** Zeros have been written up to here. */
  zeroedTo = 0
  /** No byte from here on may be sequenced: zeros are being written there. */
  front: number = Number.POSITIVE_INFINITY
  /** Whether its head is durable, and the directory has been synced since it got its name. */
  nameDurable = false
  /** Whether every group in it is known to be durable. */
  synced = false
  /** Whether nothing more will be written to it but zeros that are under way. */
  retired = false
  /** The first group, a catalog snapshot, when it has one. */
  readonly snapshot: Uint8Array | undefined

  constructor(
    header: SegmentHeader,
    snapshot: Uint8Array | undefined,
    index: SegmentIndex = new SegmentIndex(),
  ) {
    this.header = header
    this.index = index
    this.seed = seedOf(header.salt)
    this.snapshot = snapshot
    this.end = header.firstGroup + (snapshot?.length ?? 0)
    this.writtenEnd = this.end
  }

  get id(): number {
    return this.header.id
  }

  /** Closes the file, as soon as no zeros are under way to it: whoever writes those then calls this again. */
  retire(): void {
    this.retired = true
    if (this.front !== Number.POSITIVE_INFINITY) return
    this.file?.closeSync()
    this.file = undefined
  }

  /** Whether no group of entries has been sequenced into it. */
  get empty(): boolean {
    return this.end === this.header.firstGroup + (this.snapshot?.length ?? 0)
  }
}

/** Offset of a segment's first group where groups are aligned to `align` bytes. */
export function firstGroupOffset(align: number): number {
  return Math.ceil(SEGMENT_HEADER_BYTES / align) * align
}

/** Groups are aligned to this, at least. */
export function groupAlign(storage: Storage): number {
  return Math.max(4, storage.align)
}

/** What the groups of one writer have in common. */
export interface Stamps {
  readonly boot: number
  readonly epoch: number
}

export function stampOf(stamps: Stamps, firstLsn: number, time: number, mark: number): GroupStamp {
  return { firstLsn, time, mark, boot: stamps.boot, epoch: stamps.epoch }
}

/** The bytes a segment begins with: header, zeros up to the alignment, snapshot. */
export function encodeHead(segment: ActiveSegment, mark: number): Uint8Array {
  const { header, snapshot } = segment
  const head = new Uint8Array(header.firstGroup + (snapshot?.length ?? 0))
  head.set(encodeSegmentHeader({ ...header, mark }))
  if (snapshot !== undefined) head.set(snapshot, header.firstGroup)
  return head
}

/**
 * Makes a planned segment real: writes its head to `target`, a file under a temporary name, and renames it.
 * With `durable`, head and name survive a power loss when this ends; they must, before a group in it is
 * acknowledged as durable.
 */
export function* createSegment(
  storage: Storage,
  dir: string,
  segment: ActiveSegment,
  target: PreparedFile,
  mark: number,
  durable: boolean,
): Procedure {
  const { file, path, zeroedTo } = target
  const head = encodeHead(segment, mark)
  yield {
    start: () => file.write(head, 0, durable),
    now: () => file.writeSync(head, 0, durable),
  }
  const name = segmentPath(dir, segment.id)
  storage.renameSync(path, name)
  file.path = name
  segment.file = file
  segment.zeroedTo = Math.max(zeroedTo, head.length)
  if (!durable) return
  yield { start: () => storage.syncDir(dir), now: () => storage.syncDirSync(dir) }
  segment.nameDurable = true
}
