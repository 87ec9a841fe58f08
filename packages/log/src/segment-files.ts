/**
 * A log's segment files as recovery reads them: headers, seals, indexes, and whole scans. Changes nothing.
 */

import { WalrusError } from '@walrus/codec'
import {
  decodeSeal,
  decodeSegmentHeader,
  IndexFile,
  type ScanResult,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  SegmentIndex,
  type Storage,
  type StorageFile,
  scanGroups,
  seedOf,
} from '@walrus/segment'
import { hasCode } from './errors.ts'
import { indexPath, segmentPath } from './names.ts'
import { checkNumber, isIndexOf } from './segment-table.ts'
import type { Point } from './tail-file.ts'

/** A segment that has been read, or of which an index told what is in it. */
export interface ScannedSegment {
  readonly id: number
  readonly path: string
  readonly header: SegmentHeader
  readonly index: SegmentIndex
  readonly size: number
  readonly scan: ScanResult
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

/** The segments of one directory, while it is looked at. */
export class SegmentFiles {
  readonly dir: string
  readonly #storage: Storage
  readonly #headers = new Map<number, SegmentHeader>()

  constructor(storage: Storage, dir: string) {
    this.#storage = storage
    this.dir = dir
  }

  /**
   * A segment's header.
   * @throws `WALRUS_CORRUPT`, `WALRUS_SEGMENT_MISSING`
   */
  async header(id: number): Promise<SegmentHeader> {
    const known = this.#headers.get(id)
    if (known !== undefined) return known
    const header = await this.with(id, (file) => readHeader(file, id))
    this.#headers.set(id, header)
    return header
  }

  /** Runs something with a segment's file open for reading. */
  async with<T>(id: number, run: (file: StorageFile) => Promise<T>): Promise<T> {
    let file: StorageFile
    try {
      file = await this.#storage.open(segmentPath(this.dir, id), 'read')
    } catch (error) {
      if (!hasCode(error, 'WALRUS_NOT_FOUND')) throw error
      throw missing(this.dir, id, 'another segment follows it')
    }
    try {
      return await run(file)
    } finally {
      await file.close()
    }
  }

  /** The successor that the seal at an offset of a segment names; `undefined` when there is no seal. */
  async sealAt(id: number, offset: number, salt: number): Promise<number | undefined> {
    return await this.with(id, (file) => readSeal(file, offset, id, salt))
  }

  /** The successor that the seal at the end of a segment's file names; `undefined` when there is no seal. */
  async sealAtEnd(id: number): Promise<number | undefined> {
    const { salt } = await this.header(id)
    return await this.with(id, async (file) => {
      return await readSeal(file, (await file.size()) - SEAL_BYTES, id, salt)
    })
  }

  /** Reads a segment's groups up to `to`, or to where they end. */
  async scan(header: SegmentHeader, to: number = Number.MAX_SAFE_INTEGER): Promise<ScannedSegment> {
    const index = new SegmentIndex()
    const { id, salt, firstGroup: from, firstLsn, baseTime } = header
    return await this.with(id, async (file) => {
      const size = await file.size()
      const seed = seedOf(salt)
      const { checksums } = this.#storage
      const range = { file, id, seed, from, to: Math.min(to, size), firstLsn, checksums }
      const scan = await scanGroups(range, (group) => index.addScanned(group, baseTime, firstLsn))
      return { id, path: file.path, header, index, size, scan }
    })
  }

  /** A segment as its index file describes it, if that is whole and reaches just up to `end`. */
  indexFromFile(header: SegmentHeader, end: Point): ScannedSegment | undefined {
    let file: StorageFile
    try {
      file = this.#storage.openSync(indexPath(this.dir, header.id), 'read')
    } catch (error) {
      if (hasCode(error, 'WALRUS_NOT_FOUND')) return undefined
      throw error
    }
    try {
      const found = IndexFile.open(file)
      const { offset, lsn: endLsn, plainNext } = end
      if (!isIndexOf(found, header, { end: offset, endLsn, plainNext })) return undefined
      const index = found.load(new SegmentIndex())
      const scan: ScanResult = {
        end: end.offset,
        nextLsn: end.lsn,
        mark: end.lsn,
        time: header.baseTime,
        stop: 'end',
        seal: undefined,
      }
      const { id } = header
      return { id, path: segmentPath(this.dir, id), header, index, size: end.offset, scan }
    } catch (error) {
      if (hasCode(error, 'WALRUS_CORRUPT')) return undefined
      throw error
    } finally {
      file.closeSync()
    }
  }
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
