/**
 * Where a damaged log can be cut so that everything before the cut is whole (docs/format.md, "Repair").
 *
 * Every segment is read, from the oldest on, by its links; the first byte that is not as it was written is where the
 * log then ends. Finding that changes nothing. What lies behind the cut is moved to the quarantine folder by the
 * recovery that follows, and what lies behind it in the segment that is cut has been copied there before.
 */

import { basename, join } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { PLAIN_STREAM, type SegmentHeader, type Storage, type StorageFile } from '@walrus/segment'
import { type Analysis, analyse } from './analysis.ts'
import { corrupt } from './errors.ts'
import { QUARANTINE_NAME, segmentIds } from './names.ts'
import type { SalvageReport } from './report.ts'
import { missing, type ScannedSegment, SegmentFiles } from './segment-files.ts'
import { readTail, type Tail } from './tail-file.ts'

/** Up to where a log is whole. */
interface Cut {
  /** The segments up to there, by their links. */
  readonly chain: readonly number[]
  /** The segment it ends in, read up to there. */
  readonly segment: ScannedSegment
  /** Why it does not go on. */
  readonly why: WalrusError
}

/**
 * Looks at a log directory as `analyse` does, but reads all of it, and where that is damaged, leaves it out.
 * @throws what is wrong, when nothing before it could be kept
 */
export async function salvage(storage: Storage, dir: string): Promise<Analysis | undefined> {
  return (await findCut(storage, dir)) ?? (await analyse(storage, dir))
}

/** The log up to where it is whole; `undefined` when it all is, or there is none. */
async function findCut(storage: Storage, dir: string): Promise<Analysis | undefined> {
  const refusal = await refusalOf(storage, dir)
  const tail = await readTail(storage, dir)
  const oldest = tail?.firstSegment ?? 0
  const ids = segmentIds(await storage.list(dir)).filter((id) => id >= oldest)
  if (ids.length === 0) return undefined
  const files = new SegmentFiles(storage, dir)
  const headers = await readableHeaders(files, ids)
  const found = await new Search(files, ids, headers, tail).run(refusal)
  if (found === undefined) return undefined
  const cut = await outsideCommit(files, headers, found)
  return analysisOf(ids, tail, cut, reportOf(cut, headers, tail))
}

/** What opening the log would throw because of what is in its files. */
async function refusalOf(storage: Storage, dir: string): Promise<WalrusError | undefined> {
  try {
    await analyse(storage, dir)
    return undefined
  } catch (error) {
    if (isDamage(error)) return error
    throw error
  }
}

/** Whether an error speaks of what the files hold, rather than of not being able to read them. */
function isDamage(error: unknown): error is WalrusError {
  const codes = ['WALRUS_CORRUPT', 'WALRUS_SEGMENT_MISSING', 'WALRUS_FOREIGN_FILE']
  return error instanceof WalrusError && codes.includes(error.code)
}

async function readableHeaders(
  files: SegmentFiles,
  ids: readonly number[],
): Promise<Map<number, SegmentHeader | WalrusError>> {
  const headers = new Map<number, SegmentHeader | WalrusError>()
  for (const id of ids) {
    try {
      headers.set(id, await files.header(id))
    } catch (error) {
      if (!isDamage(error)) throw error
      headers.set(id, error)
    }
  }
  return headers
}

/** Follows the links from the oldest segment on. */
class Search {
  readonly #files: SegmentFiles
  readonly #ids: readonly number[]
  readonly #headers: ReadonlyMap<number, SegmentHeader | WalrusError>
  readonly #tail: Tail | undefined

  constructor(
    files: SegmentFiles,
    ids: readonly number[],
    headers: ReadonlyMap<number, SegmentHeader | WalrusError>,
    tail: Tail | undefined,
  ) {
    this.#files = files
    this.#ids = ids
    this.#headers = headers
    this.#tail = tail
  }

  async run(refusal: WalrusError | undefined): Promise<Cut | undefined> {
    const chain: number[] = []
    let header = this.#oldest()
    for (;;) {
      chain.push(header.id)
      const next = this.#successor(header)
      const segment = await this.#files.scan(header, next?.predecessor.end)
      if (next === undefined) return this.#atEnd(chain, segment, refusal)
      const { scan } = segment
      if (scan.end !== next.predecessor.end || scan.nextLsn !== next.firstLsn) {
        return { chain, segment, why: noGroup(segment) }
      }
      header = next
    }
  }

  /** The oldest segment, or the newest that a recovery has put in its place. */
  #oldest(): SegmentHeader {
    const [id] = this.#ids
    const oldest = this.#tail?.firstSegment ?? id!
    const found = [...this.#headers.values()].findLast(
      (header): header is SegmentHeader =>
        !(header instanceof WalrusError) && header.predecessor.id < oldest,
    )
    if (found !== undefined) return found
    // Without a beginning there is nothing before the damage.
    const header = this.#headers.get(id!)!
    if (header instanceof WalrusError) throw header
    throw missing(this.#files.dir, oldest, 'the tail file names it as the oldest')
  }

  /** The newest of the segments that say they follow one; more than one does where a recovery was cut short. */
  #successor({ id, salt }: SegmentHeader): SegmentHeader | undefined {
    const followers = [...this.#headers.values()].filter(
      (header): header is SegmentHeader =>
        !(header instanceof WalrusError) &&
        header.predecessor.id === id &&
        header.predecessor.salt === salt,
    )
    return followers.at(-1)
  }

  #atEnd(
    chain: readonly number[],
    segment: ScannedSegment,
    refusal: WalrusError | undefined,
  ): Cut | undefined {
    const behind = this.#ids.find((id) => id > segment.id)
    const header = behind === undefined ? undefined : this.#headers.get(behind)
    if (header instanceof WalrusError) return { chain, segment, why: header }
    // A log that was closed opens without that its last segment is read.
    const durable = this.#tail?.durable.lsn ?? 0
    if (segment.scan.nextLsn < durable) return { chain, segment, why: refusal ?? noGroup(segment) }
    return refusal && { chain, segment, why: refusal }
  }
}

function noGroup(segment: ScannedSegment): WalrusError {
  const { path, scan } = segment
  const what = `no whole commit group stands where the one with LSN ${scan.nextLsn} must`
  return corrupt(path, scan.end, what, plainNextOf(segment))
}

/** The plain log's index that would have come next. */
function plainNextOf({ index, scan, header }: ScannedSegment): number {
  return index.nextAt(PLAIN_STREAM, scan.end) ?? header.plainNext
}

/** A cut in a commit over several segments goes before all of it: it counts as a whole or not at all. */
async function outsideCommit(
  files: SegmentFiles,
  headers: ReadonlyMap<number, SegmentHeader | WalrusError>,
  cut: Cut,
): Promise<Cut> {
  let { segment } = cut
  while (segment.header.commitEnd > segment.scan.nextLsn) {
    const { id, end } = segment.header.predecessor
    const before = headers.get(id)
    if (before === undefined || before instanceof WalrusError) throw cut.why
    segment = await files.scan(before, end)
  }
  return { ...cut, segment }
}

function analysisOf(
  ids: readonly number[],
  tail: Tail | undefined,
  cut: Cut,
  salvaged: SalvageReport,
): Analysis {
  const { segment, chain } = cut
  const { id, path, header, scan, size } = segment
  const plainNext = plainNextOf(segment)
  const { salt } = header
  const end = { lsn: scan.nextLsn, segment: id, salt, offset: scan.end, plainNext }
  return {
    logId: header.logId,
    ids: chain.filter((other) => other <= id),
    leftOver: ids.filter((other) => other > id || !chain.includes(other)),
    retired: [],
    tail,
    time: Math.max(scan.time, header.baseTime),
    clean: false,
    scanned: [segment],
    end,
    proven: end,
    torn: {
      file: path,
      offset: scan.end,
      length: Math.max(0, size - scan.end),
      lsn: scan.nextLsn,
      index: plainNext,
    },
    salvaged,
  }
}

function reportOf(
  { segment, why }: Cut,
  headers: ReadonlyMap<number, SegmentHeader | WalrusError>,
  tail: Tail | undefined,
): SalvageReport {
  const { scan, path } = segment
  const firstLost = plainNextOf(segment)
  const nexts = [...headers.values()].map((each) =>
    each instanceof WalrusError ? 0 : each.plainNext,
  )
  const next = Math.max(tail?.durable.plainNext ?? 0, ...nexts)
  return {
    code: why.code,
    message: why.message,
    file: path,
    offset: scan.end,
    lsn: scan.nextLsn,
    firstLost,
    lastLost: next > firstLost ? next - 1 : undefined,
  }
}

const COPY_BYTES = 0x10_0000

/**
 * Copies a segment that is to be cut to the quarantine folder, where it holds more than stays of it; durable when it
 * resolves. Returns where the copy is.
 */
export async function keepCopy(
  storage: Storage,
  dir: string,
  { file, offset }: SalvageReport,
): Promise<string | undefined> {
  const source = await storage.open(file, 'read')
  try {
    const size = await source.size()
    if (size <= offset) return undefined
    const quarantine = join(dir, QUARANTINE_NAME)
    await storage.mkdir(quarantine)
    await storage.syncDir(dir)
    const path = await freeName(storage, quarantine, basename(file))
    const target = await storage.open(path, 'create')
    try {
      await copyAll(source, target)
      await target.sync()
    } finally {
      await target.close()
    }
    await storage.syncDir(quarantine)
    return path
  } finally {
    await source.close()
  }
}

/** A name for a copy that no earlier one has. */
async function freeName(storage: Storage, dir: string, name: string): Promise<string> {
  const names = await storage.list(dir)
  for (let number = 1; ; number++) {
    const copy = `${name}.${number}.copy`
    if (!names.includes(copy)) return join(dir, copy)
  }
}

async function copyAll(source: StorageFile, target: StorageFile): Promise<void> {
  const bytes = new Uint8Array(COPY_BYTES)
  let read = await source.read(bytes, 0)
  for (let at = 0; read > 0; read = await source.read(bytes, at)) {
    await target.write(bytes.subarray(0, read), at, false)
    at += read
  }
}
