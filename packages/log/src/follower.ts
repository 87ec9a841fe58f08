/**
 * A log opened for reading: beside a writer in this or another process, or alone. Takes no lock, changes nothing.
 *
 * While a writer holds the lock, the tail file says how far the log is durable, and that is where reading ends.
 * Without one, what is whole counts, as the next writer's recovery would decide it. Invariant: `point` only moves
 * forward; everything before it has been checked, or lies in segments that were durable as a whole.
 */

import { join } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { type SegmentHeader, SegmentIndex, type Storage, scanGroups, seedOf } from '@walrus/segment'
import { type Analysis, analyse } from './analysis.ts'
import type { Catalog } from './catalog.ts'
import { corrupt, hasCode } from './errors.ts'
import { segmentPath, TAIL_NAME } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { cleanReport, type RecoveryReport } from './report.ts'
import { advanceCatalog, restoreCatalog } from './restore.ts'
import { readHeader } from './segment-files.ts'
import { salvage } from './salvage.ts'
import { SegmentTable, type TableOptions } from './segment-table.ts'
import { type Point, readTail, readTailSync } from './tail-file.ts'
import { Waiters } from './waiters.ts'

/** How often another process's progress is looked at when nothing hints at it, in milliseconds. */
const POLL_EVERY_MS = 40
/** A writer that is just opening, rotating or recovering may change files while they are looked at. */
const ATTEMPTS = 20
const ATTEMPT_EVERY_MS = 50

export class Follower {
  readonly table: SegmentTable
  readonly report: RecoveryReport
  readonly catalog: Catalog
  point: Point
  readonly #dir: string
  readonly #storage: Storage
  /** What there is where nobody writes. */
  readonly #analyse: Look
  readonly #advanced: () => void
  readonly #waiters = new Waiters()
  #index: SegmentIndex
  #header: SegmentHeader
  /** Up to where the index of the last segment goes. */
  #indexed: Pick<Point, 'lsn' | 'offset'>
  #refreshing: Promise<void> | undefined
  /** Looks that failed one after another. */
  #failed = 0
  /** Sequence of the tail of the writer whose legacy has been taken in. */
  #adopted: number | undefined
  #watch: { close(): void } | undefined
  #closed = false

  private constructor(
    dir: string,
    storage: Storage,
    look: Look,
    start: FollowerStart,
    advanced: () => void,
  ) {
    this.#dir = dir
    this.#storage = storage
    this.#analyse = look
    this.#advanced = advanced
    this.table = start.table
    this.report = start.report
    this.point = start.point
    this.#index = start.index
    this.#header = start.header
    this.#adopted = start.adopted
    this.#indexed = start.point
    this.catalog = restoreCatalog(this.table, this.point.plainNext)
  }

  /**
   * @throws `WALRUS_NOT_FOUND` when there is no log; what opening for writing throws for a damaged one
   */
  static async open(
    options: TableOptions & Pick<ResolvedOptions, 'salvage'>,
    advanced: () => void,
  ): Promise<Follower> {
    const { dir, storage } = options
    const look = options.salvage ? salvage : analyse
    let before: string | undefined
    for (let attempt = 1; ; attempt++) {
      try {
        const start = (await isWritten(storage, dir))
          ? await startBeside(options)
          : await startAlone(options, look)
        return new Follower(dir, storage, look, start, advanced)
      } catch (error) {
        const writing = await isWritten(storage, dir)
        // A writer may have come and gone meanwhile: without one, what fails twice in the same way is so.
        const settled = !writing && String(error) === before
        if (settled || attempt === ATTEMPTS || hasCode(error, 'WALRUS_UNSUPPORTED_FORMAT'))
          throw error
        before = String(error)
        if (!writing) continue
        await pause(storage)
      }
    }
  }

  /** Looks how far the writer has got. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** As `refresh`; and where the writer is gone, up to the end of what it left. */
  async refreshToEnd(): Promise<void> {
    await this.refresh()
    // Only a look that finds no news asks whether the writer is still there.
    await this.refresh()
  }

  /**
   * After a read that failed for the `attempt`-th time: resolves when it is worth another one, because the segment
   * it wanted may have been taken over by the next writer.
   * @throws `error` when that is not why
   */
  async moved(error: unknown, attempt: number): Promise<void> {
    if (!hasCode(error, 'WALRUS_NOT_FOUND') || attempt === ATTEMPTS) throw error
    if (attempt > 1) {
      // A writer that is still recovering says before long where everything is now.
      if (!(await isWritten(this.#storage, this.#dir))) throw error
      await pause(this.#storage)
    }
    // One that was stopped before that has left all of it to be seen.
    this.#adopted = undefined
    await this.refresh()
  }

  /** Whether the writer has removed segments that are known here. */
  removed(): boolean {
    const tail = readTailSync(this.#storage, this.#dir)
    return tail !== undefined && tail.firstSegment > this.table.segments[0]!.id
  }

  /** Resolves when more may be there to read, or the signal aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    this.#watch ??= this.#storage.watch(join(this.#dir, TAIL_NAME), () => this.#waiters.wake())
    // Kept alive by nothing else, a process that does nothing but follow would come to its end here.
    const timer = this.#storage.env.after(POLL_EVERY_MS, () => this.#waiters.wake(), true)
    await this.#waiters.wait(signal)
    timer.cancel()
  }

  close(): void {
    this.#closed = true
    this.#watch?.close()
    this.#waiters.wake()
  }

  async #refresh(): Promise<void> {
    if (this.#closed) return
    const before = this.point.lsn
    try {
      await this.#lookTwice()
      this.#failed = 0
    } catch (error) {
      if (!(await isWritten(this.#storage, this.#dir)) || ++this.#failed === ATTEMPTS) throw error
    }
    if (this.point.lsn === before) return
    this.#advanced()
    this.#waiters.wake()
  }

  /** A writer may have come and gone during the first look: without one, what fails a second time is so. */
  async #lookTwice(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      if (await isWritten(this.#storage, this.#dir)) throw error
      await this.#look()
    }
  }

  async #look(): Promise<void> {
    const tail = await readTail(this.#storage, this.#dir)
    // Every writer begins by writing the tail anew: without that, there is nothing that was not seen before.
    if (tail !== undefined && tail.sequence === this.#adopted) return
    if (tail !== undefined && this.#isAhead(tail.durable)) {
      await this.#advanceTo(tail.durable, tail.firstSegment)
      this.#dropBefore(tail.firstSegment)
      return
    }
    if (tail !== undefined) this.#dropBefore(tail.firstSegment)
    if (await isWritten(this.#storage, this.#dir)) return
    await this.#adopt(await this.#analyse(this.#storage, this.#dir))
    this.#adopted = tail?.sequence
  }

  /** The writer is gone: what it left may reach further than it came to say. */
  async #adopt(analysis: Analysis | undefined): Promise<void> {
    if (analysis !== undefined && this.#isAhead(analysis.end))
      await this.#advanceTo(analysis.end, analysis.ids[0]!)
  }

  /** Whether there is more up to a point, or the same in a segment that has taken over the one known last. */
  #isAhead({ lsn, segment }: Point): boolean {
    // A later segment never ends before an earlier one.
    return segment > this.point.segment || lsn > this.point.lsn
  }

  /** Forgets segments that the writer removes. */
  #dropBefore(id: number): void {
    if (id <= this.table.segments[0]!.id || id > this.table.last.id) return
    this.table.dropBefore(id)
    for (const stream of this.catalog.all()) stream.cuts?.drop(id)
  }

  /** Readers see nothing of what came until they see all of it: bounds of streams go with what they cut. */
  async #advanceTo(point: Point, firstSegment: number): Promise<void> {
    const known = this.point.segment
    const isSame = point.segment === known && point.salt === this.point.salt
    const newer = isSame ? [] : await this.#newerSegments(point.segment, firstSegment)
    const header = newer.at(-1) ?? this.#header
    const begin = { lsn: header.firstLsn, offset: header.firstGroup }
    const scanned = await this.#scan(header, isSame ? this.#indexed : begin, point)

    if (!isSame) this.#change(newer)
    this.#index.merge(scanned)
    this.#indexed = point
    this.table.last.lastEnd = point.offset
    // Of what is removed nothing can be read any more. It is in the snapshot that a newer segment begins with.
    this.#dropBefore(firstSegment)
    // What was cut up to here is visible as such.
    const last = point.lsn - 1
    const { own } = this.catalog
    const ownNext = own.next
    try {
      advanceCatalog(this.catalog, this.table, known, point.plainNext, last)
    } catch (error) {
      // The next look comes to the same frames again.
      own.next = ownNext
      throw error
    }
    this.point = point
    // What was cut in segments that are removed already is not known; in those that were taken over it is.
    const isRemoved = firstSegment > known && (newer[0]?.predecessor.id ?? 0) >= known
    if (isRemoved) for (const stream of this.catalog.all()) stream.suspect(last)
  }

  /** Headers of the segments between those known and segment `id`, itself included, by their links; oldest first. */
  async #newerSegments(id: number, firstSegment: number): Promise<SegmentHeader[]> {
    const headers: SegmentHeader[] = []
    let at = id
    while (at >= firstSegment && (headers.length === 0 || this.table.find(at) === undefined)) {
      const header = await this.#readHeader(at)
      headers.unshift(header)
      at = header.predecessor.id
    }
    return headers
  }

  /** Takes segments in behind the one that the oldest of them follows. */
  #change(headers: readonly SegmentHeader[]): void {
    const follows = headers[0]!.predecessor.id
    const kept = this.table.segments.findIndex((segment) => segment.id === follows)
    this.table.cut(kept + 1)
    // Its end is what its successor says now; an index made before may know more, or less.
    this.table.segments.at(-1)?.release()
    for (const header of headers) this.table.add(header.id)
    this.#header = headers.at(-1)!
    this.#index = new SegmentIndex()
    this.table.last.know(this.#header, this.#index)
  }

  /** What stands in a segment between two places. */
  async #scan(
    header: SegmentHeader,
    from: Pick<Point, 'lsn' | 'offset'>,
    to: Pick<Point, 'lsn' | 'offset'>,
  ): Promise<SegmentIndex> {
    const { id, salt, baseTime, firstLsn } = header
    const index = new SegmentIndex()
    const file = await this.#storage.open(segmentPath(this.#dir, id), 'read')
    try {
      const range = {
        file,
        id,
        seed: seedOf(salt),
        from: from.offset,
        to: to.offset,
        firstLsn: from.lsn,
        checksums: this.#storage.checksums,
      }
      const scan = await scanGroups(range, (group) => index.addScanned(group, baseTime, firstLsn))
      if (scan.end === to.offset && scan.nextLsn === to.lsn) return index
      const what = `no whole commit group stands where LSN ${scan.nextLsn} must`
      throw corrupt(file.path, scan.end, what)
    } finally {
      await file.close()
    }
  }

  async #readHeader(id: number): Promise<SegmentHeader> {
    const file = await this.#storage.open(segmentPath(this.#dir, id), 'read')
    try {
      return await readHeader(file, id)
    } finally {
      await file.close()
    }
  }
}

type Look = typeof analyse

interface FollowerStart {
  readonly table: SegmentTable
  readonly report: RecoveryReport
  readonly point: Point
  readonly header: SegmentHeader
  readonly index: SegmentIndex
  /** Sequence of the tail of the writer whose legacy this is. */
  readonly adopted: number | undefined
}

async function startAlone(options: TableOptions, look: Look): Promise<FollowerStart> {
  const { storage, dir } = options
  const analysis = await look(storage, dir)
  if (analysis === undefined) throw noLog(dir)
  const table = new SegmentTable(options, analysis.ids)
  for (const { id, header, index } of analysis.scanned) table.find(id)?.know(header, index)
  table.last.lastEnd = analysis.end.offset
  const { header, index } = analysis.scanned.at(-1)!
  const report = {
    ...cleanReport(),
    clean: analysis.clean,
    scannedBytes: analysis.clean
      ? 0
      : analysis.scanned.reduce((sum, { scan }) => sum + scan.end, 0),
    torn: analysis.salvaged === undefined ? analysis.torn : undefined,
    salvaged: analysis.salvaged,
  }
  return { table, report, point: analysis.end, header, index, adopted: analysis.tail?.sequence }
}

/** Beside a writer: the segments by their links, from the one the tail file names back to the first. */
async function startBeside(options: TableOptions): Promise<FollowerStart> {
  const { storage, dir } = options
  const tail = await readTail(storage, dir)
  if (tail === undefined) throw noLog(dir)
  const { durable, firstSegment } = tail
  const ids: number[] = []
  let last: SegmentHeader | undefined
  for (let id = durable.segment; id !== 0; ) {
    const file = await storage.open(segmentPath(dir, id), 'read')
    try {
      const header = await readHeader(file, id)
      last ??= header
      ids.unshift(id)
      id = id <= firstSegment ? 0 : header.predecessor.id
    } finally {
      await file.close()
    }
  }
  const header = last!
  const index = new SegmentIndex()
  const table = new SegmentTable(options, ids)
  table.last.know(header, index)
  table.last.lastEnd = durable.offset
  const file = await storage.open(table.last.path, 'read')
  try {
    const { id, salt, firstGroup: from, firstLsn, baseTime } = header
    const { checksums } = storage
    const range = { file, id, seed: seedOf(salt), from, to: durable.offset, firstLsn, checksums }
    const scan = await scanGroups(range, (group) => index.addScanned(group, baseTime, firstLsn))
    if (scan.end !== durable.offset || scan.nextLsn !== durable.lsn) {
      throw corrupt(
        file.path,
        scan.end,
        `no whole commit group stands where LSN ${scan.nextLsn} must`,
      )
    }
  } finally {
    await file.close()
  }
  return { table, report: cleanReport(), point: durable, header, index, adopted: undefined }
}

async function isWritten(storage: Storage, dir: string): Promise<boolean> {
  return (await storage.locked(dir)) !== undefined
}

/** Between two attempts. */
function pause({ env }: Storage): Promise<void> {
  return new Promise((resolve) => env.after(ATTEMPT_EVERY_MS, resolve, true))
}

function noLog(dir: string): WalrusError {
  return new WalrusError('WALRUS_NOT_FOUND', `there is no log in ${dir}`, { file: dir })
}
