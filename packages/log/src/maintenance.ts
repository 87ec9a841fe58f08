/**
 * What goes on behind the writer's back: syncing, ending segments, writing zeros ahead, the tail file.
 *
 * Jobs run one after another, in the background; a caller who does not let the event loop turn can have them run at
 * once (`finishNow`), so that neither memory nor what a crash puts at risk grows without bound. A failed sync or
 * write here fails the log, with one exception: a disk without space for a seal, an index or zeros, none of which
 * the log needs.
 */

import { encodeSeal, SEAL_BYTES, type Storage, type StorageFile } from '@walrus/segment'
import type { ActiveSegment, PreparedFile } from './active-segment.ts'
import { hasCode } from './errors.ts'
import { writeIndex } from './index-writer.ts'
import { Driver, doLater, doNow, type Operation, type Procedure } from './operation.ts'
import type { Point } from './tail-file.ts'

/** What maintenance needs of the writer. */
export interface Host {
  readonly storage: Storage
  readonly dir: string
  /** Up to where the log is written. */
  readonly written: Point
  /** Everything before `point` is durable. */
  reachedDurable(point: Point): void
  /** The segment's file will not be written any more; its index stands in a file, if there was room for one. */
  ended(segment: ActiveSegment): void
  /** Writes the tail file, durably. */
  tail(): Operation
  fail(error: unknown): void
}

/** A segment with a successor, whose groups are all written. */
interface Ended {
  readonly segment: ActiveSegment
  readonly successor: ActiveSegment
}

export class Maintenance {
  readonly #host: Host
  readonly #jobs: (() => Procedure)[] = []
  readonly #driver: Driver
  #whenIdle: (() => void)[] = []
  readonly #awaitingSync = new Set<() => void>()
  #unsynced: ActiveSegment[] = []
  readonly #ending = new Set<ActiveSegment>()

  constructor(host: Host) {
    this.#host = host
    const failed = (error: unknown): void => {
      if (!hasCode(error, 'WALRUS_DISK_FULL')) host.fail(error)
      this.#next()
    }
    this.#driver = new Driver(() => this.#next(), failed, failed)
  }

  /** Jobs not finished. */
  get backlog(): number {
    return this.#jobs.length + (this.#driver.busy ? 1 : 0)
  }

  /** Notes a segment that groups go into from now on. */
  began(segment: ActiveSegment): void {
    if (!segment.synced) this.#unsynced.push(segment)
  }

  /** Ends a segment in the background. */
  end(ended: Ended): void {
    this.#ending.add(ended.segment)
    this.#add(() => this.#end(ended))
  }

  /** Syncs what is written; resolves when that is durable, or the log has failed. */
  sync(): Promise<void> {
    return new Promise((resolve) => {
      this.#awaitingSync.add(resolve)
      this.#add(() => this.#sync(resolve))
    })
  }

  /** Resolves when nothing is left to do. */
  idle(): Promise<void> {
    if (this.backlog === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
    })
  }

  /** Does everything there is to do without waiting. */
  finishNow(): void {
    this.#driver.finish()
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      this.#driver.finish(job())
    }
    this.#next()
  }

  /** Drops what has not been begun: the log has failed. */
  abandon(): void {
    this.#jobs.length = 0
    for (const resolve of this.#awaitingSync) resolve()
    this.#awaitingSync.clear()
    if (!this.#driver.busy) this.#next()
  }

  /** Closes the files of segments that were not ended because the log has failed. Nothing may be under way. */
  close(): void {
    for (const segment of this.#ending) segment.retire()
  }

  #add(job: () => Procedure): void {
    this.#jobs.push(job)
    if (!this.#driver.busy) this.#next()
  }

  #next(): void {
    const job = this.#jobs.shift()
    if (job !== undefined) {
      this.#driver.start(job())
      return
    }
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  *#sync(done: () => void): Procedure {
    try {
      yield* this.#syncTo(this.#host.written)
    } finally {
      this.#awaitingSync.delete(done)
      done()
    }
  }

  /** Makes everything up to `point` durable, oldest segment first, and says so. */
  *#syncTo(point: Point): Procedure {
    while (this.#unsynced.length > 0) {
      const segment = this.#unsynced[0]!
      if (segment.id > point.segment) break
      yield syncOf(segment.file!)
      if (!segment.nameDurable) {
        yield* this.#syncDir()
        segment.nameDurable = true
      }
      // Later groups go into the segment of the point while this goes on: it stays on the list.
      if (segment.id === point.segment) break
      segment.synced = true
      this.#unsynced.shift()
    }
    this.#host.reachedDurable(point)
  }

  *#syncDir(): Procedure {
    const { storage, dir } = this.#host
    yield { start: () => storage.syncDir(dir), now: () => storage.syncDirSync(dir) }
  }

  /** A seal only once the successor is durable, so that a seal proves its successor. */
  *#end({ segment, successor }: Ended): Procedure {
    const { header, end } = segment
    const start = successor.header
    yield* this.#syncTo({
      lsn: start.firstLsn,
      segment: successor.id,
      salt: start.salt,
      offset: start.firstGroup,
      plainNext: start.plainNext,
    })
    try {
      const seal = encodeSeal(
        {
          id: segment.id,
          endLsn: start.firstLsn,
          end,
          successor: successor.id,
          time: start.baseTime,
          plainNext: start.plainNext,
        },
        segment.seed,
        header.salt,
      )
      const file = segment.file!
      // Zeros still under way to this file would run over the seal. It can do without: the successor's link says all.
      if (segment.front === Number.POSITIVE_INFINITY) {
        yield {
          start: () => file.write(seal, end, true),
          now: () => file.writeSync(seal, end, true),
        }
        yield {
          start: () => file.truncate(end + SEAL_BYTES),
          now: () => file.truncateSync(end + SEAL_BYTES),
        }
        yield syncOf(file)
      }
      const indexed = { ...header, end, endLsn: start.firstLsn }
      yield* writeIndex(this.#host.storage, this.#host.dir, segment.index, indexed)
      yield this.#host.tail()
    } catch (error) {
      if (!hasCode(error, 'WALRUS_DISK_FULL')) throw error
    }
    this.#host.ended(segment)
    this.#ending.delete(segment)
    segment.retire()
  }
}

export function syncOf(file: StorageFile): Operation {
  return { start: () => file.sync(), now: () => file.syncSync() }
}

/** The first window of zeros, and the largest; each is twice the one before. */
const FIRST_WINDOW = 0x4_0000
const LARGEST_WINDOW = 0x40_0000
const ZEROS = new Uint8Array(LARGEST_WINDOW)
/** Zeros that come too late begin this far ahead of what is sequenced, so that nobody need wait for them. */
const HEADWAY = 0x1_0000
/** Groups of this size and more gain nothing from zeros written before (docs/decisions). */
const LARGE_GROUP = 0xc000
const BLOCK = 4096

/**
 * Writes zeros ahead of the groups, and readies the next segment's file, so that a durable write need not grow the
 * file it goes to. Everything works without; nothing here is waited for.
 */
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
    if (ahead < this.#window / 2 && sequenced + HEADWAY < this.#segmentBytes) {
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
