/**
 * Recovery, first half: where the log ends, and on what evidence (docs/format.md, "Recovery"). Changes nothing.
 *
 * After a clean close the tail file says it all. Otherwise the segments at the end that were not durable as a whole
 * when their successors began are read, and everything hangs on M, the synced mark: what is bad below it was good
 * once, and is corruption; what is bad above it was never promised, and is where the log ends.
 */

import { crc32, WalrusError } from '@walrus/codec'
import {
  Begun,
  decodeSeal,
  decodeSegmentHeader,
  IndexFile,
  type Remainder,
  type ScanResult,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  SegmentIndex,
  type Storage,
  type StorageFile,
  scanGroups,
  searchRemainder,
  seedOf,
} from '@walrus/segment'
import { corrupt, hasCode } from './errors.ts'
import { indexPath, segmentIds, segmentPath } from './names.ts'
import { checkNumber } from './segment-table.ts'
import { type Point, readTail, type Tail } from './tail-file.ts'

/** Bytes behind the end of the log that are not part of it. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly length: number
  /** LSN and plain index that the first frame there would have had. */
  readonly lsn: number
  readonly index: number
}

/** A segment at the end of the log that has been read. */
export interface ScannedSegment {
  readonly id: number
  readonly path: string
  readonly header: SegmentHeader
  readonly index: SegmentIndex
  readonly size: number
  readonly scan: ScanResult
}

export interface Analysis {
  readonly logId: Uint8Array
  /** The segments that make up the log, in order. */
  readonly ids: readonly number[]
  /** Segments behind its end: they hold nothing of it. */
  readonly leftOver: readonly number[]
  readonly tail: Tail | undefined
  /** The log's end. */
  readonly end: Point
  /** Everything before this is proven to be durable. */
  readonly proven: Point
  /** Time of the last group, in milliseconds since the Unix epoch. */
  readonly time: number
  /** Whether it was closed cleanly: nothing was read but the last segment's header and index. */
  readonly clean: boolean
  /** The segments that were read, or whose index was; the last one is where the log ends. */
  readonly scanned: readonly ScannedSegment[]
  readonly torn: TornTail | undefined
}

/** The boot as groups and segments carry it. */
export function bootOf(storage: Storage): number {
  return crc32(new TextEncoder().encode(storage.env.bootId)) | 0
}

/** Looks at a log directory; `undefined` when there is no log in it. */
export async function analyse(storage: Storage, dir: string): Promise<Analysis | undefined> {
  const ids = segmentIds(await storage.list(dir))
  const tail = await readTail(storage, dir)
  if (ids.length === 0) {
    if (tail !== undefined) throw missing(dir, tail.durable.segment, 'the tail file names it')
    return undefined
  }
  return await new Analyst(storage, dir, ids, tail).analyse()
}

export function missing(dir: string, id: number, why: string): WalrusError {
  const file = segmentPath(dir, id)
  return new WalrusError(
    'WALRUS_SEGMENT_MISSING',
    `${file} is missing: ${why}. Put it back, or restore the log from a copy`,
    { file },
  )
}

/** Reads a segment's header from its file. */
export async function readHeader(file: StorageFile, id: number): Promise<SegmentHeader> {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const read = await file.read(bytes, 0)
  const header = decodeSegmentHeader(bytes.subarray(0, read), file.path)
  checkNumber(header, id, file.path)
  return header
}

class Analyst {
  readonly #storage: Storage
  readonly #dir: string
  readonly #boot: number
  #ids: number[]
  readonly #tail: Tail | undefined
  readonly #leftOver: number[] = []
  /** Headers of segments left out because one before them is missing or cannot be read. */
  readonly #dropped: SegmentHeader[] = []
  readonly #headers = new Map<number, SegmentHeader>()

  constructor(storage: Storage, dir: string, ids: number[], tail: Tail | undefined) {
    this.#storage = storage
    this.#dir = dir
    this.#boot = bootOf(storage)
    this.#ids = ids
    this.#tail = tail
  }

  async analyse(): Promise<Analysis> {
    const last = await this.#lastReadable()
    await this.#setAside(last)
    const clean = await this.#clean(last)
    // Where it was not closed, what was never durable may be missing; what is left of it then is in order.
    const unproven = clean === undefined ? await this.#unprovenSegments() : []
    await this.#checkNumbering()
    return clean ?? (await this.#unclean(unproven))
  }

  /** The newest segment with a readable header; newer ones, if any, were torn when they began. */
  async #lastReadable(): Promise<SegmentHeader> {
    for (;;) {
      const id = this.#ids.at(-1)!
      try {
        const header = await this.#header(id)
        this.#checkLog(header)
        return header
      } catch (error) {
        if (!hasCode(error, 'WALRUS_CORRUPT')) throw error
        if (this.#ids.length === 1 || (await this.#wasDurable(id))) throw error
        this.#dropFrom(id)
      }
    }
  }

  /** Whether a segment that cannot be read must once have been durable. */
  async #wasDurable(id: number): Promise<boolean> {
    // Without a power loss since, what was renamed into place had been written whole.
    if (this.#tail !== undefined && this.#tail.boot === this.#boot) return true
    if (this.#tail !== undefined && this.#tail.durable.segment >= id) return true
    const before = this.#ids.findLast((other) => other < id)
    return before === undefined || (await this.#successorInSeal(before)) >= id
  }

  /** The segment that another's seal names as durable; 0 when it has none, or cannot be read. */
  async #successorInSeal(id: number): Promise<number> {
    try {
      const { salt } = await this.#header(id)
      return await this.#withFile(id, async (file) => {
        const size = await file.size()
        return (await readSeal(file, size - SEAL_BYTES, id, salt)) ?? 0
      })
    } catch (error) {
      if (hasCode(error, 'WALRUS_CORRUPT')) return 0
      throw error
    }
  }

  /** Leaves a segment and all behind it out of the log. */
  #dropFrom(id: number): void {
    this.#leftOver.unshift(...this.#ids.filter((other) => other >= id))
    this.#ids = this.#ids.filter((other) => other < id)
  }

  #checkLog(header: SegmentHeader): void {
    const tail = this.#tail
    if (tail === undefined || sameBytes(tail.logId, header.logId)) return
    const file = segmentPath(this.#dir, header.id)
    throw new WalrusError(
      'WALRUS_FOREIGN_FILE',
      `${file} belongs to another log than the tail file beside it: take out what was copied here`,
      { file, offset: 16 },
    )
  }

  /** Segments that the last recovery left behind its cut and did not come to move away. */
  async #setAside(last: SegmentHeader): Promise<void> {
    const from = last.predecessor.id
    const between = this.#ids.filter((id) => id > from && id < last.id)
    if (last.begun !== Begun.recovery || between.length === 0) return
    this.#leftOver.unshift(...between)
    this.#ids = this.#ids.filter((id) => !between.includes(id))
  }

  /** Numbers follow each other, but where a recovery cut; there the link says who follows whom. */
  async #checkNumbering(): Promise<void> {
    const ids = this.#ids
    const oldest = this.#tail?.firstSegment ?? ids[0]!
    if (ids[0]! > oldest && (await this.#header(ids[0]!)).predecessor.id !== 0) {
      throw missing(this.#dir, oldest, 'the tail file names it as the oldest')
    }
    const newest = this.#tail?.durable.segment ?? 0
    if (ids.at(-1)! < newest && !this.#leftOver.includes(newest)) {
      throw missing(this.#dir, newest, 'the tail file says that the log went on in it')
    }
    for (let at = ids.length - 1; at > 0; at--) {
      const [before, id] = [ids[at - 1]!, ids[at]!]
      if (id === before + 1) continue
      const { predecessor } = await this.#header(id)
      if (predecessor.id !== before) {
        throw missing(this.#dir, predecessor.id, `${segmentPath(this.#dir, id)} follows it`)
      }
    }
  }

  async #clean(last: SegmentHeader): Promise<Analysis | undefined> {
    const tail = this.#tail
    if (tail === undefined || !tail.closed || this.#leftOver.length > 0) return undefined
    if (tail.durable.segment !== last.id || tail.durable.salt !== last.salt) return undefined
    return await this.#withFile(last.id, async (file) => {
      const size = await file.size()
      if (size !== tail.durable.offset) return undefined
      const index =
        this.#indexFromFile(last, tail.durable) ?? (await this.#scan(file, last, size)).index
      const scan: ScanResult = {
        end: size,
        nextLsn: tail.durable.lsn,
        mark: tail.durable.lsn,
        time: tail.time,
        stop: 'end',
        seal: undefined,
      }
      return {
        logId: last.logId,
        ids: this.#ids,
        leftOver: [],
        tail,
        end: tail.durable,
        proven: tail.durable,
        time: tail.time,
        clean: true,
        scanned: [{ id: last.id, path: file.path, header: last, index, size, scan }],
        torn: undefined,
      }
    })
  }

  /** The last segment's index from its file, if that is whole and of this state of the segment. */
  #indexFromFile(header: SegmentHeader, end: Point): SegmentIndex | undefined {
    let file: StorageFile
    try {
      file = this.#storage.openSync(indexPath(this.#dir, header.id), 'read')
    } catch (error) {
      if (hasCode(error, 'WALRUS_NOT_FOUND')) return undefined
      throw error
    }
    try {
      const index = IndexFile.open(file)
      const of = index.segment
      const same = of.salt === header.salt && of.end === end.offset && of.endLsn === end.lsn
      return same ? index.load(new SegmentIndex()) : undefined
    } catch (error) {
      if (hasCode(error, 'WALRUS_CORRUPT')) return undefined
      throw error
    } finally {
      file.closeSync()
    }
  }

  async #unclean(unproven: readonly SegmentHeader[]): Promise<Analysis> {
    const scanned: ScannedSegment[] = []
    for (const [number, header] of unproven.entries()) {
      scanned.push(await this.#scanTo(header, unproven[number + 1]))
    }
    const broken = scanned.findIndex((segment, number) => !joins(segment, scanned[number + 1]))
    const at = broken < 0 ? scanned.length - 1 : broken
    const ending = scanned[at]!
    const remainder = await this.#remainder(ending, scanned[at + 1])
    const later = scanned.slice(at + 1)
    for (const header of this.#dropped) later.push(await this.#scanTo(header, undefined))
    const mark = Math.max(
      this.#tail?.durable.lsn ?? 0,
      remainder.mark,
      ...[...scanned, ...later].flatMap(({ header, scan }) => [header.mark, scan.mark]),
    )
    this.#judge(ending, remainder, later, mark)
    const end = pointAt(ending, ending.scan.end, ending.scan.nextLsn)
    const kept = scanned.slice(0, at + 1)
    const behind = scanned.slice(at + 1).map(({ id }) => id)
    const leftOver = [...behind, ...this.#leftOver]
    return {
      logId: ending.header.logId,
      ids: this.#ids.filter((id) => !leftOver.includes(id)),
      leftOver,
      tail: this.#tail,
      end,
      proven: await this.#provenPoint(kept, mark),
      time: Math.max(...kept.map(({ scan, header }) => Math.max(scan.time, header.baseTime))),
      clean: false,
      scanned: kept,
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

  /**
   * The headers of the segments at the end that are not known to be durable as a whole, oldest first. One that is
   * missing or cannot be read, and need not ever have been durable, ends the log before it.
   */
  async #unprovenSegments(): Promise<SegmentHeader[]> {
    const found: SegmentHeader[] = []
    for (let id = this.#ids.at(-1)!; ; ) {
      const header = await this.#headerUnlessTorn(id, found[0])
      if (header === undefined) {
        this.#dropFrom(id)
        this.#dropped.unshift(...found.splice(0))
        id = this.#ids.at(-1)!
        continue
      }
      this.#checkLog(header)
      found.unshift(header)
      const { id: before, salt, end } = header.predecessor
      if (header.mark >= header.firstLsn || this.#ids[0]! >= id) return found
      const sealed =
        this.#ids.includes(before) &&
        (await this.#withFile(before, (file) => readSeal(file, end, before, salt)))
      if (sealed === id) return found
      id = before
    }
  }

  /** A segment's header; `undefined` when it cannot be read, and need not ever have been durable. */
  async #headerUnlessTorn(
    id: number,
    next: SegmentHeader | undefined,
  ): Promise<SegmentHeader | undefined> {
    try {
      return await this.#header(id)
    } catch (error) {
      if (!hasCode(error, 'WALRUS_CORRUPT') && !hasCode(error, 'WALRUS_SEGMENT_MISSING'))
        throw error
      if (next?.boot === this.#boot || (await this.#wasDurable(id))) throw error
      return undefined
    }
  }

  async #scanTo(header: SegmentHeader, next: SegmentHeader | undefined): Promise<ScannedSegment> {
    return await this.#withFile(header.id, async (file) => {
      return await this.#scan(file, header, next?.predecessor.end ?? (await file.size()))
    })
  }

  async #scan(file: StorageFile, header: SegmentHeader, to: number): Promise<ScannedSegment> {
    const index = new SegmentIndex()
    const { id, salt, firstGroup: from, firstLsn, baseTime } = header
    const range = { file, id, seed: seedOf(salt), from, to, firstLsn }
    const scan = await scanGroups(range, (group) => index.addScanned(group, baseTime, firstLsn))
    return { id, path: file.path, header, index, size: await file.size(), scan }
  }

  /** What stands behind the end of a segment's good groups, up to where they should have ended. */
  async #remainder(ending: ScannedSegment, next: ScannedSegment | undefined): Promise<Remainder> {
    const { scan, header, id, size } = ending
    const to = next?.header.predecessor.end ?? size
    if (scan.seal !== undefined) {
      const why = `the seal of ${ending.path} names it as the one that follows`
      throw missing(this.#dir, scan.seal.successor, why)
    }
    return await this.#withFile(id, (file) =>
      searchRemainder(file, scan.end, Math.min(to, size), seedOf(header.salt)),
    )
  }

  /** Rot or torn: throws for what must have been durable once. */
  #judge(
    ending: ScannedSegment,
    remainder: Remainder,
    later: readonly ScannedSegment[],
    mark: number,
  ): void {
    const { path, scan } = ending
    const point = pointAt(ending, scan.end, scan.nextLsn)
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
        ({ header }) => header.boot === this.#boot && header.firstLsn > scan.nextLsn,
      ) ||
      later.some(
        ({ header, scan: after }) => header.boot === this.#boot && after.end > header.firstGroup,
      )
    if (!sameBoot) return
    throw corrupt(
      path,
      scan.end,
      `whole commit groups follow a damaged one (LSN ${scan.nextLsn}, index ${point.plainNext} of the plain log), and the machine has not restarted since`,
      point.plainNext,
    )
  }

  /** The place in the scanned segments where LSN `mark` is, or would be. */
  async #provenPoint(scanned: readonly ScannedSegment[], mark: number): Promise<Point> {
    const holder = scanned.findLast(({ header }) => header.firstLsn <= mark) ?? scanned[0]!
    const { header, index, scan, id } = holder
    if (scan.nextLsn <= mark) return pointAt(holder, scan.end, scan.nextLsn)
    if (mark <= header.firstLsn) return pointAt(holder, header.firstGroup, header.firstLsn)
    const sample = index.samples().findLast(({ lsn }) => header.firstLsn + lsn <= mark)!
    let offset = sample.offset
    const range = {
      id,
      seed: seedOf(header.salt),
      from: sample.offset,
      to: scan.end,
      firstLsn: header.firstLsn + sample.lsn,
    }
    await this.#withFile(id, (file) =>
      scanGroups({ ...range, file }, (group) => {
        if (group.header.firstLsn + group.header.count <= mark) {
          offset = group.offset + group.header.size
        }
      }),
    )
    return pointAt(holder, offset, mark)
  }

  async #header(id: number): Promise<SegmentHeader> {
    const known = this.#headers.get(id)
    if (known !== undefined) return known
    const header = await this.#withFile(id, (file) => readHeader(file, id))
    this.#headers.set(id, header)
    return header
  }

  async #withFile<T>(id: number, run: (file: StorageFile) => Promise<T>): Promise<T> {
    let file: StorageFile
    try {
      file = await this.#storage.open(segmentPath(this.#dir, id), 'read')
    } catch (error) {
      if (!hasCode(error, 'WALRUS_NOT_FOUND')) throw error
      throw missing(this.#dir, id, 'another segment follows it')
    }
    try {
      return await run(file)
    } finally {
      await file.close()
    }
  }
}

/** Whether a segment's groups lead up to the next one. */
function joins(segment: ScannedSegment, next: ScannedSegment | undefined): boolean {
  if (next === undefined) return false
  const { scan, header, id } = segment
  const { predecessor, firstLsn } = next.header
  return (
    predecessor.id === id &&
    predecessor.salt === header.salt &&
    predecessor.end === scan.end &&
    firstLsn === scan.nextLsn
  )
}

function pointAt(segment: ScannedSegment, offset: number, lsn: number): Point {
  const { header, index, id } = segment
  const plainNext = index.nextBefore(0, offset) ?? header.plainNext
  return { lsn, segment: id, salt: header.salt, offset, plainNext }
}

/** The successor's number in the seal at an offset of a segment; `undefined` when there is no seal. */
async function readSeal(
  file: StorageFile,
  offset: number,
  id: number,
  salt: number,
): Promise<number | undefined> {
  if (offset < SEGMENT_HEADER_BYTES) return undefined
  const bytes = new Uint8Array(SEAL_BYTES)
  const read = await file.read(bytes, offset)
  return decodeSeal(bytes.subarray(0, read), offset, id, seedOf(salt))?.successor
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
