/**
 * Reading a segment's groups in file order, each checked before anything in it is believed.
 *
 * Whole chunks are checked in one pass of the CRC (docs/format.md, "Checks"); only a chunk that fails is gone
 * through group by group, to find the culprit. The next chunks are read while this one is looked at. Memory is
 * what there is to scan, six chunks at most, and one group where that is larger, whose size has then passed its
 * check and the file's bounds.
 */

import { isWhole } from './checks.ts'
import {
  framesFit,
  GROUP_HEADER_BYTES,
  GROUP_MAGIC,
  type GroupHeader,
  isGroupWhole,
  parseGroupHeader,
  readGroupHeader,
} from './group.ts'
import { decodeSeal, SEAL_BYTES, type Seal } from './seal.ts'
import type { NativeChecksums, StorageFile } from './storage.ts'
import { chunkOf, ReadAhead, roomOf, type Window, windowOf } from './window.ts'

/** Where to scan, and what the groups there must continue. */
export interface ScanRange {
  readonly file: StorageFile
  /** Segment number and seed. */
  readonly id: number
  readonly seed: number
  /** Offset of the first group to read. */
  readonly from: number
  /** Offset up to which to read: the segment's end, or the file's size. */
  readonly to: number
  /** LSN the first frame must have. */
  readonly firstLsn: number
  /** The storage's, if it has any. */
  readonly checksums?: NativeChecksums | undefined
}

/** A whole, checked group in memory. Valid during the call it is handed to. */
export interface ScannedGroup {
  readonly header: GroupHeader
  /** Offset of the group in its file. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly words: Int32Array
  /** Where in `bytes` the group begins; a multiple of 4. */
  readonly at: number
}

/** Why a scan went no further than `end`. */
export type ScanStop =
  /** `to` was reached. */
  | 'end'
  /** The segment's seal stands there. */
  | 'seal'
  /** What stands there is no whole group that continues the log. */
  | 'bad'

export interface ScanResult {
  /** Offset behind the last good group. */
  readonly end: number
  /** LSN after the last good frame. */
  readonly nextLsn: number
  /** The highest synced mark in the good groups; 0 without any. */
  readonly mark: number
  /** Time of the last good group; 0 without any. */
  readonly time: number
  readonly stop: ScanStop
  readonly seal: Seal | undefined
}

/** Hands every whole group from `range.from` on to `visit`, in order, and says where and why it stopped. */
export async function scanGroups(
  range: ScanRange,
  visit: (group: ScannedGroup) => void,
): Promise<ScanResult> {
  const scan = new Scan(range, visit)
  const reading = new ReadAhead(range)
  try {
    return await scanAhead(range, scan, reading)
  } finally {
    await reading.end()
  }
}

async function scanAhead(range: ScanRange, scan: Scan, reading: ReadAhead): Promise<ScanResult> {
  const { file, to } = range
  for (let window = await reading.begin(range.from); ; ) {
    const at = scan.advance(window)
    if (window.last) {
      const loadedTo = window.offset + (window.to - window.from)
      return scan.finish(at === window.to && loadedTo >= to)
    }
    if (scan.stopped) return scan.finish(false)
    const next = await reading.next(at)
    if (next !== undefined) {
      window = next
      continue
    }
    const large = scan.large(window, at, await file.size())
    if (large === undefined) return scan.finish(false)
    await file.read(large.bytes, scan.end)
    if (!scan.takeLarge(large)) return scan.finish(false)
    window = await reading.begin(scan.end)
  }
}

/** As `scanGroups`, for a caller who cannot wait. */
export function scanGroupsSync(range: ScanRange, visit: (group: ScannedGroup) => void): ScanResult {
  const { file, to } = range
  const scan = new Scan(range, visit)
  const chunk = chunkOf(range)
  const window = windowOf(roomOf(range, chunk) + chunk)
  for (;;) {
    const length = Math.max(0, Math.min(window.bytes.length, to - scan.end))
    window.to = file.readSync(window.bytes.subarray(0, length), scan.end)
    window.offset = scan.end
    const loadedTo = window.offset + window.to
    const last = window.to < window.bytes.length || loadedTo >= to
    const at = scan.advance(window)
    if (scan.stopped || last) return scan.finish(loadedTo >= to && at === window.to)
    if (at > 0) continue
    const large = scan.large(window, at, file.sizeSync())
    if (large === undefined) return scan.finish(false)
    file.readSync(large.bytes, scan.end)
    if (!scan.takeLarge(large)) return scan.finish(false)
  }
}

class Scan {
  readonly #range: ScanRange
  readonly #visit: (group: ScannedGroup) => void
  /** Offset behind the last group taken. */
  end: number
  #nextLsn: number
  #mark = 0
  #time = 0
  #seal: Seal | undefined
  stopped = false

  constructor(range: ScanRange, visit: (group: ScannedGroup) => void) {
    this.#range = range
    this.#visit = visit
    this.end = range.from
    this.#nextLsn = range.firstLsn
  }

  finish(atEnd: boolean): ScanResult {
    const stop = this.#seal !== undefined ? 'seal' : atEnd && !this.stopped ? 'end' : 'bad'
    return {
      end: this.end,
      nextLsn: this.#nextLsn,
      mark: this.#mark,
      time: this.#time,
      stop,
      seal: this.#seal,
    }
  }

  /** Takes the groups that lie whole in the window; returns where in it the first unfinished one begins. */
  advance(window: Window): number {
    const { bytes, words, from, to } = window
    const { seed, checksums } = this.#range
    const trusted = from + wholeRun(words, from, to)
    const checked = isWhole(bytes, words, from, trusted, seed, checksums)
    let at = from
    while (to - at >= GROUP_HEADER_BYTES) {
      const offset = window.offset + (at - from)
      const room = this.#range.to - offset
      const inRun = checked && at < trusted
      const header = inRun
        ? parseGroupHeader(words, at, room)
        : readGroupHeader(words, at, room, seed)
      if (header === undefined) {
        const bytesAt = bytes.subarray(at, at + SEAL_BYTES)
        this.#seal = decodeSeal(bytesAt, offset, this.#range.id, seed)
        this.stopped = true
        return at
      }
      if (header.size > to - at) return at
      const whole = inRun
        ? framesFit(words, at, header)
        : isGroupWhole(bytes, words, at, header, seed, checksums)
      if (!whole || !this.#continues(header)) {
        this.stopped = true
        return at
      }
      this.#take({ header, offset, bytes, words, at })
      at += header.size
    }
    return at
  }

  /** Room for the group at `window.bytes[at]`, larger than a window, where the file of `size` bytes can hold it. */
  large({ words }: Window, at: number, size: number): Window | undefined {
    const room = Math.min(this.#range.to, size) - this.end
    const header = readGroupHeader(words, at, room, this.#range.seed)
    return header && windowOf(header.size)
  }

  /** Takes the group that was read into such a window; whether it is a good one. */
  takeLarge({ bytes, words }: Window): boolean {
    const { seed, checksums } = this.#range
    const header = readGroupHeader(words, 0, bytes.length, seed)
    if (header === undefined || !isGroupWhole(bytes, words, 0, header, seed, checksums)) {
      return false
    }
    if (!this.#continues(header)) return false
    this.#take({ header, offset: this.end, bytes, words, at: 0 })
    return true
  }

  #continues(header: GroupHeader): boolean {
    return header.firstLsn === this.#nextLsn && header.time >= this.#time
  }

  #take(group: ScannedGroup): void {
    const { header } = group
    this.#visit(group)
    this.end = group.offset + header.size
    this.#nextLsn = header.firstLsn + header.count
    this.#mark = Math.max(this.#mark, header.mark)
    this.#time = header.time
  }
}

/**
 * Bytes from `from` on that look like adjacent groups without padding, going by sizes that are not believed yet:
 * only where to end a check, whose failure then says that one of them was wrong.
 */
function wholeRun(words: Int32Array, from: number, to: number): number {
  let at = from
  while (to - at >= GROUP_HEADER_BYTES) {
    const word = at >>> 2
    const size = words[word + 1]! >>> 0
    if (words[word] !== GROUP_MAGIC || words[word + 12] !== 0) break
    if (size < GROUP_HEADER_BYTES || (size & 3) !== 0 || size > to - at) break
    at += size
  }
  return at - from
}
