/**
 * Recovery, first half: where the log ends, and on what evidence (docs/format.md, "Recovery"). Changes nothing.
 *
 * After a clean close the tail file says it all. Otherwise the segments at the end that were not durable as a whole
 * when their successors began are read, and everything hangs on M, the synced mark: what is bad below it was good
 * once, and is corruption; what is bad above it was never promised, and is where the log ends.
 */

import { crc32, WalrusError } from '@walrus/codec'
import { Begun, PLAIN_STREAM, type SegmentHeader, type Storage } from '@walrus/segment'
import { hasCode } from './errors.ts'
import { indexIds, segmentIds, segmentPath } from './names.ts'
import type { SalvageReport } from './report.ts'
import { missing, type ScannedSegment, SegmentFiles } from './segment-files.ts'
import { readTail, type Tail } from './tail-file.ts'
import { findEnd, type Verdict } from './verdict.ts'

/** What a log directory holds. */
export interface Analysis extends Verdict {
  readonly logId: Uint8Array
  /** The segments that make up the log, in order. */
  readonly ids: readonly number[]
  /** Segments behind its end: they hold nothing of it. */
  readonly leftOver: readonly number[]
  /** Segments before its beginning, of which there are files left: they were removed. */
  readonly retired: readonly number[]
  readonly tail: Tail | undefined
  /** Time of the last group, in milliseconds since the Unix epoch. */
  readonly time: number
  /** Whether it was closed cleanly: then only the last segment's header and index were read. */
  readonly clean: boolean
  /** Where the log is damaged, if it ends there because of that. */
  readonly salvaged: SalvageReport | undefined
}

/** The boot as groups and segments carry it. */
export function bootOf(storage: Storage): number {
  return crc32(new TextEncoder().encode(storage.env.bootId)) | 0
}

/** Looks at a log directory; `undefined` when there is no log in it. */
export async function analyse(storage: Storage, dir: string): Promise<Analysis | undefined> {
  const names = await storage.list(dir)
  const all = segmentIds(names)
  const tail = await readTail(storage, dir)
  const oldest = tail?.firstSegment ?? 0
  const retired = [...new Set([...all, ...indexIds(names)])].filter((id) => id < oldest)
  const ids = all.filter((id) => id >= oldest)
  if (ids.length === 0) {
    if (tail !== undefined) throw missing(dir, tail.durable.segment, 'the tail file names it')
    return undefined
  }
  return { ...(await new Analyst(storage, dir, ids, tail).analyse()), retired, salvaged: undefined }
}

type Judged = Omit<Analysis, 'retired' | 'salvaged'>

class Analyst {
  readonly #files: SegmentFiles
  readonly #dir: string
  readonly #boot: number
  #ids: number[]
  readonly #tail: Tail | undefined
  readonly #leftOver: number[] = []
  /** Headers of segments left out because one before them is missing or cannot be read. */
  readonly #dropped: SegmentHeader[] = []

  constructor(storage: Storage, dir: string, ids: number[], tail: Tail | undefined) {
    this.#files = new SegmentFiles(storage, dir)
    this.#dir = dir
    this.#boot = bootOf(storage)
    this.#ids = ids
    this.#tail = tail
  }

  async analyse(): Promise<Judged> {
    await this.#setAsideUncommitted()
    const last = await this.#lastReadable()
    await this.#setAside(last)
    const clean = await this.#clean(last)
    // Where it was not closed, what was never durable may be missing; what is left of it then is in order.
    const unproven = clean === undefined ? await this.#unprovenSegments() : []
    await this.#checkNumbering()
    return clean ?? (await this.#unclean(unproven))
  }

  /** Segments at the end that continue a commit whose first segment never got its name: it never happened. */
  async #setAsideUncommitted(): Promise<void> {
    const atEnd: SegmentHeader[] = []
    let before: SegmentHeader | undefined
    for (const id of this.#ids.toReversed()) {
      const header = await this.#headerIfWhole(id)
      // What cannot be read may be the first one: no evidence against those behind it.
      if (header === undefined) return
      before = header
      if (header.begun !== Begun.continuation) break
      atEnd.unshift(header)
    }
    for (const header of atEnd) {
      if (!continues(header, before)) {
        const known = (this.#tail?.durable.segment ?? 0) >= header.id
        if (!known && header.id !== this.#ids[0]) this.#dropFrom(header.id)
        return
      }
      before = header
    }
  }

  async #headerIfWhole(id: number): Promise<SegmentHeader | undefined> {
    try {
      return await this.#files.header(id)
    } catch (error) {
      if (hasCode(error, 'WALRUS_CORRUPT')) return undefined
      throw error
    }
  }

  /** The newest segment with a readable header; newer ones, if any, were torn when they began. */
  async #lastReadable(): Promise<SegmentHeader> {
    for (;;) {
      const id = this.#ids.at(-1)!
      try {
        const header = await this.#files.header(id)
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
      return (await this.#files.sealAtEnd(id)) ?? 0
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
    // The oldest may have been replaced by a recovery; what it followed may be removed.
    if (ids[0]! > oldest && (await this.#files.header(ids[0]!)).predecessor.id >= oldest) {
      throw missing(this.#dir, oldest, 'the tail file names it as the oldest')
    }
    const newest = this.#tail?.durable.segment ?? 0
    if (ids.at(-1)! < newest && !this.#leftOver.includes(newest)) {
      throw missing(this.#dir, newest, 'the tail file says that the log went on in it')
    }
    for (let at = ids.length - 1; at > 0; at--) {
      const [before, id] = [ids[at - 1]!, ids[at]!]
      if (id === before + 1) continue
      const { predecessor } = await this.#files.header(id)
      if (predecessor.id !== before) {
        throw missing(this.#dir, predecessor.id, `${segmentPath(this.#dir, id)} follows it`)
      }
    }
  }

  async #clean(last: SegmentHeader): Promise<Judged | undefined> {
    const tail = this.#tail
    if (tail === undefined || !tail.closed || this.#leftOver.length > 0) return undefined
    if (tail.durable.segment !== last.id || tail.durable.salt !== last.salt) return undefined
    const size = await this.#files.with(last.id, (file) => file.size())
    if (size !== tail.durable.offset) return undefined
    const { lsn, plainNext } = tail.durable
    const plainNextOf = ({ index }: ScannedSegment): number =>
      index.nextAt(PLAIN_STREAM, size) ?? last.plainNext
    let scanned = this.#files.indexFromFile(last, tail.durable)
    // An index does not say where the end was cut, when no entry of the plain log came after that.
    if (scanned === undefined || plainNextOf(scanned) !== plainNext) {
      scanned = await this.#files.scan(last, size)
    }
    // Bad bytes in it are judged as after a crash: they were durable.
    if (scanned.scan.nextLsn !== lsn || plainNextOf(scanned) !== plainNext) return undefined
    return {
      logId: last.logId,
      ids: this.#ids,
      leftOver: [],
      tail,
      end: tail.durable,
      proven: tail.durable,
      time: tail.time,
      clean: true,
      scanned: [scanned],
      torn: undefined,
    }
  }

  async #unclean(unproven: readonly SegmentHeader[]): Promise<Judged> {
    const evidence = { tail: this.#tail, boot: this.#boot, unproven, dropped: this.#dropped }
    const verdict = await findEnd(this.#files, evidence)
    const { scanned } = verdict
    const behind = unproven.slice(scanned.length).map(({ id }) => id)
    const leftOver = [...behind, ...this.#leftOver]
    return {
      ...verdict,
      logId: scanned.at(-1)!.header.logId,
      ids: this.#ids.filter((id) => !leftOver.includes(id)),
      leftOver,
      tail: this.#tail,
      time: Math.max(...scanned.map(({ scan, header }) => Math.max(scan.time, header.baseTime))),
      clean: false,
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
      const sealed = this.#ids.includes(before) && (await this.#files.sealAt(before, end, salt))
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
      return await this.#files.header(id)
    } catch (error) {
      if (!hasCode(error, 'WALRUS_CORRUPT') && !hasCode(error, 'WALRUS_SEGMENT_MISSING'))
        throw error
      if (next?.boot === this.#boot || (await this.#wasDurable(id))) throw error
      return undefined
    }
  }
}

/** Whether a segment goes on with the commit that the one before it begins, or goes on with. */
export function continues(
  { predecessor, commitEnd }: SegmentHeader,
  before: SegmentHeader | undefined,
): boolean {
  return before?.salt === predecessor.salt && before.commitEnd === commitEnd
}

/** Of two of the same length. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at])
}
