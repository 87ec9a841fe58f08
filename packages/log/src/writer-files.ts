/**
 * The files one writer writes to: the segment that groups go into, the one made ready to follow it, the tail file.
 */

import type { Storage } from '@walrus/segment'
import { type ActiveSegment, createSegment, type PreparedFile } from './active-segment.ts'
import type { Chain } from './chain.ts'
import { hasCode } from './errors.ts'
import { writeIndex } from './index-writer.ts'
import { type Host, Maintenance } from './maintenance.ts'
import { indexPath, unfinishedSegmentPath } from './names.ts'
import { doLater, type Procedure } from './operation.ts'
import type { Point, TailFile } from './tail-file.ts'
import { removeIfThere } from './remove.ts'
import { type TailFrame, TailKeeper } from './tail-keeper.ts'
import { ZeroAhead } from './zero-ahead.ts'

/** Ended segments that may wait to be synced before a caller who never yields has to do it. */
const MAX_BACKLOG = 8

/** What the files need of the writer. */
export interface FilesHost extends Host {
  /** Up to where the log is durable. */
  readonly durable: Point
  /** Why nothing more may be written, once that is so. */
  readonly failure: Error | undefined
  /** Groups go into this segment from now on. */
  began(segment: ActiveSegment): void
  /** A segment is part of the log that no more groups go into. */
  added(id: number): void
  /** What may be sequenced in the active segment has changed. */
  frontMoved(): void
}

/** What a writer begins with. */
export interface FilesStart {
  readonly segment: ActiveSegment
  readonly tail: TailFrame
}

/** How the writer's files are written. */
export interface FilesOptions {
  readonly segmentBytes: number
  /** Whether what is acknowledged must be durable. */
  readonly durably: boolean
}

export class WriterFiles {
  readonly tail: TailKeeper
  readonly maintenance: Maintenance
  readonly zeroAhead: ZeroAhead
  readonly #host: FilesHost
  readonly #storage: Storage
  readonly #dir: string
  readonly #durably: boolean
  #active: ActiveSegment
  #target: PreparedFile | undefined
  #attempt = 0
  #removing: Promise<unknown> = Promise.resolve()

  constructor(host: FilesHost, options: FilesOptions, tail: TailFile, start: FilesStart) {
    const { storage, dir } = host
    this.#host = host
    this.#storage = storage
    this.#dir = dir
    this.#durably = options.durably
    this.#active = start.segment
    this.tail = new TailKeeper(
      storage,
      tail,
      start.tail,
      () => host.durable,
      (error) => host.fail(error),
    )
    this.maintenance = new Maintenance(host, () => this.zeroAhead.idle())
    this.maintenance.began(start.segment)
    this.zeroAhead = new ZeroAhead(
      host,
      options.segmentBytes,
      options.durably && storage.zeroAhead,
      () => host.frontMoved(),
      () => this.unfinishedPath(this.#active.id + 1),
    )
  }

  /** The segment that groups go into. */
  get active(): ActiveSegment {
    return this.#active
  }

  /** A temporary name for a segment that nothing has had yet. */
  unfinishedPath(id: number): string {
    return unfinishedSegmentPath(this.#dir, id, ++this.#attempt)
  }

  /** Goes on in the last segment of a chain that has been committed, and ends the segment before it. */
  adopt({ built, last }: Chain): void {
    const before = this.#active
    const segment = last!
    this.#active = segment
    for (const { header, indexPath: unfinished } of built) {
      if (unfinished === undefined) continue
      this.#giveName(unfinished, indexPath(this.#dir, header.id))
      this.#host.added(header.id)
    }
    this.maintenance.began(segment)
    this.#host.began(segment)
    const { header } = built[0]!
    this.maintenance.end({ segment: before, successor: { id: header.id, header } })
  }

  /** Removes, in the background, what is left of a chain that was not committed. */
  discard(chain: Chain): void {
    const paths = chain.abandon()
    // Not synced: what comes back has a temporary name, or continues a commit that never happened.
    this.#removing = Promise.all([this.#removing, this.#remove(paths)])
  }

  /** Makes a planned segment the one that groups go into, and ends the one before in the background. */
  *begin(segment: ActiveSegment): Procedure {
    const { maintenance } = this
    const begun = this.#host.watch.begin()
    if (maintenance.backlog >= MAX_BACKLOG) {
      yield { start: () => maintenance.idle(), now: () => maintenance.finishOldest(MAX_BACKLOG) }
    }
    if (this.#host.failure !== undefined) throw this.#host.failure
    this.#target ??= this.zeroAhead.take() ?? this.#newTarget(segment.id)
    try {
      yield* createSegment(
        this.#storage,
        this.#dir,
        segment,
        this.#target,
        this.#host.durable.lsn,
        this.#durably,
      )
    } catch (error) {
      if (segment.file !== undefined) {
        // It has its name, so what failed is the sync of the directory, and that is final whatever the reason.
        segment.retire()
        this.#target = undefined
        this.#host.fail(error)
      }
      throw error
    }
    this.#target = undefined
    if (this.#host.failure !== undefined) {
      // It failed meanwhile, elsewhere. Nothing more is written.
      segment.retire()
      throw this.#host.failure
    }
    const before = this.#active
    this.#active = segment
    maintenance.began(segment)
    this.#host.began(segment)
    maintenance.end({ segment: before, successor: segment })
    this.#host.watch.rotated(begun, segment.id)
  }

  /**
   * Nothing of a group that was taken back may stay behind the last good one. Returns the lack of space for that,
   * which there can be where a file system copies on write.
   */
  cutOff(): unknown {
    const active = this.#active
    try {
      // Also to cut nothing may need space.
      if (active.file!.sizeSync() > active.writtenEnd) active.file!.truncateSync(active.writtenEnd)
      active.zeroedTo = active.writtenEnd
    } catch (cause) {
      if (hasCode(cause, 'WALRUS_DISK_FULL')) return cause
      this.#host.fail(cause)
    }
    return undefined
  }

  /**
   * Leaves the files as a clean close does: `written` is the end of everything. Without the space for it they are left
   * as by a killed process: every entry is there, and the next opening has more to read.
   */
  async leaveClean(written: Point): Promise<void> {
    const segment = this.#active
    const file = segment.file!
    if (!(await hadSpace(file.truncate(segment.writtenEnd)))) return
    await file.sync()
    const { index, header } = segment
    const { offset: end, lsn: endLsn } = written
    await hadSpace(doLater(writeIndex(this.#storage, this.#dir, index, { ...header, end, endLsn })))
    await hadSpace(this.tail.closed())
  }

  /** Lets go of every file, also when letting go of another one fails. */
  async release(): Promise<void> {
    const releases: (() => Promise<unknown> | undefined)[] = [
      () => this.#removing,
      () => this.#discard(this.zeroAhead.take()),
      () => this.#discard(this.#target),
      async () => this.maintenance.close(),
      () => this.#active.file?.close(),
      () => this.tail.release(),
    ]
    for (const release of releases) {
      try {
        await release()
      } catch (error) {
        this.#host.fail(error)
      }
    }
  }

  /** An index can do without: it is made again when it is missing. */
  #giveName(unfinished: string, path: string): void {
    try {
      this.#storage.renameSync(unfinished, path)
    } catch (error) {
      if (!hasCode(error, 'WALRUS_DISK_FULL')) this.#host.fail(error)
    }
  }

  async #remove(paths: readonly string[]): Promise<void> {
    try {
      for (const path of paths) await removeIfThere(this.#storage, path)
    } catch (error) {
      this.#host.fail(error)
    }
  }

  #newTarget(id: number): PreparedFile {
    const path = this.unfinishedPath(id)
    return { file: this.#storage.openSync(path, 'create'), path, zeroedTo: 0 }
  }

  async #discard(target: PreparedFile | undefined): Promise<void> {
    if (target === undefined) return
    await target.file.close()
    await this.#storage.remove(target.path)
  }
}

/** Whether work was done, or failed for lack of space; throws what else it failed with. */
async function hadSpace(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (hasCode(error, 'WALRUS_DISK_FULL')) return false
    throw error
  }
}
