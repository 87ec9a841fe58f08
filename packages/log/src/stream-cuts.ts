/**
 * Where the end of a stream was cut: what of it the older segments still hold, and what readers must not go on from.
 *
 * Invariants: both lists ascend in both their numbers, since a cut makes those at the same or a higher position
 * needless. Of the lasting cuts there is at most one for each segment.
 */

/** From here on, positions of `next` and above are only in this segment and newer ones. */
export interface Cut {
  readonly segment: number
  readonly next: number
}

/** A cut made while the log was open, at an LSN. */
interface RecentCut {
  readonly lsn: number
  readonly next: number
}

/** Beyond these, the oldest are taken together: a reader that was idle for so many may be sent away needlessly. */
const MAX_RECENT = 1024

export class StreamCuts {
  #lasting: readonly Cut[]
  #recent: readonly RecentCut[] = []

  constructor(lasting: readonly Cut[]) {
    this.#lasting = lasting
  }

  get lasting(): readonly Cut[] {
    return this.#lasting
  }

  /** Takes in what is known of the same stream from elsewhere. */
  merge(lasting: readonly Cut[]): void {
    const all = [...this.#lasting, ...lasting].sort((a, b) => a.segment - b.segment)
    this.#lasting = all.reduce(withCut, [])
  }

  /** @param lsn where it was made, for readers that have read on beyond; none when there are no such */
  add(segment: number, next: number, lsn: number | undefined): void {
    this.#lasting = withCut(this.#lasting, { segment, next })
    if (lsn === undefined) return
    const recent = [...this.#recent.filter((cut) => cut.next < next), { lsn, next }]
    if (recent.length > MAX_RECENT) {
      recent.splice(0, 2, { lsn: recent[1]!.lsn, next: recent[0]!.next })
    }
    this.#recent = recent
  }

  /** Notes that anything may have been cut up to an LSN, and what it was is not known. */
  suspect(lsn: number): void {
    this.#recent = [{ lsn, next: 0 }]
  }

  /** What `undo` takes to forget all cuts made since. */
  save(): () => void {
    const lasting = this.#lasting
    const recent = this.#recent
    return () => {
      this.#lasting = lasting
      this.#recent = recent
    }
  }

  /** Number of the oldest segment in which `position` may be; 0 for any. */
  oldestFor(position: number): number {
    return this.#lasting.findLast((cut) => cut.next <= position)?.segment ?? 0
  }

  /** The lowest position above `position` that may be in newer segments only. */
  stretchEnd(position: number): number {
    return this.#lasting.find((cut) => cut.next > position)?.next ?? Number.MAX_SAFE_INTEGER
  }

  /** Up to where the stream lives in the segments up to `segment`: all above has been cut in newer ones. */
  endIn(segment: number): number {
    return this.#lasting.find((cut) => cut.segment > segment)?.next ?? Number.MAX_SAFE_INTEGER
  }

  /** The newest cut in segments up to `segment`. */
  newestIn(segment: number): Cut | undefined {
    return this.#lasting.findLast((cut) => cut.segment <= segment)
  }

  /** Forgets what hides only segments before `oldest`. */
  drop(oldest: number): void {
    this.#lasting = this.#lasting.filter((cut) => cut.segment > oldest)
  }

  /** The lowest position cut behind an LSN; none: a number beyond all. */
  lowestSince(lsn: number): number {
    return this.#recent.find((cut) => cut.lsn > lsn)?.next ?? Number.MAX_SAFE_INTEGER
  }

  /** LSN of the newest cut made while the log was open; 0 without any. */
  get latest(): number {
    return this.#recent.at(-1)?.lsn ?? 0
  }
}

/** Lasting cuts and one more, in the newest segment so far. */
function withCut(cuts: readonly Cut[], cut: Cut): readonly Cut[] {
  const lower = cuts.filter(({ next }) => next < cut.next)
  return lower.at(-1)?.segment === cut.segment ? lower : [...lower, cut]
}
