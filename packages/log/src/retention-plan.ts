/**
 * What of a log may go: the oldest segments, as far as the policy, the claims and the catalog let them.
 *
 * A segment is needless when it holds no live frame but the catalog's, and goes whatever the policy; any other goes
 * when a limit of the policy says so, no claim needs it, and all before it go. With it go those with the rest of the
 * commit it is part of: no policy leaves one behind in halves. Changes nothing.
 */

import { Begun, CATALOG_STREAM, PLAIN_STREAM, SEAL_BYTES } from '@walrus/segment'
import type { Catalog, StreamState } from './catalog.ts'
import type { RetentionPolicy } from './options.ts'
import type { ClaimInTheWay, Need } from './retention-policy.ts'
import type { SegmentTable, TableSegment } from './segment-table.ts'

/** What a claim needs, by its name. */
export interface Needs {
  readonly name: string
  readonly needs: readonly Need[]
}

/** What to go by. */
export interface PlanInput {
  readonly table: SegmentTable
  readonly catalog: Catalog
  readonly policy: RetentionPolicy
  readonly needs: readonly Needs[]
  /** Number of the oldest segment that must stay: it is being written, or ended. */
  readonly busy: number
  /** The time, in milliseconds since the Unix epoch. */
  readonly now: number
  /** Bytes of the segment being written. */
  readonly lastBytes: number
}

export interface Plan {
  readonly segments: readonly { readonly segment: TableSegment; readonly bytes: number }[]
  /** Number of the oldest segment that stays. */
  readonly oldest: number
  /** Streams whose first position moves, and where to. */
  readonly firsts: ReadonlyMap<StreamState, number>
  readonly claims: readonly ClaimInTheWay[]
  readonly kept: { readonly segments: number; readonly bytes: number }
  /** Whether more could go if the catalog had a newer snapshot. */
  readonly needsSnapshot: boolean
}

/** A stream that has live entries in a segment, and the position after the last of them. */
interface Live {
  readonly stream: StreamState
  readonly next: number
}

export function plan(input: PlanInput): Plan {
  const { table, catalog, policy, needs, busy } = input
  const { segments } = table
  const sizes = segments.map((_, at) => bytesAt(input, at))
  const snapshotIn = table.last.header.catalogSegment
  const going: { segment: TableSegment; bytes: number }[] = []
  const firsts = new Map<StreamState, number>()
  const claims: ClaimInTheWay[] = []
  let bytes = sizes.reduce((sum, size) => sum + size, 0)
  let needsSnapshot = false
  for (let at = 0; at < segments.length; ) {
    const own = liveIn(table, catalog, at)
    const last = own.length === 0 ? at : lastOfCommit(segments, at)
    if (segments[last]!.id >= busy) break
    if (own.length > 0 && !exceeds(input, at, last, bytes)) break
    const together = segments.slice(at, last + 1)
    const live = together.flatMap((_, number) => liveIn(table, catalog, at + number))
    const inTheWay = claimed(needs, live, policy.dropClaimed === true, claims)
    claims.push(...inTheWay)
    if (inTheWay.some(({ dropped }) => !dropped)) break
    if (segments[last]!.id >= snapshotIn) {
      needsSnapshot = true
      break
    }
    for (const { stream, next } of live) firsts.set(stream, next)
    for (const segment of together) {
      going.push({ segment, bytes: sizes[at]! })
      bytes -= sizes[at++]!
    }
  }
  const oldest = segments[going.length]!.id
  const kept = { segments: segments.length - going.length, bytes }
  return { segments: going, oldest, firsts, claims, kept, needsSnapshot }
}

/** Whether the segments before number `oldest` hold nothing live. */
export function isNeedless(table: SegmentTable, catalog: Catalog, oldest: number): boolean {
  return table.segments.every(
    ({ id }, at) => id >= oldest || liveIn(table, catalog, at).length === 0,
  )
}

function bytesAt({ table, lastBytes }: PlanInput, at: number): number {
  if (at === table.segments.length - 1) return lastBytes
  return table.endOf(at).end + SEAL_BYTES
}

function liveIn(table: SegmentTable, catalog: Catalog, at: number): Live[] {
  const { id } = table.segments[at]!
  return table
    .indexAt(at)
    .heads()
    .flatMap((head) => {
      const stream = head.stream === CATALOG_STREAM ? undefined : catalog.byId(head.stream)
      if (stream === undefined) return []
      const first = Math.max(head.first, stream.first)
      const next = Math.min(head.next, stream.cuts?.endIn(id) ?? head.next)
      return first < next ? [{ stream, next }] : []
    })
}

/** Place of the last segment with a part of the commit that the one at `at` may have a part of. */
function lastOfCommit(segments: readonly TableSegment[], at: number): number {
  let last = at
  while (segments[last + 1]?.header.begun === Begun.continuation) last++
  return last
}

/** Whether a limit lets the segments from `at` to `last` go, when those before them do; all from `at` on have `bytes`. */
function exceeds(input: PlanInput, at: number, last: number, bytes: number): boolean {
  const { maxSegments, maxBytes, maxAgeMs } = input.policy
  const { table, now } = input
  if (maxSegments !== undefined && table.segments.length - at > maxSegments) return true
  if (maxBytes !== undefined && bytes > maxBytes) return true
  return maxAgeMs !== undefined && endTime(table, last) < now - maxAgeMs
}

/** A time not before that of a segment's newest entry. */
function endTime({ segments }: SegmentTable, at: number): number {
  // A recovery's segment has the base time of the one whose groups it took over.
  const next = segments.find(({ header }, other) => other > at && header.begun === Begun.rotation)
  return next?.header.baseTime ?? Number.POSITIVE_INFINITY
}

/** Claims to live entries of a segment, but for those that are known to be in the way already. */
function claimed(
  needs: readonly Needs[],
  live: readonly Live[],
  dropped: boolean,
  known: readonly ClaimInTheWay[],
): ClaimInTheWay[] {
  return needs.flatMap(({ name, needs: each }) =>
    each
      .filter(({ stream, from }) =>
        live.some((entry) => isNamed(entry.stream, stream) && entry.next > from),
      )
      .map(({ stream = '', from }) => ({ name, stream, from, dropped }))
      .filter((found) => !known.some((one) => one.name === name && one.stream === found.stream)),
  )
}

function isNamed(stream: StreamState, name: string | undefined): boolean {
  return name === undefined ? stream.id === PLAIN_STREAM : stream.name === name
}
