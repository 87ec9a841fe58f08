/**
 * What goes on behind the writer's back: syncing, and ending segments.
 *
 * Jobs run one after another, in the background; a caller who does not let the event loop turn can have them run at
 * once (`finishOldest`), so that neither memory nor what a crash puts at risk grows without bound. A failed sync or
 * write here fails the log, with one exception: a disk without space for a seal or an index, neither of which the log
 * needs.
 */

import { encodeSeal, SEAL_BYTES, type Storage } from '@walrus/segment'
import type { ActiveSegment } from './active-segment.ts'
import { hasCode } from './errors.ts'
import { writeIndex } from './index-writer.ts'
import { Driver, type Procedure, syncOf } from './operation.ts'
import type { Point } from './tail-file.ts'
import type { Watch } from './watch.ts'

/** What maintenance needs of the writer. */
export interface Host {
  readonly storage: Storage
  readonly dir: string
  readonly watch: Watch
  /** Up to where the log is written. */
  readonly written: Point
  /** Everything before `point` is durable. */
  reachedDurable(point: Point): void
  /** The segment's file will not be written any more; its index stands in a file, if there was room for one. */
  ended(segment: ActiveSegment): void
  fail(error: unknown): void
}

/** A segment with a successor, whose groups are all written. */
interface Ended {
  readonly segment: ActiveSegment
  readonly successor: Pick<ActiveSegment, 'id' | 'header'>
}

/** Runs the jobs. */
export class Maintenance {
  readonly #host: Host
  readonly #zerosWritten: () => Promise<void>
  readonly #jobs: (() => Procedure)[] = []
  readonly #driver: Driver
  readonly #awaitingSync = new Set<() => void>()
  #unsynced: ActiveSegment[] = []
  readonly #ending = new Set<ActiveSegment>()

  /** @param zerosWritten resolves when no zeros are under way to any segment's file */
  constructor(host: Host, zerosWritten: () => Promise<void>) {
    this.#host = host
    this.#zerosWritten = zerosWritten
    const failed = (error: unknown): void => {
      if (!hasCode(error, 'WALRUS_DISK_FULL')) host.fail(error)
    }
    const ended = (error: unknown): void => {
      failed(error)
      this.#next()
    }
    this.#driver = new Driver(() => this.#next(), ended, failed)
  }

  /** Jobs not finished. */
  get backlog(): number {
    return this.#jobs.length + (this.#driver.busy ? 1 : 0)
  }

  /** Number of the oldest segment that is not ended. */
  get oldestBusy(): number {
    return Math.min(...[...this.#ending, ...this.#unsynced].map(({ id }) => id))
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

  /** As `sync`, without waiting. */
  syncNow(): void {
    void this.sync()
    this.finishOldest(1)
  }

  /** Resolves when nothing is left to do, and nothing under way that was done at once meanwhile. */
  idle(): Promise<void> {
    return this.#driver.idle()
  }

  /** Does the oldest jobs without waiting, until fewer than `most` are left; one of those goes on in the background. */
  finishOldest(most: number): void {
    this.#driver.finish()
    while (this.#jobs.length >= most) this.#driver.finish(this.#jobs.shift()!())
    this.#next()
  }

  /** Drops what has not been begun: the log has failed. */
  abandon(): void {
    this.#jobs.length = 0
    for (const resolve of this.#awaitingSync) resolve()
    this.#awaitingSync.clear()
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
    if (job !== undefined) this.#driver.start(job())
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
    const begun = this.#host.watch.begin()
    try {
      yield* this.#syncSegments(point)
    } catch (error) {
      // A failed sync is final, also one that failed for lack of space.
      this.#host.fail(error)
      throw error
    }
    this.#host.reachedDurable(point)
    this.#host.watch.synced(begun, point.lsn)
  }

  *#syncSegments(point: Point): Procedure {
    for (const segment of this.#unsynced.filter(({ id }) => id <= point.segment)) {
      // It has a successor: all its groups are written.
      const complete = segment !== this.#unsynced.at(-1)
      yield syncOf(segment.file!)
      if (!segment.nameDurable) {
        yield* this.#syncDir()
        segment.nameDurable = true
      }
      // Later groups go into it while this goes on: it stays on the list.
      if (!complete) return
      segment.synced = true
      this.#unsynced.shift()
    }
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
      // Zeros still under way to this file would run over the seal. Who cannot wait for them leaves it out.
      yield { start: this.#zerosWritten, now: () => {} }
      if (segment.front === Number.POSITIVE_INFINITY) {
        yield {
          start: () => file.write(seal, end, false),
          now: () => file.writeSync(seal, end, false),
        }
        yield {
          start: () => file.truncate(end + SEAL_BYTES),
          now: () => file.truncateSync(end + SEAL_BYTES),
        }
        yield syncOf(file)
      }
      const indexed = { ...header, end, endLsn: start.firstLsn }
      yield* writeIndex(this.#host.storage, this.#host.dir, segment.index, indexed)
    } catch (error) {
      if (!hasCode(error, 'WALRUS_DISK_FULL')) throw error
    }
    this.#host.ended(segment)
    this.#ending.delete(segment)
    segment.retire()
  }
}
