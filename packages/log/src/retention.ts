/**
 * Retention: removing the oldest segments, by a policy asked for by name and after truncations.
 *
 * Runs one after another, behind writers and readers (docs/format.md, "Removing segments"). Invariants: nothing goes
 * that a claim needs, unless the policy says so; a file is removed only when what makes it needless, and then the tail
 * file that no longer counts it, are durable.
 */

import type { Timer } from '@walrus/segment'
import { BoundsChange } from './bounds-change.ts'
import type { Catalog, StreamState } from './catalog.ts'
import { closedError } from './errors.ts'
import type { ResolvedOptions, RetentionPolicy } from './options.ts'
import { isNeedless, type Needs, type Plan, plan } from './retention-plan.ts'
import { type Claim, checkNeeds, type Need, type RetentionReport } from './retention-policy.ts'
import type { SegmentTable } from './segment-table.ts'
import { removeSegments } from './takeover.ts'
import type { Writer } from './writer.ts'

/** With a limit of age, it is looked for old segments this often at least, in milliseconds. */
const LOOK_EVERY_MS = 60_000

/** What is known of a claim. */
interface Claimed {
  readonly needs: () => Iterable<Need>
  readonly inTheWay: (() => void) | undefined
}

export class Retention {
  readonly #options: ResolvedOptions
  readonly #table: SegmentTable
  readonly #catalog: Catalog
  readonly #writer: Writer | undefined
  readonly #claims = new Map<Claim, Claimed>()
  /** Numbers of segments that are no part of the log any more, whose files could not be removed yet. */
  #retired: number[] = []
  #running: Promise<unknown> = Promise.resolve()
  #asked = false
  #closed = false
  #timer: Timer | undefined
  #failure: Error | undefined

  /** @param writer none where only plans can be made: the log was opened for reading */
  constructor(
    options: ResolvedOptions,
    table: SegmentTable,
    catalog: Catalog,
    writer: Writer | undefined,
  ) {
    this.#options = options
    this.#table = table
    this.#catalog = catalog
    this.#writer = writer
    this.#lookLater()
  }

  /** Why the last run in the background came to nothing; nothing is removed until another succeeds. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** @param inTheWay called when a run was held back by it */
  claim(name: string, needs: () => Iterable<Need>, inTheWay?: () => void): Claim {
    const claim: Claim = { name, release: () => void this.#claims.delete(claim) }
    this.#claims.set(claim, { needs, inTheWay })
    return claim
  }

  /** Runs before long, if there can be anything to do. */
  soon(): void {
    const { retention } = this.#options
    const isLimited = retention !== undefined || this.#catalog.bounded
    if (this.#writer === undefined || this.#asked || this.#closed || !isLimited) return
    this.#asked = true
    const run = this.#running.then(() => {
      this.#asked = false
      return this.#closed ? undefined : this.#run(retention ?? {})
    })
    this.#running = run.then(
      () => {
        this.#failure = undefined
      },
      (error: unknown) => {
        // Kept for who asks: the log itself goes on, or has failed and says so.
        this.#failure = error as Error
      },
    )
  }

  /** Removes what the policy lets go, now. */
  async retain(policy: RetentionPolicy): Promise<RetentionReport> {
    const run = this.#running.then(async () => {
      await this.#writer!.segmentsEnded()
      if (this.#closed) throw closedError()
      return await this.#run(policy)
    })
    this.#running = run.catch(() => {})
    return await run
  }

  /** What `retain` would do. */
  async dryRun(policy: RetentionPolicy): Promise<RetentionReport> {
    await this.#writer?.segmentsEnded()
    if (this.#closed) throw closedError()
    return reportOf(this.#plan(policy), true)
  }

  /** Resolves when nothing is under way. Nothing begins after that. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#running
  }

  async #run(policy: RetentionPolicy): Promise<RetentionReport> {
    const writer = this.#writer!
    const planned = this.#plan(policy)
    if (planned.needsSnapshot) writer.sequencer.nextSegment.wantSnapshot()
    const report = reportOf(planned, false)
    if (planned.segments.length > 0) {
      if (planned.firsts.size > 0) await writer.commit(this.#boundsOf(planned))
      // Also what a truncation made needless may not be on disk yet.
      await writer.sync()
      // What made them so may have been taken back, for want of space.
      if (!isNeedless(this.#table, this.#catalog, planned.oldest)) return { ...report, ...NOTHING }
      await writer.moveOldest(planned.oldest)
      for (const stream of this.#catalog.all()) stream.cuts?.drop(planned.oldest)
      this.#retired.push(...this.#table.dropBefore(planned.oldest).map(({ id }) => id))
    }
    await this.#remove()
    this.#askToYield(planned)
    return report
  }

  #askToYield({ claims }: Plan): void {
    const names = new Set(claims.filter(({ dropped }) => !dropped).map(({ name }) => name))
    for (const [{ name }, { inTheWay }] of this.#claims) if (names.has(name)) inTheWay?.()
  }

  async #remove(): Promise<void> {
    const { storage, dir, watch } = this.#options
    await removeSegments(storage, dir, this.#retired)
    if (this.#retired.length > 0) watch.removed(this.#retired)
    this.#retired = []
  }

  #plan(policy: RetentionPolicy): Plan {
    const { storage } = this.#options
    const needs: Needs[] = []
    for (const [{ name }, claimed] of this.#claims) {
      needs.push({ name, needs: checkNeeds(name, claimed.needs()) })
    }
    return plan({
      table: this.#table,
      catalog: this.#catalog,
      policy,
      needs,
      busy: this.#writer?.oldestBusy ?? this.#table.last.id,
      now: storage.env.now(),
      lastBytes: this.#writer?.sequencer.segment.end ?? this.#table.last.lastEnd ?? 0,
    })
  }

  #boundsOf({ firsts }: Plan): BoundsChange {
    const changes = [...firsts].map(([stream, first]) => ({ stream, first }))
    return new BoundsChange(this.#catalog, changes)
  }

  #lookLater(): void {
    const { retention, storage } = this.#options
    if (this.#writer === undefined || retention?.maxAgeMs === undefined) return
    const every = Math.min(LOOK_EVERY_MS, retention.maxAgeMs)
    this.#timer = storage.env.after(every, () => {
      this.soon()
      this.#lookLater()
    })
  }
}

const NOTHING = { segments: [], bytes: 0, streams: [] }

function reportOf(planned: Plan, dryRun: boolean): RetentionReport {
  const { segments, firsts, claims, kept } = planned
  return {
    dryRun,
    segments: segments.map(({ segment, bytes }) => ({ file: segment.path, bytes })),
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    streams: [...firsts].map(([stream, next]) => rangeOf(stream, next)),
    claims,
    kept,
  }
}

function rangeOf({ name, first }: StreamState, next: number): RetentionReport['streams'][number] {
  return { stream: name, first, last: next - 1 }
}
