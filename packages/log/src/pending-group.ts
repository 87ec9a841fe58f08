/**
 * A commit group on its way to the disk, and everyone who waits for it.
 *
 * Invariant: everyone who waits gets exactly one answer, the same kind for the whole group.
 */

import { GroupBuilder } from '@walrus/segment'
import type { ActiveSegment } from './active-segment.ts'

/** A group's buffer begins with this many bytes of room; one that grew far beyond is not kept. */
const BUFFER_BYTES = 0x4_4000
const LARGEST_KEPT = 0x20_0000

let resolveOfNext: (value: number) => void
let rejectOfNext: (error: unknown) => void
// One function for all promises: making a closure for each costs as much as encoding an entry.
const capture = (resolve: (value: number) => void, reject: (error: unknown) => void): void => {
  resolveOfNext = resolve
  rejectOfNext = reject
}

export class PendingGroup {
  readonly builder: GroupBuilder = new GroupBuilder(BUFFER_BYTES)
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
  /** Whether a write that nobody waits for any more may still read its bytes: they must stay as they are. */
  lent = false
  #resolves: ((value: number) => void)[] = []
  #rejects: ((error: unknown) => void)[] = []
  #values: number[] = []

  get endLsn(): number {
    return this.firstLsn + this.builder.count
  }

  get waiting(): number {
    return this.#values.length
  }

  begin(segment: ActiveSegment, offset: number, firstLsn: number, time: number): void {
    this.segment = segment
    this.offset = offset
    this.firstLsn = firstLsn
    this.time = time
    this.promised = false
    this.builder.begin(segment.seed, segment.header.salt)
  }

  /** A promise of `value`, kept when the group is acknowledged. */
  wait(value: number): Promise<number> {
    const promise = new Promise<number>(capture)
    this.#resolves.push(resolveOfNext)
    this.#rejects.push(rejectOfNext)
    this.#values.push(value)
    return promise
  }

  acknowledge(): void {
    const resolves = this.#resolves
    const values = this.#values
    this.#clear()
    for (let i = 0; i < resolves.length; i++) resolves[i]!(values[i]!)
  }

  reject(error: unknown): void {
    const rejects = this.#rejects
    this.#clear()
    for (const reject of rejects) reject(error)
  }

  /** Whether its buffer is worth using again. */
  get reusable(): boolean {
    return !this.lent && this.builder.capacity <= LARGEST_KEPT
  }

  #clear(): void {
    this.#resolves = []
    this.#rejects = []
    this.#values = []
  }
}
