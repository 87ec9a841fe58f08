/**
 * Reading a run, adjacent positions of one stream, out of one segment.
 *
 * Where the frames lie close together they are read in one piece, with what lies between. Where much of other streams
 * lies between, each is fetched by itself into one piece: from the page cache that is done in a microsecond, where a
 * thread would take ten, so it is done at once, for as long as that stays short. In a piece frames are checked all in
 * one pass, and one by one where that fails; a run ends before the first that is not good. Memory is one piece.
 */

import { FRAME_HEADER_BYTES, frameBytes, frameLength, isWhole, unitBytes } from '@walrus/segment'
import { entryAt, isEntry, type LogEntry } from './entry.ts'
import { GUESS_BYTES, newSpan, readSpan, type Span } from './frame-reader.ts'
import type { Memory, TableSegment } from './segment-table.ts'

/** Frames further apart than this are never read in one piece. */
const SKIP_BYTES = 0x1_0000
/** Above so much between two frames, on average, it is quicker to fetch each by itself (measured; Node 20). */
const SPARSE_BYTES = 1024
/** So many frames tell what the average is. */
const SAMPLED = 16
/** So many frames are fetched at once at most, and for about so many milliseconds: the event loop waits meanwhile. */
const FETCHED = 128
const FETCHING_MS = 1
/** Up to so many bytes a loop copies quicker than `set`, which needs an object for its source. */
const SHORT_COPY = 512

/** Where frames are fetched to. Nothing of it is kept from one call to the next. */
const FETCH_BYTES = 0x4_0000
const scratch = newSpan(0, FETCH_BYTES)

/** Where a run begins. */
export interface RunPlace {
  readonly segment: TableSegment
  readonly offset: number
  /** Up to where the segment can be read. */
  readonly end: number
}

export interface Run {
  readonly stream: number
  /** The first one, which is at the place. */
  readonly position: number
  /** Where an index says that the frames are, of this position and those that follow it. */
  readonly offsets: Uint32Array
  /** Whether checksums are checked. */
  readonly verify: boolean
}

/** Frames in memory: number n is at byte `places[n] - shift`. */
interface Piece {
  readonly data: Span
  readonly places: Uint32Array
  readonly shift: number
}

/** The entries of a run, about `maxBytes` of them; fewer, or none, where one must be read by itself. */
export async function readRun(place: RunPlace, run: Run, maxBytes: number): Promise<LogEntry[]> {
  const offsets = ascending(run.offsets, place)
  if (offsets.length === 0) return []
  const piece = isSparse(place, offsets)
    ? fetchEach(place, offsets, maxBytes)
    : await readTogether(place, offsets, maxBytes)
  return entriesIn(piece, place, run)
}

/** The offsets up to the first that cannot be right, whatever an index says. */
function ascending(offsets: Uint32Array, { offset, end }: RunPlace): Uint32Array {
  let least = offset
  for (let at = 0; at < offsets.length; at++) {
    const each = offsets[at]!
    if (each < least || each >= end || (each & 3) !== 0) return offsets.subarray(0, at)
    least = each + frameBytes(0)
  }
  return offsets
}

/** Whether much lies between the frames, if they are as large as the first. */
function isSparse({ segment }: RunPlace, offsets: Uint32Array): boolean {
  const last = Math.min(offsets.length, SAMPLED) - 1
  if (last === 0) return false
  const distance = (offsets[last]! - offsets[0]!) / last
  if (distance <= SPARSE_BYTES) return false
  const read = segment.open().readSync(scratch.bytes.subarray(0, FRAME_HEADER_BYTES), offsets[0]!)
  return (
    read === FRAME_HEADER_BYTES &&
    distance - frameBytes(frameLength(scratch.words, 0)) > SPARSE_BYTES
  )
}

async function readTogether(
  { segment, offset, end }: RunPlace,
  offsets: Uint32Array,
  maxBytes: number,
): Promise<Piece> {
  let last = offset
  for (const each of offsets) {
    if (each - offset > maxBytes || each - last > SKIP_BYTES) break
    last = each
  }
  const data = newSpan(offset, Math.min(last - offset + GUESS_BYTES, end - offset))
  const read = await readSpan(segment, data)
  let count = 0
  for (const each of offsets) {
    const at = each - offset
    if (at + FRAME_HEADER_BYTES > read || frameEnd(data, at) > read) break
    count++
  }
  return { data, places: offsets.subarray(0, count), shift: offset }
}

function fetchEach({ segment, end }: RunPlace, offsets: Uint32Array, maxBytes: number): Piece {
  const memory = segment.memory(end)
  const places = new Uint32Array(Math.min(offsets.length, FETCHED))
  const until = segment.elapsed() + FETCHING_MS
  let count = 0
  let used = 0
  while (count < places.length && used < maxBytes) {
    const room = Math.min(FETCH_BYTES - used, end - offsets[count]!)
    const size = fetchFrame(segment, memory, offsets[count]!, used, room)
    if (size === 0) break
    places[count++] = used
    used += size
    if (segment.elapsed() > until) break
  }
  const data = newSpan(0, used)
  data.bytes.set(scratch.bytes.subarray(0, used))
  return { data, places: places.subarray(0, count), shift: 0 }
}

/** Fetches the frame at an offset, if it is not larger than the room for it; its size, 0 otherwise. */
function fetchFrame(
  segment: TableSegment,
  memory: Memory | undefined,
  offset: number,
  to: number,
  room: number,
): number {
  if (room < FRAME_HEADER_BYTES) return 0
  if (memory !== undefined) {
    const size = frameBytes(frameLength(memory.words, offset))
    if (size > room) return 0
    copy(memory, offset, size, to)
    return size
  }
  const file = segment.open()
  const guess = Math.min(GUESS_BYTES, room)
  const read = file.readSync(scratch.bytes.subarray(to, to + guess), offset)
  if (read < FRAME_HEADER_BYTES) return 0
  const size = frameBytes(frameLength(scratch.words, to))
  if (size <= read) return size
  if (size > room) return 0
  return file.readSync(scratch.bytes.subarray(to, to + size), offset) === size ? size : 0
}

function copy({ bytes, words }: Memory, from: number, size: number, to: number): void {
  if (size > SHORT_COPY) {
    scratch.bytes.set(bytes.subarray(from, from + size), to)
    return
  }
  const target = scratch.words
  const last = (from + size) >>> 2
  for (let word = from >>> 2, at = to >>> 2; word < last; word++, at++) target[at] = words[word]!
}

/** Takes entries out of a piece, up to the first that is not good. */
function entriesIn(
  { data, places, shift }: Piece,
  { segment }: RunPlace,
  { stream, position, offsets, verify }: Run,
): LogEntry[] {
  const { bytes, words } = data
  const { seed, path, header, checksums } = segment
  const { baseTime } = header
  const entries: LogEntry[] = []
  const end = places.length === 0 ? 0 : frameEnd(data, places.at(-1)! - shift)
  const trusted = !verify || (end > 0 && isWhole(bytes, words, 0, end, seed, checksums))
  // In a run that is whole as such, a frame is only what stands where the units before it lead to.
  let next = 0
  for (let number = 0; number < places.length; number++) {
    const at = places[number]! - shift
    if (trusted) {
      while (next < at) next += unitBytes(words, next)
      if (next !== at) break
      next = frameEnd(data, at)
    } else if (!isWhole(bytes, words, at, frameEnd(data, at), seed, checksums)) break
    if (!isEntry(words, at, stream, position + number)) break
    const offset = offsets[number]!
    entries.push(entryAt(bytes, words, at, position + number, baseTime, path, offset))
  }
  return entries
}

function frameEnd({ words }: Span, at: number): number {
  return at + frameBytes(frameLength(words, at))
}
