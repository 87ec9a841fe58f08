/**
 * Reading entries by position: through the index to the frame, and the frame checked before it is believed.
 *
 * Reads see the log up to a point that whoever owns the reader gives: what has been acknowledged, or what is durable.
 * A frame that is not what the index promised makes the index be rebuilt, once; if it still is not, the segment is
 * corrupt. Memory is one batch.
 */

import {
  checkFrame,
  FRAME_HEADER_BYTES,
  frameBytes,
  frameLength,
  isWhole,
  unitBytes,
} from '@walrus/segment'
import { entryAt, isEntry, type LogEntry } from './entry.ts'
import { corrupt, hasCode, withIndex } from './errors.ts'
import {
  GUESS_BYTES,
  newSpan,
  readFrame,
  readFrameSync,
  readSpan,
  type Span,
} from './frame-reader.ts'
import type { FrameFinder, SegmentTable, TableSegment } from './segment-table.ts'
import { StreamMemory } from './stream-memory.ts'
import type { Point } from './tail-file.ts'

/** Frames further apart than this are read by themselves rather than with what lies between. */
const SKIP_BYTES = 0x1_0000

/** An offset behind every frame. */
const EVERYWHERE = Number.MAX_SAFE_INTEGER

/** A place found in the table. */
interface Place {
  readonly segment: TableSegment
  readonly index: FrameFinder
  readonly offset: number
  /** Up to where the segment can be read. */
  readonly end: number
  readonly at: number
}

/** Up to where the log can be read: a place, of which everything before counts. */
export type Visible = () => Point

export class Reader {
  readonly #table: SegmentTable
  readonly #visible: Visible
  readonly #verify: boolean
  readonly #memory = new StreamMemory()

  constructor(table: SegmentTable, visible: Visible, verify: boolean) {
    this.#table = table
    this.#visible = visible
    this.#verify = verify
  }

  /** The position after the last visible entry of a stream that has `first` as its first. */
  next(stream: number, first: number): number {
    const point = this.#visible()
    if (stream === 0) return point.plainNext
    const { segments } = this.#table
    let next: number | undefined
    for (let at = segments.length - 1; at >= 0 && next === undefined; at--) {
      const { id } = segments[at]!
      if (id > point.segment) continue
      if (id === point.segment) {
        next = this.#table.indexAt(at).nextBefore(stream, point.offset)
        if (next !== undefined) return next
      } else {
        next =
          this.#memory.next(stream, id) ?? this.#table.indexAt(at).nextBefore(stream, EVERYWHERE)
      }
    }
    this.#memory.ends(stream, point.segment - 1, next ?? first)
    return next ?? first
  }

  /** The entry at a position that is known to be visible. */
  getSync(stream: number, position: number): LogEntry {
    const place = this.#locate(stream, position)
    try {
      return this.#readOneSync(place, stream, position)
    } catch (error) {
      return this.#readOneSync(this.#relocate(place, stream, position, error), stream, position)
    }
  }

  /** As `getSync`, in the storage's own memory where it has any. */
  view(stream: number, position: number): LogEntry {
    const { segment, offset, end } = this.#locate(stream, position)
    const memory = segment.memory(end)
    if (memory !== undefined) {
      const { bytes, words } = memory
      const size = frameBytes(frameLength(words, offset))
      const whole =
        (offset & 3) === 0 &&
        offset + size <= end &&
        (!this.#verify ||
          isWhole(bytes, words, offset, offset + size, segment.seed, segment.checksums))
      if (whole && isEntry(words, offset, stream, position)) {
        checkFrame(words, offset, segment.path, offset)
        return entryAt(bytes, words, offset, position, segment.header.baseTime)
      }
    }
    // No such memory; or an index that leads astray, or a damaged segment, which this tells apart.
    return this.getSync(stream, position)
  }

  async get(stream: number, position: number): Promise<LogEntry> {
    const place = this.#locate(stream, position)
    try {
      return await this.#readOne(place, stream, position)
    } catch (error) {
      const again = this.#relocate(place, stream, position, error)
      return await this.#readOne(again, stream, position)
    }
  }

  /**
   * Entries from a visible position on, in order: at most `maxEntries`, and about `maxBytes` of log, but always one.
   * `to` is the position after the last one wanted, known to be visible.
   */
  async batch(
    stream: number,
    position: number,
    to: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<LogEntry[]> {
    const place = this.#locate(stream, position)
    const count = Math.min(maxEntries, to - position)
    const offsets = ascending(place.index.slice(stream, position, count), place)
    if (offsets.length === 0) return [await this.get(stream, position)]
    const length = spanLength(offsets, maxBytes, place.end)
    const data = newSpan(place.offset, length)
    const read = await readSpan(place.segment, data)
    const entries = this.#parse(place, data, read, stream, position, offsets)
    if (entries.length > 0) return entries
    return [await this.get(stream, position)]
  }

  /** Takes entries out of a span, up to the first that is not whole in it, or not good. */
  #parse(
    place: Place,
    data: Span,
    read: number,
    stream: number,
    position: number,
    offsets: Uint32Array,
  ): LogEntry[] {
    const { bytes, words } = data
    const { seed, path, header, checksums } = place.segment
    const { baseTime } = header
    const entries: LogEntry[] = []
    const whole = wholeFrames(data, read, offsets)
    const end = whole === 0 ? 0 : frameEnd(data, offsets[whole - 1]!)
    const trusted = !this.#verify || (end > 0 && isWhole(bytes, words, 0, end, seed, checksums))
    // In a run that is whole as such, a frame is only what stands where the units before it lead to.
    let next = 0
    for (let number = 0; number < whole; number++) {
      const at = offsets[number]! - data.offset
      if (trusted) {
        while (next < at) next += unitBytes(words, next)
        if (next !== at) break
        next = frameEnd(data, offsets[number]!)
      } else if (!isWhole(bytes, words, at, frameEnd(data, offsets[number]!), seed, checksums))
        break
      if (!isEntry(words, at, stream, position + number)) break
      checkFrame(words, at, path, offsets[number]!)
      entries.push(entryAt(bytes, words, at, position + number, baseTime))
    }
    return entries
  }

  #locate(stream: number, position: number): Place {
    const { segments } = this.#table
    const newest = segments.at(-1)!
    const place =
      stream === 0
        ? this.#walk(stream, position, this.#table.placeOfPlain(position), -1)
        : (this.#near(stream, position) ?? this.#walk(stream, position, segments.length - 1, -1))
    if (place !== undefined) return place
    throw corrupt(
      newest.path,
      0,
      `position ${position} of stream ${stream} is in no segment`,
      position,
    )
  }

  #indexAt(at: number, position: number): FrameFinder {
    try {
      return this.#table.indexAt(at)
    } catch (error) {
      // It had to be made from the segment, which is damaged.
      throw withIndex(error, position)
    }
  }

  /** Looks for an entry of a named stream from where the last one was found. */
  #near(stream: number, position: number): Place | undefined {
    const at = this.#table.placeOf(this.#memory.lastFound(stream))
    if (at < 0) return undefined
    const next = this.#indexAt(at, position).nextBefore(stream, EVERYWHERE)
    return this.#walk(stream, position, at, next !== undefined && position >= next ? 1 : -1)
  }

  /** Looks for an entry in one segment after the other. */
  #walk(stream: number, position: number, from: number, step: 1 | -1): Place | undefined {
    const { segments } = this.#table
    const point = this.#visible()
    for (let at = from; at >= 0 && at < segments.length; at += step) {
      const segment = segments[at]!
      const index = this.#indexAt(at, position)
      const offset = index.find(stream, position)
      if (offset < 0) continue
      if (stream !== 0) this.#memory.found(stream, segment.id)
      const { end } = this.#table.endOf(at)
      const limit = segment.id === point.segment ? Math.min(end, point.offset) : end
      return { segment, index, offset, end: limit, at }
    }
    return undefined
  }

  /** Finds a frame again with an index made anew, or throws `error` when that does not help. */
  #relocate(place: Place, stream: number, position: number, error: unknown): Place {
    if (place.index !== place.segment.indexFile) throw error
    let index: FrameFinder
    try {
      index = place.segment.rebuild(this.#table.endOf(place.at))
    } catch (failure) {
      // The segment is damaged, not the index: what was asked for says better where.
      throw hasCode(failure, 'WALRUS_CORRUPT') ? error : failure
    }
    const offset = index.find(stream, position)
    if (offset < 0 || offset === place.offset) throw error
    return { ...place, index, offset }
  }

  #readOneSync(place: Place, stream: number, position: number): LogEntry {
    const { segment, offset, end } = place
    const found = readFrameSync(segment, offset, end, position, this.#verify)
    return entryIn(found, segment, stream, position)
  }

  async #readOne(place: Place, stream: number, position: number): Promise<LogEntry> {
    const { segment, offset, end } = place
    const found = await readFrame(segment, offset, end, position, this.#verify)
    return entryIn(found, segment, stream, position)
  }
}

/** The entry in a frame that was read by itself. */
function entryIn(found: Span, segment: TableSegment, stream: number, position: number): LogEntry {
  const { bytes, words, offset } = found
  if (!isEntry(words, 0, stream, position)) {
    const what = `another frame stands where that of position ${position} must`
    throw corrupt(segment.path, offset, what, position)
  }
  checkFrame(words, 0, segment.path, offset)
  return entryAt(bytes, words, 0, position, segment.header.baseTime)
}

/** The offsets up to the first that cannot be right, whatever an index says. */
function ascending(offsets: Uint32Array, { offset, end }: Place): Uint32Array {
  let least = offset
  for (let at = 0; at < offsets.length; at++) {
    const each = offsets[at]!
    if (each < least || each >= end || (each & 3) !== 0) return offsets.subarray(0, at)
    least = each + frameBytes(0)
  }
  return offsets
}

/** How much to read for the frames at `offsets`, the first of which begins the span. */
function spanLength(offsets: Uint32Array, maxBytes: number, end: number): number {
  const first = offsets[0]!
  let last = first
  for (const offset of offsets) {
    if (offset - first > maxBytes || offset - last > SKIP_BYTES) break
    last = offset
  }
  return Math.min(last - first + GUESS_BYTES, end - first)
}

function frameEnd(data: Span, offset: number): number {
  const at = offset - data.offset
  return at + frameBytes(frameLength(data.words, at))
}

/** How many of the frames at `offsets` lie whole in the first `read` bytes of the span, going by their lengths. */
function wholeFrames(data: Span, read: number, offsets: Uint32Array): number {
  let count = 0
  for (const offset of offsets) {
    if (offset - data.offset + FRAME_HEADER_BYTES > read) break
    if (frameEnd(data, offset) > read) break
    count++
  }
  return count
}
