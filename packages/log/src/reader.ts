/**
 * Reading entries by position: through the index to the frame, and the frame checked before it is believed.
 *
 * Reads see the log up to a point that whoever owns the reader gives: what has been acknowledged, or what is durable.
 * A frame that is not what the index promised makes the index be rebuilt, once; if it still is not, the segment is
 * corrupt. What is truncated away meanwhile is an error, and never another entry. Memory is one batch.
 */

import { frameBytes, frameLength, isWhole, PLAIN_STREAM } from '@walrus/segment'
import type { StreamState } from './catalog.ts'
import { entryAt, isEntry, type LogEntry } from './entry.ts'
import { corrupt, hasCode, truncatedAway, withIndex } from './errors.ts'
import { readFrame, readFrameSync, type Span } from './frame-reader.ts'
import { show } from './options.ts'
import { readRun, type RunPlace } from './run-reader.ts'
import type { FrameFinder, SegmentTable, TableSegment } from './segment-table.ts'
import { StreamMemory } from './stream-memory.ts'
import type { Point } from './tail-file.ts'

/** An offset behind every frame. */
const EVERYWHERE = Number.MAX_SAFE_INTEGER

/** A place found in the table. */
interface Place extends RunPlace {
  readonly index: FrameFinder
}

/** Up to where the log can be read: a place, of which everything before counts. */
export type Visible = () => Point

/** Learns what another process has removed, as far as that can be told at once: whether it has. */
export interface Removals {
  refresh(): Promise<void>
  removed(): boolean
}

export class Reader {
  readonly #table: SegmentTable
  readonly #visible: Visible
  readonly #verify: boolean
  readonly #removals: Removals | undefined
  readonly #memory = new StreamMemory()

  /** @param removals where another process writes */
  constructor(
    table: SegmentTable,
    visible: Visible,
    verify: boolean,
    removals: Removals | undefined,
  ) {
    this.#table = table
    this.#visible = visible
    this.#verify = verify
    this.#removals = removals
  }

  /** The position after the last visible entry of a stream. */
  next(stream: StreamState): number {
    const point = this.#visible()
    // What is cut is gone at once, also when the cut itself is not visible yet.
    const cut = stream.cuts?.lowestSince(point.lsn - 1) ?? Number.MAX_SAFE_INTEGER
    const next = stream.id === PLAIN_STREAM ? point.plainNext : this.#lastNext(stream, point)
    return Math.max(stream.first, Math.min(next, cut))
  }

  #lastNext({ id: stream, first, cuts }: StreamState, point: Point): number {
    const { segments } = this.#table
    const newestCut = cuts?.newestIn(point.segment)
    let next: number | undefined
    for (let at = segments.length - 1; at >= 0 && next === undefined; at--) {
      const { id } = segments[at]!
      if (id > point.segment) continue
      if (newestCut !== undefined && id < newestCut.segment) break
      if (id === point.segment) {
        next = this.#table.indexAt(at).nextBefore(stream, point.offset)
        if (next !== undefined) return next
      } else {
        next =
          this.#memory.next(stream, id) ?? this.#table.indexAt(at).nextBefore(stream, EVERYWHERE)
      }
    }
    next ??= newestCut?.next ?? first
    this.#memory.ends(stream, point.segment - 1, next)
    return next
  }

  /**
   * The entry at a position that is known to be visible.
   * @throws `WALRUS_TRUNCATED_AWAY`, `WALRUS_CORRUPT`
   */
  getSync(stream: StreamState, position: number): LogEntry {
    const since = stream.latestCut
    try {
      const place = this.#locate(stream, position)
      try {
        return this.#readOneSync(place, stream.id, position)
      } catch (error) {
        return this.#readOneSync(
          this.#relocate(place, stream, position, error),
          stream.id,
          position,
        )
      }
    } catch (error) {
      const removed = isMissing(error) && this.#removals?.removed() === true
      throw removed || stream.isGone(position, since) ? gone(stream, position) : error
    }
  }

  /** As `getSync`, in the storage's own memory where it has any. */
  view(stream: StreamState, position: number): LogEntry {
    // No such memory; or an index that leads astray, or a damaged segment, or none: that tells them apart.
    return this.#inMemory(stream, position) ?? this.getSync(stream, position)
  }

  #inMemory(stream: StreamState, position: number): LogEntry | undefined {
    let place: Place
    try {
      place = this.#locate(stream, position)
    } catch {
      return undefined
    }
    const { segment, offset, end } = place
    const memory = segment.memory(end)
    if (memory !== undefined) {
      const { bytes, words } = memory
      const size = frameBytes(frameLength(words, offset))
      const whole =
        (offset & 3) === 0 &&
        offset + size <= end &&
        (!this.#verify ||
          isWhole(bytes, words, offset, offset + size, segment.seed, segment.checksums))
      if (whole && isEntry(words, offset, stream.id, position)) {
        const { path, header } = segment
        return entryAt(bytes, words, offset, position, header.baseTime, path, offset)
      }
    }
    return undefined
  }

  async get(
    stream: StreamState,
    position: number,
    since: number = stream.latestCut,
  ): Promise<LogEntry> {
    try {
      const place = this.#locate(stream, position)
      try {
        return await this.#readOne(place, stream.id, position)
      } catch (error) {
        if (stream.isGone(position, since)) throw error
        const again = this.#relocate(place, stream, position, error)
        return await this.#readOne(again, stream.id, position)
      }
    } catch (error) {
      throw await this.#explain(error, stream, position, since)
    }
  }

  /**
   * Entries from a visible position on, in order: at most `maxEntries`, and about `maxBytes` of log, but always one.
   * `to` is the position after the last one wanted, known to be visible.
   */
  async batch(
    stream: StreamState,
    position: number,
    to: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<LogEntry[]> {
    const since = stream.latestCut
    const entries = await this.#run(stream, position, to, maxEntries, maxBytes).catch(
      async (error: unknown) => {
        throw await this.#explain(error, stream, position, since)
      },
    )
    if (entries.length > 0) return entries
    if (stream.isGone(position, since)) throw gone(stream, position)
    return [await this.get(stream, position, since)]
  }

  /** As `batch`; none when the first one has to be read by itself. */
  async #run(
    stream: StreamState,
    position: number,
    to: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<LogEntry[]> {
    const place = this.#locate(stream, position)
    // Beyond, this segment has what was cut later.
    const end = Math.min(to, stream.cuts?.stretchEnd(position) ?? to)
    const count = Math.min(maxEntries, end - position)
    const offsets = place.index.slice(stream.id, position, count)
    const run = { stream: stream.id, position, offsets, verify: this.#verify }
    return await readRun(place, run, maxBytes)
  }

  /** What to throw for an error that reading a position met: that it is gone, if it is. */
  async #explain(
    error: unknown,
    stream: StreamState,
    position: number,
    since: number,
  ): Promise<unknown> {
    if (isMissing(error)) await this.#removals?.refresh()
    return stream.isGone(position, since) ? gone(stream, position) : error
  }

  #locate(stream: StreamState, position: number): Place {
    const { segments } = this.#table
    const newest = segments.at(-1)!
    const oldest = stream.cuts?.oldestFor(position) ?? 0
    const place =
      stream.id === PLAIN_STREAM
        ? this.#walk(stream, position, this.#table.placeOfPlain(position, oldest), -1, oldest)
        : (this.#near(stream, position, oldest) ??
          this.#walk(stream, position, segments.length - 1, -1, oldest))
    if (place !== undefined) return place
    throw corrupt(
      newest.path,
      0,
      `position ${position} of stream ${stream.id} is in no segment`,
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

  /** Where the frame of an entry that can be read stands. */
  placeOf(
    stream: StreamState,
    position: number,
  ): { readonly file: string; readonly offset: number } {
    const { segment, offset } = this.#locate(stream, position)
    return { file: segment.path, offset }
  }

  /** Looks for an entry of a named stream from where the last one was found. */
  #near(stream: StreamState, position: number, oldest: number): Place | undefined {
    const at = this.#table.placeOf(this.#memory.lastFound(stream.id))
    if (at < 0) return undefined
    const next = this.#indexAt(at, position).nextBefore(stream.id, EVERYWHERE)
    const step = next !== undefined && position >= next ? 1 : -1
    return this.#walk(stream, position, at, step, oldest)
  }

  /** Looks for an entry in one segment after the other, but in none before number `oldest`. */
  #walk(
    { id: stream }: StreamState,
    position: number,
    from: number,
    step: 1 | -1,
    oldest: number,
  ): Place | undefined {
    const { segments } = this.#table
    const point = this.#visible()
    for (let at = from; at >= 0 && at < segments.length; at += step) {
      const segment = segments[at]!
      if (segment.id < oldest) return undefined
      const index = this.#indexAt(at, position)
      const offset = index.find(stream, position)
      if (offset < 0) continue
      if (stream !== PLAIN_STREAM) this.#memory.found(stream, segment.id)
      const { end } = this.#table.endOf(at)
      const limit = segment.id === point.segment ? Math.min(end, point.offset) : end
      return { segment, index, offset, end: limit }
    }
    return undefined
  }

  /** Finds a frame again with an index made anew, or throws `error` when that does not help. */
  #relocate(place: Place, stream: StreamState, position: number, error: unknown): Place {
    const at = this.#table.placeOf(place.segment.id)
    if (at < 0 || place.index !== place.segment.indexFile) throw error
    let index: FrameFinder
    try {
      index = place.segment.rebuild(this.#table.endOf(at))
    } catch (failure) {
      // The segment is damaged, not the index: what was asked for says better where.
      throw hasCode(failure, 'WALRUS_CORRUPT') ? error : failure
    }
    const offset = index.find(stream.id, position)
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

/** What a reader gets whose position has been truncated away. */
export function gone(stream: StreamState, position: number): Error {
  const what = stream.id === PLAIN_STREAM ? 'the plain log' : `stream ${show(stream.name)}`
  return truncatedAway(what, position, stream.first, stream.next)
}

/** Whether a file that was to be read is not there. */
function isMissing(error: unknown): boolean {
  return hasCode(error, 'WALRUS_NOT_FOUND')
}

/** The entry in a frame that was read by itself. */
function entryIn(found: Span, segment: TableSegment, stream: number, position: number): LogEntry {
  const { bytes, words, offset } = found
  if (!isEntry(words, 0, stream, position)) {
    const what = `another frame stands where that of position ${position} must`
    throw corrupt(segment.path, offset, what, position)
  }
  return entryAt(bytes, words, 0, position, segment.header.baseTime, segment.path, offset)
}
