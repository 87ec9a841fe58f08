/**
 * Zeros written ahead of the groups, and the next segment's file made ready, so that a durable write need not grow
 * the file it goes to (docs/format.md, "Zeros written ahead"). Everything works without; nothing here is waited for.
 */

import type { ActiveSegment, PreparedFile } from './active-segment.ts'
import { hasCode } from './errors.ts'
import type { Host } from './maintenance.ts'
import { doLater, doNow, type Procedure, syncOf } from './operation.ts'

/** The first window of zeros, and the largest; each is twice the one before. */
const FIRST_WINDOW = 0x4_0000
const LARGEST_WINDOW = 0x40_0000
const ZEROS = new Uint8Array(LARGEST_WINDOW)
/** Zeros that come too late begin this far ahead of what is sequenced, so that nobody need wait for them. */
const HEADWAY = 0x1_0000
/**
 * Groups of this size and more gain too little from zeros to write everything twice for it (measured, 68 KB groups:
 * 1.0 to 1.1 times the rate; 200-byte groups: 1.4 times).
 */
const LARGE_GROUP = 0xc000
const BLOCK = 4096

export class ZeroAhead {
  readonly #host: Host
  readonly #segmentBytes: number
  readonly #enabled: boolean
  readonly #frontMoved: () => void
  readonly #nextPath: () => string
  #running: Promise<void> | undefined
  #window = FIRST_WINDOW
  #groupSize = 0
  #prepared: PreparedFile | undefined
  #noSpace = false

  constructor(
    host: Host,
    segmentBytes: number,
    enabled: boolean,
    frontMoved: () => void,
    nextPath: () => string,
  ) {
    this.#host = host
    this.#segmentBytes = segmentBytes
    this.#enabled = enabled
    this.#frontMoved = frontMoved
    this.#nextPath = nextPath
  }

  /**
   * After a group of `size` bytes was written to `segment`, whose sequenced bytes end at `sequenced`.
   * @param now whether the caller does not let the event loop turn, so that it is to be done at once
   */
  poke(segment: ActiveSegment, sequenced: number, size: number, now: boolean): void {
    if (!this.#enabled) return
    this.#groupSize += (size - this.#groupSize) / 8
    if (this.#running !== undefined || this.#noSpace || this.#groupSize >= LARGE_GROUP) return
    if (segment.file === undefined) return
    const ahead = segment.zeroedTo - sequenced
    const more = Math.max(segment.zeroedTo, sequenced + HEADWAY) < this.#segmentBytes
    if (more && ahead < this.#window / 2) {
      const extension = this.#extend(segment, sequenced, now)
      if (now) this.#attemptNow(extension)
      else this.#running = this.#attempt(doLater(extension))
    } else if (now) {
      return
    } else if (
      this.#prepared === undefined &&
      this.#segmentBytes - sequenced < this.#segmentBytes / 2
    ) {
      this.#running = this.#attempt(this.#prepare())
    }
  }

  /** The file made ready for the next segment, if there is one; it is the caller's from now on. */
  take(): PreparedFile | undefined {
    this.#noSpace = false
    // One still being zeroed cannot be used: the zeros might land on what is written.
    if (this.#running !== undefined) return undefined
    const prepared = this.#prepared
    this.#prepared = undefined
    return prepared
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  *#extend(segment: ActiveSegment, sequenced: number, now: boolean): Procedure {
    const late = sequenced + HEADWAY > segment.zeroedTo
    const begin = now ? sequenced : sequenced + HEADWAY
    const from = late ? Math.ceil(begin / BLOCK) * BLOCK : segment.zeroedTo
    const to = Math.min(from + this.#window, this.#segmentBytes)
    if (to <= from) return
    const file = segment.file!
    const zeros = ZEROS.subarray(0, to - from)
    segment.front = from
    this.#frontMoved()
    try {
      yield {
        start: () => file.write(zeros, from, false),
        now: () => file.writeSync(zeros, from, false),
      }
      if (segment.retired) return
      yield syncOf(file)
      segment.zeroedTo = to
      this.#window = Math.min(this.#window * 2, LARGEST_WINDOW)
    } finally {
      segment.front = Number.POSITIVE_INFINITY
      if (segment.retired) segment.retire()
    }
  }

  async #prepare(): Promise<void> {
    const path = this.#nextPath()
    const file = await this.#host.storage.open(path, 'create')
    this.#prepared = { file, path, zeroedTo: 0 }
    await file.write(ZEROS.subarray(0, FIRST_WINDOW), 0, false)
    await file.sync()
    if (this.#prepared?.file === file) this.#prepared = { file, path, zeroedTo: FIRST_WINDOW }
  }

  async #attempt(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#stopped(error)
    }
    this.#running = undefined
    this.#frontMoved()
  }

  #attemptNow(extension: Procedure): void {
    try {
      doNow(extension)
    } catch (error) {
      this.#stopped(error)
    }
    this.#frontMoved()
  }

  /** Without space there are no zeros; the appends will say so when they need it themselves. */
  #stopped(error: unknown): void {
    this.#noSpace = true
    if (!hasCode(error, 'WALRUS_DISK_FULL')) this.#host.fail(error)
  }
}
