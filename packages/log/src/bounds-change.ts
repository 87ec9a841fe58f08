/**
 * Truncations on their way into the log: streams whose bounds move, in a commit group of their own.
 *
 * What was asked for is worked out against the streams as they are when its turn comes (docs/format.md, "Stream
 * bounds"). Invariant: until the group is written, everything it did in memory can be undone (`PendingGroup.revert`).
 */

import { BOUNDS_BYTES, type Bounds, encodeBounds, frameBytes } from '@walrus/segment'
import type { Catalog, StreamState } from './catalog.ts'
import type { Commit } from './commit.ts'
import type { Sequencer } from './sequencer.ts'

/** What is to become of a stream. */
export interface Change {
  readonly stream: StreamState
  /** The first position to be kept, if the front moves. */
  readonly first?: number
  /** The position after the last to be kept, if the end is cut. */
  readonly next?: number
}

export class BoundsChange implements Commit {
  readonly empty = false
  readonly entries = 0
  readonly outcome = undefined
  readonly large = undefined
  readonly alone = true
  readonly #catalog: Catalog
  readonly #changes: readonly Change[]
  /** The newest cut of each stream when this was asked for. */
  readonly #since: readonly number[]

  /** @param changes at least one */
  constructor(catalog: Catalog, changes: readonly Change[]) {
    this.#catalog = catalog
    this.#changes = changes
    this.#since = changes.map(({ stream }) => stream.latestCut)
  }

  room(): number {
    return this.#changes.length * frameBytes(BOUNDS_BYTES)
  }

  refusal(): undefined {}

  /** Sequences it, in a group that nothing more goes into; 0. */
  add(sequencer: Sequencer): number {
    const { group } = sequencer
    const { segment } = group
    const undo: (() => void)[] = []
    this.#changes.forEach((change, number) => {
      const { stream } = change
      const bounds = resolve(change, this.#since[number]!)
      undo.push(cutIndex(stream, bounds, segment.index.stream(stream.id)))
      const lsn = sequencer.addBounds(encodeBounds(bounds))
      this.#catalog.bound(bounds, segment.id, lsn)
    })
    group.revert = () => {
      for (const each of undo) each()
    }
    sequencer.close()
    return 0
  }

  keep(): void {}
}

/** The bounds that a change comes to now. `since` is the newest cut when it was asked for. */
function resolve({ stream, first, next }: Change, since: number): Bounds {
  const to = next === undefined ? stream.next : Math.min(Math.max(next, stream.first), stream.next)
  // What was cut since then, and appended anew, was not meant.
  const meant = Math.min(first ?? 0, stream.cuts?.lowestSince(since) ?? to, to)
  return {
    stream: stream.id,
    first: Math.max(stream.first, meant),
    next: to,
    cut: to < stream.next,
  }
}

type SegmentPostings = ReturnType<Sequencer['segment']['index']['stream']>

/** Drops what is cut from the stream's part of the active segment's index; returns how to undo all of it. */
function cutIndex(stream: StreamState, { next }: Bounds, postings: SegmentPostings): () => void {
  const { first: firstBefore, next: nextBefore, cuts } = stream
  const restoreCuts = cuts?.save()
  const from = Math.max(next, postings.first)
  const dropped = postings.slice(from, nextBefore - from)
  postings.cut(next)
  return () => {
    dropped.forEach((offset, at) => postings.add(from + at, offset))
    stream.first = firstBefore
    stream.next = nextBefore
    stream.cuts = cuts
    restoreCuts?.()
  }
}
