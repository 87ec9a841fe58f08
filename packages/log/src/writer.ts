/**
 * The writer: carries sequenced groups to the disk, and answers those who wait for them.
 *
 * One group is under way at a time; the next one fills meanwhile (group commit). Invariants:
 * - Groups are written in the order they were sequenced; a group is acknowledged only when every earlier one is.
 * - A group is acknowledged as durable only after its own durable write, or after a sync begun when it was written.
 * - After a failed write or sync nothing more is written; everyone who waits, and everyone who comes, gets the
 *   first failure. A disk without space is different: what was sequenced and not promised is taken back.
 */

import type { EncodedAttributes, Storage, StorageFile, Timer } from '@walrus/segment'
import type { ActiveSegment } from './active-segment.ts'
import { Addition } from './addition.ts'
import type { Place } from './admission.ts'
import type { StreamState } from './catalog.ts'
import type { Chain } from './chain.ts'
import type { Commit } from './commit.ts'
import { closedError, failedError, hasCode } from './errors.ts'
import type { EntryFormat } from './entry-format.ts'
import { FullDisk, type FullDiskHost } from './full-disk.ts'
import { commitLarge, type Large, type LargeHost } from './large-commit.ts'
import { Driver, type Procedure } from './operation.ts'
import type { ResolvedOptions } from './options.ts'
import { type PendingGroup, rejectAll } from './pending-group.ts'
import type { Sequencer } from './sequencer.ts'
import type { Point, TailFile } from './tail-file.ts'
import { Turns, type TurnsHost } from './turns.ts'
import type { Watch } from './watch.ts'
import { type FilesStart, WriterFiles } from './writer-files.ts'

/** What `appendSync` without durability may keep in memory, in bytes; also what is written without a thread. */
const SYNC_BUFFER_BYTES = 0x4_0000

/** What the writer tells the log. */
export interface WriterEvents {
  /** Groups go into this segment from now on. */
  began(segment: ActiveSegment): void
  /** A segment has come into the log that no more groups go into. */
  added(id: number): void
  /** A segment will not be written any more. */
  ended(segment: ActiveSegment): void
  /** More can be read. */
  advanced(): void
}

/** Where a writer begins. */
export interface WriterStart extends FilesStart {
  readonly written: Point
}

export class Writer implements LargeHost, TurnsHost, FullDiskHost {
  readonly storage: Storage
  readonly dir: string
  readonly sequencer: Sequencer
  readonly segmentBytes: number
  readonly format: EntryFormat
  readonly watch: Watch
  readonly #options: ResolvedOptions
  readonly #events: WriterEvents
  readonly #driver: Driver
  readonly #turns: Turns
  readonly #files: WriterFiles
  readonly #full: FullDisk
  readonly #durably: boolean
  #written: Point
  #durable: Point
  #failure: Error | undefined
  #closed = false
  /** Whether nothing may be written any more because it has been closed. */
  #over = false
  #flushing = false
  #soon = false
  #synchronous = false
  #whenSettled: (() => void)[] = []
  #syncTimer: Timer | undefined

  constructor(
    dir: string,
    options: ResolvedOptions,
    sequencer: Sequencer,
    tail: TailFile,
    start: WriterStart,
    events: WriterEvents,
  ) {
    this.dir = dir
    this.storage = options.storage
    this.watch = options.watch
    this.sequencer = sequencer
    this.#options = options
    this.#events = events
    this.#durably = options.durability === 'commit'
    this.#written = start.written
    this.#durable = start.written
    this.#driver = new Driver(
      // After those who were just answered have had their turn: what they append goes into the next group.
      () => this.flushSoon(),
      (error) => this.#stopped(error),
      (error) => {
        // What was taken over has been done again; that it failed where it was is news only if it was no lack of space.
        if (!hasCode(error, 'WALRUS_DISK_FULL')) this.fail(error)
      },
    )
    const { segmentBytes, bufferBytes } = options
    this.segmentBytes = segmentBytes
    this.format = options.format
    this.#turns = new Turns(this, bufferBytes)
    this.#files = new WriterFiles(this, { segmentBytes, durably: this.#durably }, tail, start)
    this.#full = new FullDisk(this, this.#files, this.#driver)
  }

  /** Writes down durably where this writer begins. */
  async noteStart(): Promise<void> {
    await this.#files.tail.begun()
  }

  get written(): Point {
    return this.#written
  }

  get durable(): Point {
    return this.#durable
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  get synchronous(): boolean {
    return this.#synchronous
  }

  /** Number of the oldest segment whose files are not finished. */
  get oldestBusy(): number {
    return Math.min(this.#files.active.id, this.#files.maintenance.oldestBusy)
  }

  /** Whether there are commits whose turn to be sequenced has not come. */
  get crowded(): boolean {
    return this.#turns.waiting
  }

  /** Resolves when every segment that has a successor is finished. */
  segmentsEnded(): Promise<void> {
    return this.#files.maintenance.idle()
  }

  /** Writes down durably that the log begins with another segment. */
  async moveOldest(id: number): Promise<void> {
    try {
      await this.#files.tail.moveOldest(id)
    } catch (error) {
      if (!hasCode(error, 'WALRUS_DISK_FULL')) this.fail(error)
      throw error
    }
  }

  /** Sequences one entry and resolves to its position once it is acknowledged. */
  append(
    stream: StreamState,
    data: Uint8Array,
    attributes: EncodedAttributes | undefined,
  ): Promise<number> {
    if (this.watch.ofAppends) {
      return this.commit(new Addition(stream, [{ bytes: data, attributes }], this.#options.format))
    }
    if (attributes === undefined && stream.id === 0) {
      const index = this.sequencer.addPlain(data)
      if (index >= 0) {
        this.flushAgain()
        return this.sequencer.group.wait(index)
      }
    }
    return this.commit(new Addition(stream, [{ bytes: data, attributes }], this.#options.format))
  }

  /** Sequences entries, all in one group, and resolves to the first one's position once that is acknowledged. */
  commit(commit: Commit, place?: Place): Promise<number> {
    if (this.watch.ofAppends && commit.entries > 0) {
      return this.watch.append(commit.entries, () => this.#take(commit, place))
    }
    return this.#take(commit, place)
  }

  #take(commit: Commit, place: Place | undefined): Promise<number> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    const answer = this.#turns.take(commit)
    if (answer === undefined) return this.#turns.wait(commit, place)
    this.flushAgain()
    return answer
  }

  /** Sequences one entry and returns its position: written, or durable, or under `none` soon to be written. */
  appendSync(
    stream: StreamState,
    data: Uint8Array,
    attributes: EncodedAttributes | undefined,
  ): number {
    const sequencer = this.sequencer
    if (this.#options.durability === 'none' && !this.watch.ofAppends) {
      if (
        attributes === undefined &&
        stream.id === 0 &&
        sequencer.group.builder.end + data.length < SYNC_BUFFER_BYTES
      ) {
        const index = sequencer.addPlain(data)
        if (index >= 0) {
          sequencer.group.promised = true
          if (!this.#soon) this.#flushWhenTurned()
          return index
        }
      }
    }
    return this.commitSync(
      new Addition(stream, [{ bytes: data, attributes }], this.#options.format),
    )
  }

  /** As `commit`, blocking; not for a large one. */
  commitSync(commit: Commit): number {
    if (this.watch.ofAppends && commit.entries > 0) {
      return this.watch.appendSync(commit.entries, () => this.#takeSync(commit))
    }
    return this.#takeSync(commit)
  }

  #takeSync(commit: Commit): number {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    const sequencer = this.sequencer
    const unsynced = this.#options.durability === 'none'
    if (!unsynced && this.#full.blocked !== undefined) throw this.#full.blocked
    const pending = sequencer.pendingBytes
    if (this.#turns.waiting || pending + commit.room(sequencer) > SYNC_BUFFER_BYTES)
      this.flushSync()
    const conflict = commit.refusal()
    if (conflict !== undefined || commit.empty) {
      if (!unsynced) this.flushSync()
      if (conflict !== undefined) throw conflict
      return this.#turns.settleEmpty(commit)
    }
    sequencer.reserve(commit.room(sequencer), false)
    const value = this.#turns.sequence(commit)
    if (this.#failure !== undefined) throw this.#failure
    if (!unsynced || sequencer.pendingBytes > SYNC_BUFFER_BYTES) {
      this.flushSync()
    } else {
      sequencer.group.promised = true
      if (!this.#soon) this.#flushWhenTurned()
    }
    return value
  }

  /** Writes everything sequenced, and everything waiting to be, without waiting. */
  flushSync(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#full.blocked !== undefined) throw this.#full.blocked
    const uncut = this.#full.cut()
    if (uncut !== undefined) throw uncut
    this.#synchronous = true
    try {
      do {
        // The write under way is done again here, and may come to its own end much later.
        const underWay = this.sequencer.queue[0]
        if (this.#driver.busy && underWay !== undefined) underWay.lent = true
        this.#driver.finish()
        for (;;) {
          if (this.sequencer.queue.length === 0) this.sequencer.close()
          const group = this.sequencer.queue[0]
          if (group === undefined) break
          this.#driver.finish(this.#commit(group))
        }
        this.#admit()
        const { large } = this.#turns
        if (large !== undefined) this.#driver.finish(commitLarge(this, this.#files, large))
      } while (this.#unwritten())
      this.#settle()
    } catch (error) {
      this.#stopped(error)
      throw this.#failure ?? error
    } finally {
      this.#synchronous = false
      this.#flushing = false
    }
  }

  /** Makes everything sequenced before the call durable. */
  async sync(): Promise<void> {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    const lsn = this.sequencer.nextLsn
    await this.settled()
    // What was taken back meanwhile for lack of space has been refused: there is nothing of it to be made durable.
    const until = this.#failure === undefined ? Math.min(lsn, this.#written.lsn) : lsn
    if (this.#durable.lsn < until && this.#failure === undefined) {
      await this.#files.maintenance.sync()
    }
    if (this.#durable.lsn < until) throw this.#failure ?? closedError()
  }

  /**
   * Resolves when nothing sequenced or waiting is unwritten, or the log has failed.
   * @throws `WALRUS_DISK_FULL` when entries that were promised cannot be written for lack of space
   */
  async settled(): Promise<void> {
    while (this.#failure === undefined && (this.#driver.busy || this.#unwritten())) {
      await new Promise<void>((resolve) => {
        this.#whenSettled.push(resolve)
        this.flushAgain()
      })
      if (this.#full.full !== undefined) throw this.#full.full
    }
  }

  /**
   * Writes and syncs everything and leaves the files as a clean close does; releases them in any case.
   * @throws the log's failure, if it has failed
   */
  async close(): Promise<void> {
    this.#closed = true
    this.sequencer.close()
    try {
      try {
        if (this.#full.full === undefined) await this.settled()
        else this.flushSync()
        // It has its turn behind the segments that are being ended.
        if (this.#failure === undefined) void this.#files.maintenance.sync()
      } finally {
        this.#over = true
        this.#syncTimer?.cancel()
        this.#full.end()
        // Of a log that has failed a group may still be under way.
        await this.#driver.idle()
        await this.#files.zeroAhead.idle()
        await this.#files.maintenance.idle()
      }
      const uncut = this.#full.cut()
      if (uncut !== undefined) throw uncut
      if (this.#failure === undefined) await this.#files.leaveClean(this.#written)
    } catch (error) {
      this.sequencer.close()
      this.#reject(error)
      if (hasCode(error, 'WALRUS_DISK_FULL')) throw error
      this.fail(error)
    } finally {
      await this.#files.release()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  reachedDurable(point: Point): void {
    // A sync speaks of where the log was when it began.
    if (point.lsn < this.#durable.lsn) return
    this.#durable = point
    this.#files.tail.soon()
    this.#events.advanced()
  }

  began(segment: ActiveSegment): void {
    this.#events.began(segment)
  }

  added(id: number): void {
    this.#events.added(id)
  }

  ended(segment: ActiveSegment): void {
    this.#events.ended(segment)
  }

  frontMoved(): void {
    this.sequencer.updateLimit()
    this.#admit()
  }

  fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = failedError(error)
    this.watch.failed(error)
    this.sequencer.close()
    this.#reject(this.#failure)
    this.#files.maintenance.abandon()
    this.#events.advanced()
    this.#settle()
  }

  #reject(error: unknown): void {
    rejectAll(this.sequencer.queue, error)
    this.#turns.large?.reject(error)
    this.#turns.reject(error)
  }

  #refusal(): Error | undefined {
    if (this.#failure !== undefined) return this.#failure
    if (this.#closed) return closedError()
    const uncut = this.#full.cut()
    if (uncut !== undefined) return uncut as Error
    if (this.#full.full === undefined) return undefined
    // The disk was full, and entries already promised wait for it: they go first.
    try {
      this.flushSync()
    } catch (error) {
      return error as Error
    }
    return this.#failure
  }

  #unwritten(): boolean {
    return this.sequencer.pendingBytes > 0 || this.#turns.waiting
  }

  /** Starts what is to be written in this turn of the event loop. */
  flushSoon(): void {
    this.#flushing = true
    queueMicrotask(() => this.#flush())
  }

  /** The same, unless something is about to be written, or being written. */
  flushAgain(): void {
    if (!this.#flushing) this.flushSoon()
  }

  #flushWhenTurned(): void {
    this.#soon = true
    this.storage.env.soon(() => {
      this.#soon = false
      if (!this.#flushing) this.#flush()
    })
  }

  /** Starts the next group, unless one is under way: its end leads here again. */
  #flush(): void {
    // What could not be kept when it was closed is not written later: the log may be another writer's then.
    if (this.#over) return
    if (this.#driver.busy || this.#failure !== undefined || this.#full.blocked !== undefined) return
    const uncut = this.#full.cut()
    if (uncut !== undefined) {
      this.#stopped(uncut)
      return
    }
    this.#admit()
    const { queue } = this.sequencer
    if (queue.length === 0) this.sequencer.close()
    const group = queue[0]
    const { large } = this.#turns
    this.#flushing = group !== undefined || large !== undefined
    if (group !== undefined) this.#driver.start(this.#commit(group))
    else if (large !== undefined) this.#driver.start(commitLarge(this, this.#files, large))
    else if (!this.#unwritten()) this.#settle()
  }

  #admit(): void {
    if (this.#turns.admit()) this.flushAgain()
  }

  #settle(): void {
    const waiting = this.#whenSettled
    this.#whenSettled = []
    for (const resolve of waiting) resolve()
  }

  /** Writes one group, and before it the segment it begins, if it does. */
  *#commit(group: PendingGroup): Procedure {
    const { segment, offset } = group
    const durable = this.#durably
    const begun = this.watch.begin()
    if (segment.file === undefined) {
      yield* this.#files.begin(segment)
      // Its head is part of the log, also when there is no space for the group.
      const { id, header, writtenEnd } = segment
      this.#written = {
        lsn: header.firstLsn + header.catalogFrames,
        segment: id,
        salt: header.salt,
        offset: writtenEnd,
        plainNext: header.plainNext,
      }
      if (durable) this.reachedDurable(this.#written)
    }
    const file = segment.file!
    const bytes = this.sequencer.seal(group, this.#durable.lsn)
    yield {
      start: durable
        ? () => file.write(bytes, offset, true)
        : () => this.#writeUnsynced(file, bytes, offset),
      now: () => file.writeSync(bytes, offset, durable),
    }
    const end = offset + group.size
    segment.writtenEnd = end
    this.#written = {
      lsn: group.endLsn,
      segment: segment.id,
      salt: segment.header.salt,
      offset: end,
      plainNext: group.plainNext,
    }
    this.#full.hadSpace()
    this.sequencer.written()
    if (durable) this.reachedDurable(this.#written)
    else this.#unsyncedWritten()
    group.acknowledge()
    const { endLsn: lsn, firstLsn, size } = group
    this.watch.committed(begun, { lsn, frames: lsn - firstLsn, bytes: size, durable })
    this.#files.zeroAhead.poke(segment, this.#sequencedEnd(), group.size, this.#synchronous)
  }

  committed(chain: Chain): void {
    const { catalog } = this.sequencer
    const segment = chain.last!
    this.sequencer.goOn(segment, chain.endLsn, chain.bytes)
    this.#files.adopt(chain)
    this.#turns.largeEnded()
    this.#written = {
      lsn: chain.endLsn,
      segment: segment.id,
      salt: segment.header.salt,
      offset: segment.end,
      plainNext: catalog.plain.next,
    }
  }

  refused(large: Large, error: unknown): void {
    this.#turns.largeEnded()
    large.reject(error)
  }

  /** Small writes that need no sync are quicker done than handed to a thread. */
  async #writeUnsynced(file: StorageFile, bytes: Uint8Array, offset: number): Promise<void> {
    if (bytes.length <= SYNC_BUFFER_BYTES) file.writeSync(bytes, offset, false)
    else await file.write(bytes, offset, false)
  }

  #sequencedEnd(): number {
    const { segment, sequencedEnd } = this.sequencer
    const { active } = this.#files
    // Where the sequencer has gone on to the next one, groups for this one may still be waiting.
    return segment === active ? sequencedEnd : active.end
  }

  /** A write failed. Tells everyone whom it concerns. */
  #stopped(error: unknown): void {
    this.#flushing = false
    if (this.#failure !== undefined) return
    if (!hasCode(error, 'WALRUS_DISK_FULL')) this.fail(error)
    // Those who waited behind what was taken back are refused with it: what was handed over first is never overtaken.
    else if (this.#full.found(error)) this.#turns.reject(this.#failure ?? error)
    this.#settle()
  }

  #unsyncedWritten(): void {
    this.#events.advanced()
    const { durability } = this.#options
    if (typeof durability !== 'object' || this.#syncTimer !== undefined) return
    this.#syncTimer = this.storage.env.after(durability.everyMs, () => {
      this.#syncTimer = undefined
      if (this.#failure === undefined) void this.#files.maintenance.sync()
    })
  }
}
