/**
 * Where a log ends that was not closed: the synced mark, and what it says of the bytes that do not read
 * (docs/format.md, "Recovery"). Changes nothing.
 */

import {
  PLAIN_STREAM,
  type Remainder,
  type SegmentHeader,
  scanGroups,
  searchRemainder,
  seedOf,
} from '@walrus/segment'
import { corrupt } from './errors.ts'
import { missing, type ScannedSegment, type SegmentFiles } from './segment-files.ts'
import type { Point, Tail } from './tail-file.ts'

/** Bytes behind the end of the log that are not part of it. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly length: number
  /** LSN and plain index that the first frame there would have had. */
  readonly lsn: number
  readonly index: number
}

/** The end, as the evidence has it. */
export interface Verdict {
  /** The segments that were read and hold the log, up to the one it ends in. */
  readonly scanned: readonly ScannedSegment[]
  readonly end: Point
  /** Everything before this is proven to be durable. */
  readonly proven: Point
  readonly torn: TornTail | undefined
}

/** What there is to judge by. */
export interface Evidence {
  readonly tail: Tail | undefined
  /** The boot that now runs. */
  readonly boot: number
  /** Headers of the segments at the end that are not known to be durable as a whole, oldest first. */
  readonly unproven: readonly SegmentHeader[]
  /** Headers of segments behind them, left out because one before them is missing or cannot be read. */
  readonly dropped: readonly SegmentHeader[]
}

/**
 * Reads the segments and decides.
 * @throws `WALRUS_CORRUPT`, `WALRUS_SEGMENT_MISSING` when something is bad that was durable once
 */
export async function findEnd(files: SegmentFiles, evidence: Evidence): Promise<Verdict> {
  const { unproven, dropped, tail } = evidence
  const scanned: ScannedSegment[] = []
  for (const [number, header] of unproven.entries()) {
    scanned.push(await files.scan(header, unproven[number + 1]?.predecessor.end))
  }
  const at = scanned.findIndex((segment, number) => !joins(segment, scanned[number + 1]))
  const ending = scanned[at]!
  const remainder = await remainderOf(files, ending, scanned[at + 1])
  const later = scanned.slice(at + 1)
  for (const header of dropped) later.push(await files.scan(header))
  const mark = Math.max(
    tail?.durable.lsn ?? 0,
    remainder.mark,
    ...[...scanned, ...later].flatMap(({ header, scan }) => [header.mark, scan.mark]),
  )
  judge(ending, remainder, later, mark, evidence.boot)
  const end = endOf(ending)
  const kept = scanned.slice(0, at + 1)
  return {
    scanned: kept,
    end,
    proven: await provenPoint(files, kept, mark),
    torn:
      remainder.firstByte === undefined
        ? undefined
        : {
            file: ending.path,
            offset: ending.scan.end,
            length: remainder.lastByte - ending.scan.end,
            lsn: end.lsn,
            index: end.plainNext,
          },
  }
}

/** Whether a segment's groups lead up to the next one, which names it as the one it follows. */
function joins(segment: ScannedSegment, next: ScannedSegment | undefined): boolean {
  if (next === undefined) return false
  const { scan, header } = segment
  const { predecessor, firstLsn } = next.header
  return (
    predecessor.salt === header.salt && predecessor.end === scan.end && firstLsn === scan.nextLsn
  )
}

/** What stands behind the end of a segment's good groups, up to where they should have ended. */
async function remainderOf(
  files: SegmentFiles,
  ending: ScannedSegment,
  next: ScannedSegment | undefined,
): Promise<Remainder> {
  const { scan, header, id, size } = ending
  const to = next?.header.predecessor.end ?? size
  if (scan.seal !== undefined) {
    const why = `the seal of ${ending.path} names it as the one that follows`
    throw missing(files.dir, scan.seal.successor, why)
  }
  return await files.with(id, (file) =>
    searchRemainder(file, scan.end, Math.max(scan.end, Math.min(to, size)), seedOf(header.salt)),
  )
}

/** Rot or torn: throws for what must have been durable once. */
function judge(
  ending: ScannedSegment,
  remainder: Remainder,
  later: readonly ScannedSegment[],
  mark: number,
  boot: number,
): void {
  const { path, scan } = ending
  const point = endOf(ending)
  if (scan.nextLsn < mark) {
    throw corrupt(
      path,
      scan.end,
      `the log was durable up to LSN ${mark}, but no whole commit group stands where LSN ${scan.nextLsn} (index ${point.plainNext} of the plain log) must`,
      point.plainNext,
    )
  }
  const sameBoot =
    remainder.groups.some(
      // An entry may hold a copy of older parts of the log; only what comes later follows.
      ({ header }) => header.boot === boot && header.firstLsn > scan.nextLsn,
    ) ||
    later.some(({ header, scan: after }) => header.boot === boot && after.end > header.firstGroup)
  if (!sameBoot) return
  throw corrupt(
    path,
    scan.end,
    `whole commit groups follow a damaged one (LSN ${scan.nextLsn}, index ${point.plainNext} of the plain log), and the machine has not restarted since`,
    point.plainNext,
  )
}

/** The last border between groups in the scanned segments that LSN `mark` has reached. */
async function provenPoint(
  files: SegmentFiles,
  scanned: readonly ScannedSegment[],
  mark: number,
): Promise<Point> {
  const holder = scanned.findLast(({ header }) => header.firstLsn <= mark) ?? scanned[0]!
  const { header, index, scan, id } = holder
  const { salt, plainNext } = header
  if (mark <= header.firstLsn) {
    return { lsn: header.firstLsn, segment: id, salt, offset: header.firstGroup, plainNext }
  }
  const sample = index.samples().findLast(({ lsn }) => header.firstLsn + lsn <= mark)!
  let offset = sample.offset
  let lsn = header.firstLsn + sample.lsn
  const range = { id, seed: seedOf(header.salt), from: offset, to: scan.end, firstLsn: lsn }
  await files.with(id, (file) =>
    scanGroups({ ...range, file }, (group) => {
      const endLsn = group.header.firstLsn + group.header.count
      if (endLsn > mark) return
      offset = group.offset + group.header.size
      lsn = endLsn
    }),
  )
  // What was cut behind the border is still there before it.
  const before = index.cutsFrom(offset) ? (await files.scan(header, offset)).index : index
  const next = before.nextAt(PLAIN_STREAM, offset) ?? plainNext
  return { lsn, segment: id, salt, offset, plainNext: next }
}

/** The end of a segment's whole groups. */
function endOf({ header, index, id, scan }: ScannedSegment): Point {
  const plainNext = index.nextAt(PLAIN_STREAM, scan.end) ?? header.plainNext
  return { lsn: scan.nextLsn, segment: id, salt: header.salt, offset: scan.end, plainNext }
}
