/**
 * Opening a log for writing: the lock, the end of the log, the segment to go on in.
 */

import { basename, dirname, resolve } from 'node:path'
import { Begun, type Lock, type Storage } from '@walrus/segment'
import {
  ActiveSegment,
  createSegment,
  firstGroupOffset,
  groupAlign,
  type Stamps,
} from './active-segment.ts'
import { type Analysis, analyse, bootOf } from './analysis.ts'
import { Catalog } from './catalog.ts'
import { hasCode } from './errors.ts'
import { segmentIds, segmentPath, unfinishedSegmentPath } from './names.ts'
import { doLater } from './operation.ts'
import type { ResolvedOptions } from './options.ts'
import { cleanReport, type RecoveryReport } from './report.ts'
import { restoreCatalog } from './restore.ts'
import { keepCopy, salvage } from './salvage.ts'
import { SegmentTable } from './segment-table.ts'
import { randomSalt } from './next-segment.ts'
import { Sequencer } from './sequencer.ts'
import { type Point, TailFile } from './tail-file.ts'
import { removeSegments, removeUnfinished, takeOver } from './takeover.ts'
import { Writer, type WriterEvents } from './writer.ts'

export interface OpenedWriter {
  readonly lock: Lock
  readonly writer: Writer
  readonly table: SegmentTable
  readonly catalog: Catalog
  readonly report: RecoveryReport
}

/** Where a writer goes on. */
interface Start {
  readonly segment: ActiveSegment
  readonly end: Point
  readonly ids: readonly number[]
  readonly time: number
  readonly report: RecoveryReport
}

/** Takes the lock and brings the log to where entries can be appended. Changes nothing when it throws. */
export async function openWriter(
  options: ResolvedOptions,
  events: (table: SegmentTable) => WriterEvents,
): Promise<OpenedWriter> {
  const { dir, storage } = options
  await makeDirectory(storage, dir)
  const lock = await storage.lock(dir)
  let start: Start | undefined
  let table: SegmentTable | undefined
  let tail: TailFile | undefined
  try {
    const stamps = { boot: bootOf(storage), epoch: lock.epoch }
    const analysis = await (options.salvage ? salvage : analyse)(storage, dir)
    // Read before anything is changed: it may turn out to be damaged.
    let catalog = analysis === undefined ? new Catalog() : readCatalog(options, analysis)
    await removeUnfinished(storage, dir)
    await removeSegments(storage, dir, analysis?.retired ?? [])
    start = await findStart(storage, dir, stamps, analysis)
    const { segment, report } = start
    table = new SegmentTable(options, start.ids)
    for (const { id, header, index } of analysis?.scanned ?? []) {
      if (analysis?.clean === false) table.find(id)?.know(header, index)
    }
    table.find(segment.id)!.know(segment.header, segment.index)
    if (analysis?.clean === false && catalog.bounded) {
      // Stream bounds may have been taken over: they stand in another segment now.
      table.last.lastEnd = segment.end
      catalog = restoreCatalog(table, start.end.plainNext)
      table.last.lastEnd = undefined
    }
    const { lsn } = start.end
    const sequencer = new Sequencer(options, stamps, catalog, segment, lsn, start.time)
    tail = await TailFile.open(storage, dir, analysis?.tail?.sequence ?? 0)
    // Before the tail proves what a recovery has written: the next one follows that then instead of replacing it, and
    // could not tell any more what this one moved away from the log, if it came back.
    await storage.syncDir(dir)
    const { logId } = segment.header
    const from = {
      segment,
      written: start.end,
      tail: { ...stamps, logId, firstSegment: start.ids[0]! },
    }
    const writer = new Writer(dir, options, sequencer, tail, from, events(table))
    await writer.noteStart()
    return { lock, writer, table, catalog, report }
  } catch (error) {
    table?.close()
    await start?.segment.file?.close()
    await tail?.close()
    await lock.release()
    throw error
  }
}

/** The catalog as the log has it, before its next segment is begun. */
function readCatalog(options: ResolvedOptions, analysis: Analysis): Catalog {
  const table = new SegmentTable(options, analysis.ids)
  try {
    for (const { id, header, index } of analysis.scanned) table.find(id)?.know(header, index)
    table.last.lastEnd = analysis.end.offset
    return restoreCatalog(table, analysis.end.plainNext)
  } finally {
    table.close()
  }
}

async function findStart(
  storage: Storage,
  dir: string,
  stamps: Stamps,
  analysis: Analysis | undefined,
): Promise<Start> {
  if (analysis === undefined) return await firstSegment(storage, dir, stamps)
  const { ids, time, end } = analysis
  if (analysis.clean) {
    const { header, index, scan } = analysis.scanned.at(-1)!
    const segment = new ActiveSegment(header, undefined, index)
    segment.file = await storage.open(segmentPath(dir, header.id), 'write')
    segment.end = scan.end
    segment.writtenEnd = scan.end
    segment.zeroedTo = scan.end
    segment.nameDurable = true
    return { segment, end, ids, time, report: cleanReport() }
  }
  const { salvaged } = analysis
  const copy = salvaged && (await keepCopy(storage, dir, salvaged))
  const { segment, groups, frames, quarantined } = await takeOver(storage, dir, analysis, stamps)
  const { header } = segment
  const { id: before, end: cutAt } = header.predecessor
  return {
    segment,
    end: { ...end, segment: segment.id, salt: header.salt, offset: segment.end },
    ids: [...ids.filter((id) => id <= header.predecessor.id), segment.id],
    time,
    report: {
      clean: false,
      scannedBytes: analysis.scanned.reduce((sum, scanned) => sum + scanned.scan.end, 0),
      cut: before === 0 ? undefined : { file: segmentPath(dir, before), offset: cutAt },
      takenOver: { groups, entries: frames },
      torn:
        salvaged === undefined && analysis.torn !== undefined
          ? { ...analysis.torn, file: nowAt(analysis.torn.file, quarantined) }
          : undefined,
      quarantined: copy === undefined ? quarantined : [copy, ...quarantined],
      salvaged,
    },
  }
}

/** Where a segment is, if it may have been moved to the quarantine folder. */
function nowAt(path: string, quarantined: readonly string[]): string {
  return quarantined.find((moved) => basename(moved) === basename(path)) ?? path
}

async function firstSegment(storage: Storage, dir: string, stamps: Stamps): Promise<Start> {
  const logId = new Uint8Array(16)
  storage.env.random(logId)
  const align = groupAlign(storage)
  const time = storage.env.now()
  const header = {
    firstGroup: firstGroupOffset(align),
    logId,
    id: 1,
    generation: 0,
    salt: randomSalt(storage),
    firstLsn: 1,
    plainNext: 1,
    baseTime: time,
    boot: stamps.boot,
    epoch: stamps.epoch,
    predecessor: { id: 0, generation: 0, salt: 0, end: 0 },
    mark: 1,
    begun: Begun.first,
    align,
    catalogSegment: 1,
    catalogFrames: 0,
    commitEnd: 0,
  }
  const segment = new ActiveSegment(header, undefined)
  const path = unfinishedSegmentPath(dir, 1, 0)
  const file = await storage.open(path, 'create')
  try {
    const target = { file, path, zeroedTo: 0 }
    await doLater(createSegment(storage, dir, segment, target, 1, true))
  } catch (error) {
    await file.close()
    if (segment.file === undefined) await storage.remove(path)
    throw error
  }
  const end = { lsn: 1, segment: 1, salt: header.salt, offset: segment.end, plainNext: 1 }
  return { segment, end, ids: [1], time, report: cleanReport() }
}

/**
 * Makes the directory and the missing ones above it, each durable before the next is made in it. So of those that are
 * there, only the last may have a name that is not durable: its maker may have been stopped right then.
 */
async function makeDirectory(storage: Storage, dir: string): Promise<void> {
  const missing: string[] = []
  let path = resolve(dir)
  let names = await namesIn(storage, path)
  while (names === undefined && path !== dirname(path)) {
    missing.unshift(path)
    path = dirname(path)
    names = await namesIn(storage, path)
  }
  // Where there is a segment, somebody came that far.
  if (missing.length === 0 && segmentIds(names!).length > 0) return
  try {
    await storage.syncDir(dirname(path))
  } catch (error) {
    // Not made by a log then, which would not have come further either.
    if (!hasCode(error, 'WALRUS_PERMISSION_DENIED')) throw error
  }
  for (const each of missing) {
    await storage.mkdir(each)
    await storage.syncDir(dirname(each))
  }
}

/** The names in a directory; `undefined` when there is none. */
async function namesIn(storage: Storage, dir: string): Promise<string[] | undefined> {
  try {
    return await storage.list(dir)
  } catch (error) {
    if (hasCode(error, 'WALRUS_NOT_FOUND')) return undefined
    throw error
  }
}
