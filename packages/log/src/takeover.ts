/**
 * Recovery, second half: a successor segment takes over where the log is proven to end (docs/format.md, "Recovery").
 *
 * Nothing is appended to, cut from, or written over in an existing segment: after a failed sync the page cache may
 * hold what the disk does not, so what is not proven durable is written anew. The rename of the successor is the
 * cut; everything before it can be repeated, and everything after it is repeated when it did not come to an end.
 */

import { join } from 'node:path'
import {
  Begun,
  frameBytes,
  frameLength,
  frameTime,
  GROUP_HEADER_BYTES,
  GroupBuilder,
  type ScannedGroup,
  type Storage,
  type StorageFile,
  scanGroups,
  seedOf,
} from '@walrus/segment'
import {
  ActiveSegment,
  createSegment,
  firstGroupOffset,
  groupAlign,
  type Stamps,
} from './active-segment.ts'
import type { Analysis } from './analysis.ts'
import { corrupt } from './errors.ts'
import { writeIndex } from './index-writer.ts'
import {
  indexPath,
  isUnfinished,
  QUARANTINE_NAME,
  segmentPath,
  unfinishedSegmentPath,
} from './names.ts'
import { doLater } from './operation.ts'
import type { Point } from './tail-file.ts'
import { removeIfThere } from './remove.ts'
import { readHeader, type ScannedSegment } from './segment-files.ts'
import { randomSalt } from './next-segment.ts'

/** What a recovery did. */
export interface Takeover {
  readonly segment: ActiveSegment
  /** Groups and frames that were verified but not proven durable, and stand in the successor now. */
  readonly groups: number
  readonly frames: number
  /** Files moved to the quarantine folder. */
  readonly quarantined: readonly string[]
}

/** Writes the successor, renames it into place, and moves away what lies behind the cut. */
export async function takeOver(
  storage: Storage,
  dir: string,
  analysis: Analysis,
  stamps: Stamps,
): Promise<Takeover> {
  const { proven, scanned, ids, leftOver, end } = analysis
  const cut = scanned.find(({ id }) => id === proven.segment)!
  const number = Math.max(...ids, ...leftOver) + 1
  // With nothing of the segment proven, the successor takes its place.
  const replaces = proven.offset === cut.header.firstGroup
  const catalog = await catalogFor(storage, dir, cut, replaces, number)
  const header = {
    ...cut.header,
    firstGroup: firstGroupOffset(groupAlign(storage)),
    id: number,
    generation: 0,
    salt: randomSalt(storage),
    firstLsn: proven.lsn,
    plainNext: proven.plainNext,
    boot: stamps.boot,
    epoch: stamps.epoch,
    predecessor: replaces
      ? cut.header.predecessor
      : {
          id: proven.segment,
          generation: cut.header.generation,
          salt: proven.salt,
          end: proven.offset,
        },
    mark: proven.lsn,
    begun: Begun.recovery,
    commitEnd: 0,
    align: groupAlign(storage),
    ...catalog,
  }
  const segment = new ActiveSegment(header, undefined)
  const path = unfinishedSegmentPath(dir, number, 0)
  const file = await storage.open(path, 'create')
  const copy = new Copy(segment, file)
  try {
    for (const source of scanned.filter(({ id }) => id >= proven.segment)) {
      const from = source === cut ? proven.offset : source.header.firstGroup
      const firstLsn = source === cut ? proven.lsn : source.header.firstLsn
      await copySegment(storage, source, from, firstLsn, copy)
    }
    copy.flush()
    await file.sync()
    const target = { file, path, zeroedTo: segment.end }
    await doLater(createSegment(storage, dir, segment, target, proven.lsn, true))
    segment.writtenEnd = segment.end
    if (!replaces) await cutIndex(storage, cut, proven.offset)
    await writeIndexes(storage, dir, scanned, proven)
    const behind = ids.filter((id) => id > proven.segment || (replaces && id === proven.segment))
    const damaged = analysis.torn === undefined ? [] : behind.filter((id) => id === end.segment)
    const whole = behind.filter((id) => !damaged.includes(id))
    const quarantined = await clearAway(storage, dir, whole, [...damaged, ...leftOver])
    return { segment, groups: copy.groups, frames: copy.frames, quarantined }
  } catch (error) {
    await file.close()
    if (segment.file === undefined) await storage.remove(path)
    throw error
  }
}

/** Makes a segment's index end at `offset`. */
async function cutIndex(storage: Storage, cut: ScannedSegment, offset: number): Promise<void> {
  const { id, path, header, index } = cut
  if (!index.cutsFrom(offset)) {
    index.cutAt(offset)
    return
  }
  // What was cut behind the border is still there before it.
  const { firstGroup: from, firstLsn, baseTime } = header
  index.cutAt(from)
  const file = await storage.open(path, 'read')
  try {
    const { checksums } = storage
    const range = { file, id, seed: seedOf(header.salt), from, to: offset, firstLsn, checksums }
    const scan = await scanGroups(range, (group) => index.addScanned(group, baseTime, firstLsn))
    if (scan.end === offset) return
    throw corrupt(path, scan.end, 'a commit group that was whole a moment ago is not any more')
  } finally {
    await file.close()
  }
}

/** Where the newest catalog snapshot is, as the header of the successor `number` has to say. */
async function catalogFor(
  storage: Storage,
  dir: string,
  cut: ScannedSegment,
  replaces: boolean,
  number: number,
): Promise<{ catalogSegment: number; catalogFrames: number }> {
  const { catalogSegment, catalogFrames, firstGroup, predecessor } = cut.header
  if (!replaces || catalogSegment !== cut.id) return { catalogSegment, catalogFrames: 0 }
  const whole = catalogFrames === 0 || cut.scan.end > firstGroup
  if (whole) return { catalogSegment: number, catalogFrames }
  // Its own snapshot was torn; the one before still counts.
  const file = await storage.open(segmentPath(dir, predecessor.id), 'read')
  try {
    const before = await readHeader(file, predecessor.id)
    return { catalogSegment: before.catalogSegment, catalogFrames: 0 }
  } finally {
    await file.close()
  }
}

const FLUSH_BYTES = 0x10_0000

/** Groups on their way into the successor. */
class Copy {
  readonly #segment: ActiveSegment
  readonly #file: StorageFile
  #parts: Uint8Array[] = []
  #bytes = 0
  #at: number
  groups = 0
  frames = 0

  constructor(segment: ActiveSegment, file: StorageFile) {
    this.#segment = segment
    this.#file = file
    this.#at = segment.end
  }

  /** Closes a group anew with the successor's salt, its times counted from the successor's base. */
  add(group: ScannedGroup, baseTime: number): void {
    const { header: successor, seed, index } = this.#segment
    const { header, bytes, words } = group
    const builder = new GroupBuilder(header.size + successor.align)
    builder.begin(seed, successor.salt)
    let at = group.at + GROUP_HEADER_BYTES
    for (let frame = 0; frame < header.count; frame++) {
      const size = frameBytes(frameLength(words, at))
      builder.addCopy(bytes, at, size, baseTime + frameTime(words, at) - successor.baseTime)
      at += size
    }
    const size = builder.close(header, successor.align)
    const copied = { header: { ...header, size }, offset: this.#segment.end, at: 0 }
    index.addScanned(
      { ...copied, bytes: builder.bytes, words: builder.words },
      successor.baseTime,
      successor.firstLsn,
    )
    this.#parts.push(builder.bytes.subarray(0, size))
    this.#bytes += size
    this.#segment.end += size
    this.groups++
    this.frames += header.count
    if (this.#bytes >= FLUSH_BYTES) this.flush()
  }

  flush(): void {
    const all = Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    if (all.length === 0) return
    this.#file.writeSync(all, this.#at, false)
    this.#at += all.length
  }
}

async function copySegment(
  storage: Storage,
  source: ScannedSegment,
  from: number,
  firstLsn: number,
  copy: Copy,
): Promise<void> {
  const { id, path, header, scan } = source
  const file = await storage.open(path, 'read')
  try {
    const { checksums } = storage
    const range = { file, id, seed: seedOf(header.salt), from, to: scan.end, firstLsn, checksums }
    const copied = await scanGroups(range, (group) => copy.add(group, header.baseTime))
    if (copied.end === scan.end) return
    throw corrupt(path, copied.end, 'a commit group that was whole a moment ago is not any more')
  } finally {
    await file.close()
  }
}

/** Writes the indexes of the segments that were read and remain. */
async function writeIndexes(
  storage: Storage,
  dir: string,
  scanned: readonly ScannedSegment[],
  proven: Point,
): Promise<void> {
  const remaining = scanned.filter(
    ({ id, header }) =>
      id < proven.segment || (id === proven.segment && proven.offset > header.firstGroup),
  )
  for (const { id, header, index, scan } of remaining) {
    const end = id === proven.segment ? proven.offset : scan.end
    const endLsn = id === proven.segment ? proven.lsn : scan.nextLsn
    await doLater(writeIndex(storage, dir, index, { ...header, end, endLsn }))
  }
}

/**
 * Removes segments all of which was taken over, and moves those that hold anything else to the quarantine folder.
 * Returns where the latter are now. All that is durable only once the directory is synced.
 */
async function clearAway(
  storage: Storage,
  dir: string,
  takenOver: readonly number[],
  leftOver: readonly number[],
): Promise<string[]> {
  const quarantine = join(dir, QUARANTINE_NAME)
  const moved: string[] = []
  for (const id of takenOver) {
    await removeIfThere(storage, indexPath(dir, id))
    await storage.remove(segmentPath(dir, id))
  }
  if (leftOver.length > 0) {
    await storage.mkdir(quarantine)
    // Else what is moved there might be gone with it.
    await storage.syncDir(dir)
  }
  for (const id of leftOver) {
    await removeIfThere(storage, indexPath(dir, id))
    const target = segmentPath(quarantine, id)
    await storage.rename(segmentPath(dir, id), target)
    moved.push(target)
  }
  return moved
}

/**
 * Removes segments that are no part of the log any more, oldest first. Not synced: what comes back is passed over, and
 * removed by the next writer.
 */
export async function removeSegments(
  storage: Storage,
  dir: string,
  ids: readonly number[],
): Promise<void> {
  for (const id of ids.toSorted((a, b) => a - b)) {
    await removeIfThere(storage, indexPath(dir, id))
    await removeIfThere(storage, segmentPath(dir, id))
  }
}

/** Removes what was being prepared when the last writer stopped. Nothing in it counts. */
export async function removeUnfinished(storage: Storage, dir: string): Promise<void> {
  for (const name of await storage.list(dir)) {
    if (isUnfinished(name)) await removeIfThere(storage, join(dir, name))
  }
}
