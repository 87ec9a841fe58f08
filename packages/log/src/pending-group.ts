/**
 * A commit group on its way to the disk, and everyone who waits for it.
 *
 * Invariant: everyone who waits gets exactly one answer, the same kind for the whole group.
 */

import { GroupBuilder, type NativeChecksums } from '@walrus/segment'
import type { ActiveSegment } from './active-segment.ts'
import type { Outcome } from './outcome.ts'

/** A group's buffer begins with this many bytes of room; one that grew far beyond is not kept. */
const BUFFER_BYTES = 0x4_4000
const LARGEST_KEPT = 0x20_0000

let resolveOfNext: (value: number | Promise<number>) => void
// One function for all promises: making a closure for each costs as much as encoding an entry.
const capture = (resolve: (value: number | Promise<number>) => void): void => {
  resolveOfNext = resolve
}

export class PendingGroup {
  readonly builder: GroupBuilder
  segment!: ActiveSegment
  /** Where it begins in its segment. */
  offset = 0
  firstLsn = 0
  /** Milliseconds since the Unix epoch. */
  time = 0
  /** Size with header and padding, once it is closed. */
  size = 0
  /** The plain log's next index behind it, once it is closed. */
  plainNext = 0
  /** Whether some of its entries were returned before they were written, so that it cannot be taken back. */
  promised = false
  /** Undoes what it did besides adding frames, when it is taken back. */
  revert: (() => void) | undefined
  /** Whether a write that nobody waits for any more may still read its bytes: they must stay as they are. */
  lent = false
  /** Those who wait, and what each is to get; only the first `#waiting` count. The arrays are used again. */
  readonly #resolves: ((value: number | Promise<number>) => void)[] = []
  readonly #values: number[] = []
  #waiting = 0
  /** Those who take part in its commits, in the order these were sequenced. */
  #outcomes: Outcome[] = []

  constructor(checksums: NativeChecksums | undefined) {
    this.builder = new GroupBuilder(BUFFER_BYTES, checksums)
  }

  get endLsn(): number {
    return this.firstLsn + this.builder.count
  }

  begin(segment: ActiveSegment, offset: number, firstLsn: number, time: number): void {
    this.segment = segment
    this.offset = offset
    this.firstLsn = firstLsn
    this.time = time
    this.promised = false
    this.revert = undefined
    this.builder.begin(segment.seed, segment.header.salt)
  }

  /** A promise of `value`, kept when the group is acknowledged. */
  wait(value: number): Promise<number> {
    const promise = new Promise<number>(capture)
    const at = this.#waiting++
    this.#resolves[at] = resolveOfNext
    this.#values[at] = value
    return promise
  }

  /** Notes somebody who is to be told. */
  tell(outcome: Outcome): void {
    this.#outcomes.push(outcome)
  }

  acknowledge(): void {
    const waiting = this.#waiting
    this.#waiting = 0
    for (let at = 0; at < waiting; at++) this.#resolves[at]!(this.#values[at]!)
    if (this.#outcomes.length === 0) return
    // Last: those may begin other commits, and this may be used for them.
    for (const outcome of this.#outcomes.splice(0)) outcome.acknowledged()
  }

  /** Tells those who take part that it failed, the last one first; to be called of the last group first. */
  undo(error: unknown): void {
    for (const outcome of this.#outcomes.splice(0).toReversed()) outcome.failed(error)
  }

  reject(error: unknown): void {
    const waiting = this.#waiting
    this.#waiting = 0
    // Resolved with a rejected promise, a promise is rejected: so nobody's `reject` need be kept.
    for (let at = 0; at < waiting; at++) this.#resolves[at]!(Promise.reject(error))
  }

  /** Whether its buffer is worth using again. */
  get reusable(): boolean {
    return !this.lent && this.builder.capacity <= LARGEST_KEPT
  }
}

/** Tells everyone who waits for groups, or takes part in them, that they failed. */
export function rejectAll(groups: readonly PendingGroup[], error: unknown): void {
  for (const group of groups.toReversed()) group.undo(error)
  for (const group of groups) group.reject(error)
}
