/**
 * Reading a segment's groups in file order, each checked before anything in it is believed.
 *
 * Whole chunks are checked in one pass of the CRC (docs/format.md, "Checks"); only a chunk that fails is gone
 * through group by group, to find the culprit. The next chunk is read while this one is looked at. Memory is two
 * chunks, or one group where that is larger, whose size has then passed its check and the file's bounds.
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
import type { StorageFile } from './storage.ts'

const CHUNK_BYTES = 0x10_0000

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

/** Bytes of a file in memory, word-aligned: `bytes[from]` stands at file offset `offset`. */
interface Window {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  from: number
  to: number
  offset: number
}

function windowOf(length: number): Window {
  const buffer = new ArrayBuffer((length + 3) & ~3)
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer), from: 0, to: 0, offset: 0 }
}

/** Hands every whole group from `range.from` on to `visit`, in order, and says where and why it stopped. */
export async function scanGroups(
  range: ScanRange,
  visit: (group: ScannedGroup) => void,
): Promise<ScanResult> {
  const scan = new Scan(range, visit)
  // Each window has a chunk's room in front, for what the one before could not finish.
  const windows = [windowOf(2 * CHUNK_BYTES), windowOf(2 * CHUNK_BYTES)] as const
  const load = async (window: Window, offset: number): Promise<void> => {
    const length = Math.min(CHUNK_BYTES, range.to - offset)
    const into = window.bytes.subarray(CHUNK_BYTES, CHUNK_BYTES + length)
    const read = length > 0 ? await range.file.read(into, offset) : 0
    window.from = CHUNK_BYTES
    window.to = CHUNK_BYTES + read
    window.offset = offset
  }
  let turn = 0
  await load(windows[0], range.from)
  for (;;) {
    const window = windows[turn & 1]!
    const after = windows[(turn + 1) & 1]!
    const loadedTo = window.offset + (window.to - window.from)
    const last = loadedTo >= range.to || window.to === window.from
    const next = last ? undefined : load(after, loadedTo)
    const at = scan.advance(window)
    if (scan.stopped || last) {
      await next
      return scan.finish(loadedTo >= range.to && at === window.to)
    }
    await next
    const left = window.to - at
    if (left > CHUNK_BYTES) {
      // A group larger than a window: read by itself, after its header's check and within the file.
      const beyond = await scan.large()
      if (beyond === undefined) return scan.finish(false)
      await load(after, beyond)
    } else {
      after.bytes.set(window.bytes.subarray(at, window.to), CHUNK_BYTES - left)
      after.from = CHUNK_BYTES - left
      after.offset -= left
    }
    turn++
  }
}

/** As `scanGroups`, for a caller who cannot wait. */
export function scanGroupsSync(range: ScanRange, visit: (group: ScannedGroup) => void): ScanResult {
  const scan = new Scan(range, visit)
  let size = 2 * CHUNK_BYTES
  let window = windowOf(size)
  for (let offset = range.from; ; ) {
    window.from = 0
    window.to = range.file.readSync(
      window.bytes.subarray(0, Math.max(0, Math.min(size, range.to - offset))),
      offset,
    )
    window.offset = offset
    const at = scan.advance(window)
    const last = offset + window.to >= range.to || window.to < size
    if (scan.stopped || last) return scan.finish(offset + window.to >= range.to && at === window.to)
    if (at === 0) {
      // One group fills the window. Its header has passed its check, or the scan would have stopped.
      size = Math.min(size * 2, range.to - offset)
      window = windowOf(size)
    }
    offset += at
  }
}

class Scan {
  readonly #range: ScanRange
  readonly #visit: (group: ScannedGroup) => void
  #end: number
  #nextLsn: number
  #mark = 0
  #time = 0
  #seal: Seal | undefined
  stopped = false

  constructor(range: ScanRange, visit: (group: ScannedGroup) => void) {
    this.#range = range
    this.#visit = visit
    this.#end = range.from
    this.#nextLsn = range.firstLsn
  }

  finish(atEnd: boolean): ScanResult {
    const stop = this.#seal !== undefined ? 'seal' : atEnd && !this.stopped ? 'end' : 'bad'
    return {
      end: this.#end,
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
    const { seed } = this.#range
    const trusted = from + wholeRun(words, from, to)
    const checked = trusted > from && isWhole(bytes, words, from, trusted, seed)
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
        : isGroupWhole(bytes, words, at, header, seed)
      if (!whole || !this.#continues(header)) {
        this.stopped = true
        return at
      }
      this.#take({ header, offset, bytes, words, at })
      at += header.size
    }
    return at
  }

  /** Takes the group at the current end, reading all of it; returns the offset behind it. */
  async large(): Promise<number | undefined> {
    const { file, seed, to } = this.#range
    const head = windowOf(GROUP_HEADER_BYTES)
    await file.read(head.bytes, this.#end)
    const header = readGroupHeader(head.words, 0, to - this.#end, seed)
    if (header === undefined) return undefined
    const window = windowOf(header.size)
    const read = await file.read(window.bytes, this.#end)
    const { bytes, words } = window
    if (read < header.size || !isGroupWhole(bytes, words, 0, header, seed)) return undefined
    if (!this.#continues(header)) return undefined
    this.#take({ header, offset: this.#end, bytes, words, at: 0 })
    return this.#end
  }

  #continues(header: GroupHeader): boolean {
    return header.firstLsn === this.#nextLsn && header.time >= this.#time
  }

  #take(group: ScannedGroup): void {
    const { header } = group
    this.#visit(group)
    this.#end = group.offset + header.size
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

/** What stands behind the place where a segment's groups end. */
export interface Remainder {
  /** Offset of the first byte that is not zero; `undefined` when all are. */
  readonly firstByte: number | undefined
  /** Offset behind the last byte that is not zero. */
  readonly lastByte: number
  /** The highest synced mark in any group header that passes its check; 0 without one. */
  readonly mark: number
  /** The whole groups, in file order: where they stand, and in which boot they were written. */
  readonly groups: readonly { readonly offset: number; readonly header: GroupHeader }[]
}

/** Stop looking for more whole groups after this many: one is evidence enough. */
const ENOUGH_GROUPS = 16

/** Looks at every byte from `from` to `to` for what can still be read there. */
export async function searchRemainder(
  file: StorageFile,
  from: number,
  to: number,
  seed: number,
): Promise<Remainder> {
  let firstByte: number | undefined
  let lastByte = from
  let mark = 0
  const groups: { offset: number; header: GroupHeader }[] = []
  const window = windowOf(CHUNK_BYTES + GROUP_HEADER_BYTES)
  for (let offset = from; offset < to; offset += CHUNK_BYTES) {
    const read = await file.read(
      window.bytes.subarray(0, Math.min(window.bytes.length, to - offset)),
      offset,
    )
    window.bytes.fill(0, read)
    for (let word = 0; word < CHUNK_BYTES / 4; word++) {
      if (window.words[word] === 0) continue
      const at = word * 4
      firstByte ??= offset + at
      lastByte = Math.min(offset + at + 4, to)
      if (window.words[word] !== GROUP_MAGIC) continue
      const header = readGroupHeader(window.words, at, to - offset - at, seed)
      if (header === undefined) continue
      mark = Math.max(mark, header.mark)
      if (groups.length >= ENOUGH_GROUPS) continue
      const group = windowOf(header.size)
      const length = await file.read(group.bytes, offset + at)
      if (length === header.size && isGroupWhole(group.bytes, group.words, 0, header, seed)) {
        groups.push({ offset: offset + at, header })
      }
    }
  }
  return { firstByte, lastByte, mark, groups }
}
