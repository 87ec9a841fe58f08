/**
 * The index of a segment: for each stream in it, which positions it has and where their frames begin.
 *
 * In memory while the segment is being appended to or scanned; `encodeIndex` gives the bytes of its file
 * (docs/format.md, "Index"). Offsets are below 4 GiB, so that they fit 32 bits. A frame that a later one in the
 * segment makes void (docs/format.md, "Stream bounds") is not in it.
 */

import { readBounds } from './bounds.ts'
import {
  CATALOG_STREAM,
  FrameKind,
  frameBytes,
  frameKind,
  frameLength,
  framePosition,
  frameStream,
} from './frame.ts'
import { GROUP_HEADER_BYTES } from './group.ts'
import type { ScannedGroup } from './scan.ts'

/** One frame's place for each adjacent position of a stream: `offsets[start + i]` is that of `first + i`. */
interface Run {
  readonly first: number
  readonly start: number
}

const FIRST_CAPACITY = 8
/** What an object of two numbers takes in an array, and what a sample does. */
const RUN_BYTES = 40
const SAMPLE_BYTES = 48

/** The frames of one stream in one segment, in order of position. Positions never repeat; gaps start a new run. */
export class Postings {
  #offsets = new Uint32Array(FIRST_CAPACITY)
  #runs: Run[] = []
  count = 0
  /** The position after the last one. */
  next = 0

  get first(): number {
    return this.#runs[0]?.first ?? this.next
  }

  add(position: number, offset: number): void {
    if (position !== this.next || this.count === 0) {
      this.#runs.push({ first: position, start: this.count })
    }
    if (this.count === this.#offsets.length) this.#grow()
    this.#offsets[this.count++] = offset
    this.next = position + 1
  }

  /** Adds what other postings have, all of it behind what is here. */
  addAll(later: Postings): void {
    for (const { first, start } of later.#runs) {
      const end = later.#runs.find((run) => run.start > start)?.start ?? later.count
      for (let at = start; at < end; at++) this.add(first + (at - start), later.#offsets[at]!)
    }
  }

  /**
   * Adds the frames of a group from the one at byte `at` on, for as long as they are of one stream: at most `most`.
   * `shift` leads from their places in memory to those in the file. Returns where in memory the next frame begins.
   */
  addFrames(words: Int32Array, at: number, shift: number, most: number): number {
    const stream = frameStream(words, at)
    while (this.count + most > this.#offsets.length) this.#grow()
    const offsets = this.#offsets
    const last = this.count + most
    let { count, next } = this
    let end = at
    do {
      const position = framePosition(words, end)
      if (position !== next || count === 0) this.#runs.push({ first: position, start: count })
      offsets[count++] = end + shift
      next = position + 1
      end += frameBytes(frameLength(words, end))
    } while (count < last && frameStream(words, end) === stream)
    this.count = count
    this.next = next
    return end
  }

  /** The offset of the frame at `position`; -1 when it is not here. */
  find(position: number): number {
    for (let number = this.#runs.length - 1; number >= 0; number--) {
      const run = this.#runs[number]!
      if (position < run.first) continue
      const at = run.start + (position - run.first)
      const end = this.#runs[number + 1]?.start ?? this.count
      return at < end ? this.#offsets[at]! : -1
    }
    return -1
  }

  /** The offsets of up to `count` adjacent positions from `position` on; fewer where they end. */
  slice(position: number, count: number): Uint32Array {
    for (let number = this.#runs.length - 1; number >= 0; number--) {
      const run = this.#runs[number]!
      if (position < run.first) continue
      const at = run.start + (position - run.first)
      const end = this.#runs[number + 1]?.start ?? this.count
      return this.#offsets.slice(Math.min(at, end), Math.min(at + count, end))
    }
    return new Uint32Array(0)
  }

  /** The position after the last one whose frame begins before `offset`; `undefined` if there is none. */
  nextBefore(offset: number): number | undefined {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#offsets[middle]! < offset) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    const run = this.#runs.findLast((candidate) => candidate.start < low)!
    return run.first + (low - run.start)
  }

  /** Forgets every position from `position` on. */
  cut(position: number): void {
    while (this.#runs.length > 0 && this.#runs.at(-1)!.first >= position) {
      this.count = this.#runs.pop()!.start
    }
    const run = this.#runs.at(-1)
    if (run !== undefined) this.count = Math.min(this.count, run.start + (position - run.first))
    // In a gap, or beyond the end: not `position`, or adding it would count it to the run before.
    this.next = run === undefined ? position : run.first + (this.count - run.start)
  }

  runs(): { first: number; count: number }[] {
    return this.#runs.map((run, number) => ({
      first: run.first,
      count: (this.#runs[number + 1]?.start ?? this.count) - run.start,
    }))
  }

  /** Bytes it takes in memory, about. */
  get memoryBytes(): number {
    return this.#offsets.byteLength + this.#runs.length * RUN_BYTES
  }

  offsets(): Uint32Array {
    return this.#offsets.subarray(0, this.count)
  }

  #grow(): void {
    const larger = new Uint32Array(this.#offsets.length * 2)
    larger.set(this.#offsets)
    this.#offsets = larger
  }
}

/** A group to begin reading at, when looking for an LSN or a time. */
export interface Sample {
  readonly offset: number
  /** Milliseconds since the segment's base time. */
  readonly time: number
  /** LSN of the group's first frame, counted from the segment's first. */
  readonly lsn: number
}

/** A place in the segment where the end of a stream was cut. */
interface Cut {
  readonly stream: number
  readonly next: number
  /** Of the frame that says so. */
  readonly offset: number
}

/** Bytes between samples, about. */
const SAMPLE_EVERY = 0x1_0000

/** The index of a segment, in memory. */
export class SegmentIndex {
  readonly #streams = new Map<number, Postings>()
  #samples: Sample[] = []
  /** Those that were scanned or merged, oldest first. */
  #cuts: Cut[] = []

  /** The postings of a stream, begun when there are none yet. */
  stream(stream: number): Postings {
    let postings = this.#streams.get(stream)
    if (postings === undefined) {
      postings = new Postings()
      this.#streams.set(stream, postings)
    }
    return postings
  }

  find(stream: number, position: number): number {
    return this.#streams.get(stream)?.find(position) ?? -1
  }

  slice(stream: number, position: number, count: number): Uint32Array {
    return this.#streams.get(stream)?.slice(position, count) ?? new Uint32Array(0)
  }

  /** Notes every frame of a group in memory. */
  addScanned(group: ScannedGroup, baseTime: number, firstLsn: number): void {
    const { words, header } = group
    this.addGroup(group.offset, header.time - baseTime, header.firstLsn - firstLsn)
    const shift = group.offset - group.at
    let at = group.at + GROUP_HEADER_BYTES
    for (let left = header.count; left > 0; ) {
      const stream = frameStream(words, at)
      const postings = this.stream(stream)
      const before = postings.count
      const end = postings.addFrames(words, at, shift, left)
      left -= postings.count - before
      if (stream === CATALOG_STREAM) this.#boundBy(words, at, end, shift)
      at = end
    }
  }

  /** The position after the last frame of a stream that begins before `offset`; `undefined` if there is none. */
  nextBefore(stream: number, offset: number): number | undefined {
    return this.#streams.get(stream)?.nextBefore(offset)
  }

  /**
   * Where a stream stands at `offset`, going by its frames and cuts before that; `undefined` if it has neither. No
   * stream may have been cut behind it (`cutsFrom`).
   */
  nextAt(stream: number, offset: number): number | undefined {
    const cut = this.#cuts.findLast((each) => each.stream === stream && each.offset < offset)
    return this.nextBefore(stream, offset) ?? cut?.next
  }

  /** Whether a stream was cut at `offset` or behind it: then what the index was before that is not known. */
  cutsFrom(offset: number): boolean {
    return this.#cuts.some((cut) => cut.offset >= offset)
  }

  /** Takes in what was scanned of the same segment behind what is here. */
  merge(later: SegmentIndex): void {
    for (const { stream, next } of later.#cuts) this.#streams.get(stream)?.cut(next)
    this.#cuts.push(...later.#cuts)
    for (const [stream, postings] of later.#streams) this.stream(stream).addAll(postings)
    for (const { offset, time, lsn } of later.#samples) this.addGroup(offset, time, lsn)
  }

  /** For each stream here its first position, and the one after its last. */
  heads(): { stream: number; first: number; next: number }[] {
    return this.streams().map(([stream, { first, next }]) => ({ stream, first, next }))
  }

  /** Notes a group, if it is time for a sample. */
  addGroup(offset: number, time: number, lsn: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && offset - last.offset < SAMPLE_EVERY) return
    this.#samples.push({ offset, time, lsn })
  }

  /** Forgets everything from `offset` on. No stream may have been cut there (`cutsFrom`), unless nothing is kept. */
  cutAt(offset: number): void {
    for (const postings of this.#streams.values()) {
      postings.cut(postings.nextBefore(offset) ?? postings.first)
    }
    this.#cuts = this.#cuts.filter((cut) => cut.offset < offset)
    this.cutGroups(offset)
  }

  /** Forgets samples from `offset` on. */
  cutGroups(offset: number): void {
    this.#samples = this.#samples.filter((sample) => sample.offset < offset)
  }

  samples(): readonly Sample[] {
    return this.#samples
  }

  /** Bytes it takes in memory, about. */
  get memoryBytes(): number {
    let bytes = this.#samples.length * SAMPLE_BYTES
    for (const postings of this.#streams.values()) bytes += postings.memoryBytes
    return bytes
  }

  /** Applies the stream bounds among the frames of the catalog from `at` to `end`. */
  #boundBy(words: Int32Array, at: number, end: number, shift: number): void {
    for (let frame = at; frame < end; frame += frameBytes(frameLength(words, frame))) {
      if (frameKind(words, frame) === FrameKind.streamBounds) {
        this.#bound(words, frame, frame + shift)
      }
    }
  }

  /** Applies the stream bounds in the frame at `at`, which begins at `offset` of the segment. */
  #bound(words: Int32Array, at: number, offset: number): void {
    const bounds = readBounds(words, at)
    // What cannot be has no effect here: whoever reads the catalog refuses it.
    if (bounds === undefined || !bounds.cut) return
    const { stream, next } = bounds
    this.#streams.get(stream)?.cut(next)
    this.#cuts.push({ stream, next, offset })
  }

  /** Streams in ascending order, those without a frame left out. */
  streams(): [number, Postings][] {
    return [...this.#streams]
      .filter(([, postings]) => postings.count > 0)
      .sort((a, b) => a[0] - b[0])
  }
}
