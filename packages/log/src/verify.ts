/**
 * Reading all of a log and saying what is wrong with it. Changes nothing; works beside a running writer.
 */

import { WalrusError } from '@walrus/codec'
import {
  Begun,
  FRAME_HEADER_BYTES,
  FrameKind,
  fd,
  frameBytes,
  frameKind,
  frameLength,
  GROUP_HEADER_BYTES,
  IndexFile,
  PLAIN_STREAM,
  readBounds,
  type ScannedGroup,
  SegmentIndex,
  type SegmentHeader,
  type Storage,
  type StorageFile,
  scanGroups,
  seedOf,
} from '@walrus/segment'
import { analyse, continues } from './analysis.ts'
import { checkedBounds, decodeDeclaration, decodeSnapshot } from './catalog.ts'
import { hasCode } from './errors.ts'
import { indexPath, segmentIds, segmentPath } from './names.ts'
import { checkNames } from './options.ts'
import { readHeader } from './segment-files.ts'
import { readTail } from './tail-file.ts'
import type { TornTail } from './verdict.ts'

/** Something that is not as it was written. */
export interface Damage {
  /** The code that opening or reading the log would throw here. */
  readonly code: string
  readonly file: string
  /** Byte in the file, where one can be named. */
  readonly offset: number | undefined
  /** Index of the plain log from which on entries cannot be read, where it is known. */
  readonly index: number | undefined
  readonly message: string
}

export interface VerifyReport {
  /** Whether the log is whole. A torn tail is no damage: it was never acknowledged as durable. */
  readonly ok: boolean
  readonly segments: number
  readonly groups: number
  /** Entries of all streams that lie in the files, those included that were truncated away. */
  readonly entries: number
  /** Bytes that were read and checked. */
  readonly bytes: number
  /** First and last index of the plain log; 0 when it is empty. */
  readonly firstIndex: number
  readonly lastIndex: number
  readonly damage: readonly Damage[]
  /** A write that never finished, at the end of a log whose writer was killed. */
  readonly torn: TornTail | undefined
  /** Indexes that do not fit their segments: they are rebuilt when needed. */
  readonly staleIndexes: readonly string[]
}

export interface VerifyOptions {
  readonly storage?: Storage
  /** Called now and then with the bytes read so far and the bytes there are. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Reads every byte of a log, checks every checksum, length and link, and reports.
 * @throws `WALRUS_NOT_FOUND` when there is no log; `WALRUS_INVALID_OPTION`; `WALRUS_IO` when a file cannot be read.
 *   Damage is reported, not thrown.
 */
export async function verify(dir: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  checkNames('verify', options, ['storage', 'onProgress'])
  const storage = options.storage ?? fd()
  return await new Verification(storage, dir, options.onProgress ?? noProgress).run()
}

function noProgress(): void {}

/** A segment and how far it counts. */
interface Extent {
  readonly id: number
  readonly header: SegmentHeader
  readonly end: number
  readonly endLsn: number | undefined
}

class Verification {
  readonly #storage: Storage
  readonly #dir: string
  readonly #onProgress: (done: number, total: number) => void
  readonly #damage: Damage[] = []
  readonly #staleIndexes: string[] = []
  #groups = 0
  #entries = 0
  #bytes = 0
  #total = 0
  #plainFirst: number | undefined
  #plainNext: number | undefined

  constructor(storage: Storage, dir: string, onProgress: (done: number, total: number) => void) {
    this.#storage = storage
    this.#dir = dir
    this.#onProgress = onProgress
  }

  async run(): Promise<VerifyReport> {
    const names = await this.#storage.list(this.#dir)
    const tail = await readTail(this.#storage, this.#dir)
    const ids = segmentIds(names).filter((id) => id >= (tail?.firstSegment ?? 0))
    if (ids.length === 0 && tail === undefined) {
      throw new WalrusError('WALRUS_NOT_FOUND', `there is no log in ${this.#dir}`, {
        file: this.#dir,
      })
    }
    const running = (await this.#storage.locked(this.#dir)) !== undefined
    const durable = running ? tail?.durable : undefined
    const torn = durable === undefined ? await this.#end() : undefined
    const extents = await this.#extents(ids, durable ?? torn?.end)
    this.#total = extents.reduce((sum, { end }) => sum + end, 0)
    for (const [number, extent] of extents.entries()) {
      await this.#segment(extent, extents[number - 1])
    }
    const first = this.#plainFirst ?? extents[0]?.header.plainNext ?? 1
    const empty = this.#plainNext === undefined || this.#plainNext === first
    return {
      ok: this.#damage.length === 0,
      segments: extents.length,
      groups: this.#groups,
      entries: this.#entries,
      bytes: this.#bytes,
      firstIndex: empty ? 0 : first,
      lastIndex: empty ? 0 : this.#plainNext! - 1,
      damage: this.#damage,
      torn: torn?.torn,
      staleIndexes: this.#staleIndexes,
    }
  }

  /** Where the log ends, as recovery would decide it. */
  async #end(): Promise<
    | { end: { segment: number; offset: number; lsn: number }; torn: TornTail | undefined }
    | undefined
  > {
    try {
      const analysis = await analyse(this.#storage, this.#dir)
      return analysis === undefined ? undefined : { end: analysis.end, torn: analysis.torn }
    } catch (error) {
      this.#note(error)
      return undefined
    }
  }

  /** The segments that can be read, newest bounded by `end`, each ending where its successor says. */
  async #extents(
    ids: readonly number[],
    end: { segment: number; offset: number; lsn: number } | undefined,
  ): Promise<Extent[]> {
    const extents: Extent[] = []
    let next: SegmentHeader | undefined
    for (const id of ids.toReversed()) {
      if (end !== undefined && id > end.segment) continue
      // What a recovery left behind its cut is no part of the log.
      if (next !== undefined && next.predecessor.id < id) continue
      const header = await this.#header(id)
      if (header === undefined) continue
      const last = end?.segment === id ? end : undefined
      const linked = next?.predecessor.id === id ? next : undefined
      if (linked !== undefined && linked.predecessor.salt !== header.salt) {
        this.#add(
          'WALRUS_CORRUPT',
          segmentPath(this.#dir, linked.id),
          80,
          linked.plainNext,
          'does not follow the segment before it: one of them is from another log or another time',
        )
      }
      extents.unshift({
        id,
        header,
        end: linked?.predecessor.end ?? last?.offset ?? (await this.#size(id)),
        endLsn: linked?.firstLsn ?? last?.lsn,
      })
      next = header
    }
    return extents
  }

  async #segment(extent: Extent, before: Extent | undefined): Promise<void> {
    const { id, header, end, endLsn } = extent
    const path = segmentPath(this.#dir, id)
    if (before !== undefined && header.predecessor.id !== before.id) {
      const missing = segmentPath(this.#dir, header.predecessor.id)
      this.#add(
        'WALRUS_SEGMENT_MISSING',
        missing,
        undefined,
        undefined,
        `is missing: ${path} follows it`,
      )
    }
    if (
      before !== undefined &&
      header.begun === Begun.continuation &&
      !continues(header, before.header)
    ) {
      const what = 'continues a commit that the segment before it is no part of'
      this.#add('WALRUS_CORRUPT', path, 112, header.plainNext, what)
    }
    const index = new SegmentIndex()
    let file: StorageFile
    try {
      file = await this.#storage.open(path, 'read')
    } catch (error) {
      if (await this.#wasRemoved(id)) return
      throw error
    }
    try {
      const { salt, firstGroup: from, firstLsn, baseTime } = header
      const { checksums } = this.#storage
      const range = { file, id, seed: seedOf(salt), from, to: end, firstLsn, checksums }
      const scan = await scanGroups(range, (group) => {
        index.addScanned(group, baseTime, firstLsn)
        this.#count(group, path)
      })
      this.#plainNext = index.nextAt(PLAIN_STREAM, end) ?? this.#plainNext ?? header.plainNext
      // Without a successor or a tail file to say where it ends, its seal does.
      const sealed = endLsn === undefined && scan.stop === 'seal'
      if ((scan.end !== end && !sealed) || (endLsn !== undefined && scan.nextLsn !== endLsn)) {
        const what = `has no whole commit group where the one with LSN ${scan.nextLsn} must stand, at byte ${scan.end}`
        this.#add('WALRUS_CORRUPT', path, scan.end, this.#plainNext, what)
        return
      }
      this.#checkIndex({ ...extent, end: scan.end }, index, scan.nextLsn)
    } finally {
      await file.close()
    }
  }

  #count({ header, offset, bytes, words, at }: ScannedGroup, path: string): void {
    this.#groups++
    this.#bytes += header.size
    let frame = at + GROUP_HEADER_BYTES
    for (let number = 0; number < header.count; number++) {
      if (frameKind(words, frame) === FrameKind.entry) this.#entries++
      else {
        try {
          this.#plainFirst = plainFirstIn(bytes, words, frame) ?? this.#plainFirst
        } catch (error) {
          const what = (error as Error).message
          this.#add('WALRUS_CORRUPT', path, offset + frame - at, this.#plainNext, `holds ${what}`)
        }
      }
      frame += frameBytes(frameLength(words, frame))
    }
    if (offset % PROGRESS_EVERY < header.size) this.#onProgress(this.#bytes, this.#total)
  }

  /** The index file, if there is one for this state of the segment, must say what the segment says. */
  #checkIndex({ id, header, end }: Extent, index: SegmentIndex, endLsn: number): void {
    const path = indexPath(this.#dir, id)
    let file: IndexFile
    try {
      file = IndexFile.open(this.#storage.openSync(path, 'read'))
    } catch (error) {
      if (hasCode(error, 'WALRUS_NOT_FOUND')) return
      if (!hasCode(error, 'WALRUS_CORRUPT')) throw error
      this.#staleIndexes.push(path)
      return
    }
    const of = file.segment
    const current = of.salt === header.salt && of.end === end && of.endLsn === endLsn
    if (!current || !sameIndex(file, index)) this.#staleIndexes.push(path)
    file.closeSync()
  }

  async #header(id: number): Promise<SegmentHeader | undefined> {
    try {
      const file = await this.#storage.open(segmentPath(this.#dir, id), 'read')
      try {
        return await readHeader(file, id)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!(await this.#wasRemoved(id))) this.#note(error)
      return undefined
    }
  }

  /** Whether the writer has removed a segment since this began. */
  async #wasRemoved(id: number): Promise<boolean> {
    const tail = await readTail(this.#storage, this.#dir)
    return tail !== undefined && id < tail.firstSegment
  }

  async #size(id: number): Promise<number> {
    const file = await this.#storage.open(segmentPath(this.#dir, id), 'read')
    try {
      return await file.size()
    } finally {
      await file.close()
    }
  }

  /** Notes an error that speaks of damage; throws any other. */
  #note(error: unknown): void {
    if (!(error instanceof WalrusError) || error.code === 'WALRUS_IO' || error.file === undefined)
      throw error
    const index = error.index === undefined ? undefined : Number(error.index)
    this.#add(error.code, error.file, error.offset, index, error.message)
  }

  #add(
    code: string,
    file: string,
    offset: number | undefined,
    index: number | undefined,
    message: string,
  ): void {
    const known = this.#damage.some((damage) => damage.file === file && damage.offset === offset)
    if (!known) this.#damage.push({ code, file, offset, index, message })
  }
}

const PROGRESS_EVERY = 0x40_0000

/** Whether an index file says of every frame what the segment says. */
function sameIndex(file: IndexFile, index: SegmentIndex): boolean {
  const heads = index.heads()
  const frames = index.streams().reduce((sum, [, postings]) => sum + postings.count, 0)
  if (file.frames !== frames) return false
  return heads.every(({ stream, first, next }) => {
    const expected = index.slice(stream, first, next - first)
    const found = file.slice(stream, first, next - first)
    return found.length === expected.length && found.every((offset, at) => offset === expected[at])
  })
}

/**
 * The first index of the plain log, if a frame of the catalog says it.
 * @throws `WALRUS_CORRUPT` when it says what cannot be
 */
function plainFirstIn(bytes: Uint8Array, words: Int32Array, at: number): number | undefined {
  const from = at + FRAME_HEADER_BYTES
  const body = bytes.subarray(from, from + frameLength(words, at))
  switch (frameKind(words, at)) {
    case FrameKind.streamDeclared:
      return void decodeDeclaration(body)
    case FrameKind.catalogSnapshot:
      return decodeSnapshot(body).find(({ id }) => id === PLAIN_STREAM)?.first
    case FrameKind.streamBounds: {
      const { stream, first } = checkedBounds(readBounds(words, at))
      return stream === PLAIN_STREAM ? first : undefined
    }
    default:
      return undefined
  }
}
