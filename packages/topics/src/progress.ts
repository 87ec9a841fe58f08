/**
 * How far a cursor has got: what was handed over, what of that is done, and what is durable of it.
 *
 * An entry counts as done when the next one is asked for, so that what is written down is never ahead of who consumes.
 * Invariant: entries handed over and not durably done are at most `persistEvery`, or the batch handed over last.
 */

import type { Environment, Timer } from '@walrus/segment'
import type { Ledger, Mover } from './ledger.ts'
import type { TopicRecord } from './records.ts'
import type { TopicsState } from './state.ts'

/** What a progress needs of its instance. */
export interface ProgressHost {
  readonly env: Environment
  readonly options: { readonly persistEvery: number; readonly everyMs: number | undefined }
  readonly state: TopicsState
  readonly ledger: Ledger
  passed(topic: string): void
}

export class Progress implements Mover {
  /** The position after the last entry handed over. */
  position: number
  /** Bytes of data of the entries before `position`, if known. */
  bytes: number | undefined
  readonly #host: ProgressHost
  readonly #topic: string
  readonly #name: string
  readonly #most: number
  /** Up to where what was handed over is done; and its bytes. */
  #done: number
  #doneBytes: number | undefined
  /** Up to where it is durable, unless it is being written. */
  #durable: number
  #writing = false
  /** Up to where somebody has asked for it to become so. */
  #asked: number
  #timer: Timer | undefined

  constructor(
    host: ProgressHost,
    topic: string,
    name: string,
    position: number,
    bytes: number | undefined,
  ) {
    this.#host = host
    this.#topic = topic
    this.#name = name
    this.#most = host.options.persistEvery
    this.position = position
    this.bytes = bytes
    this.#done = position
    this.#doneBytes = bytes
    this.#durable = position
    this.#asked = position
  }

  /** Whether anything is not written down. */
  get pending(): boolean {
    return this.#writing || this.#durable !== this.position
  }

  /** Up to where it is durable. */
  get durable(): number {
    return this.#durable
  }

  /** Whether so many entries may be handed over before anything else is durable. */
  mayHandOver(count: number): boolean {
    const most = this.#most
    return this.position + count - this.#durable <= (count > most ? count : most)
  }

  /** More is asked for: what was handed over is done. */
  doneWithAll(): void {
    this.#done = this.position
    this.#doneBytes = this.bytes
  }

  /** Something is handed over. What was handed over before is done. */
  handOver(next: number, bytes: number): void {
    this.#done = this.position
    this.#doneBytes = this.bytes
    this.position = next
    if (this.bytes !== undefined) this.bytes += bytes
    if (this.#done - this.#asked >= this.#most >>> 1 && this.#most > 1) this.storeSoon()
    else if (this.#timer === undefined) this.#storeLater()
  }

  /** What was handed over last, and is not done, comes again. */
  takeBack(): void {
    this.position = this.#done
    this.bytes = this.#doneBytes
  }

  /** What was handed over before a position is done, and nothing behind it. */
  doneUpTo(position: number): void {
    this.#done = position
    this.#doneBytes = position === this.position ? this.bytes : undefined
  }

  /** It goes on elsewhere; durable when `store` says so. */
  moveTo(position: number, bytes: number | undefined): void {
    this.position = position
    this.bytes = bytes
    this.doneWithAll()
  }

  /** What is done is durable where this is, and was written by somebody else. */
  movedTo(position: number, bytes: number | undefined): void {
    this.moveTo(position, bytes)
    this.#durable = position
    this.#asked = position
  }

  /** Makes durable what is done. */
  async store(): Promise<void> {
    // What is being written may be another position: it was moved meanwhile.
    while (this.#writing || this.#durable !== this.#done) {
      this.#asked = this.#done
      await this.#host.ledger.store(this)
    }
  }

  storeSoon(): void {
    this.#asked = this.#done
    // Whoever needs it durable asks again, and is told.
    this.#host.ledger.store(this).catch(() => {
      this.#asked = this.#durable
    })
  }

  /** Nobody goes on with it. */
  end(): void {
    this.#timer?.cancel()
  }

  records(): readonly TopicRecord[] {
    const topic = this.#host.state.find(this.#topic)
    const cursor = topic?.cursor(this.#name)
    // It was deleted meanwhile.
    if (topic === undefined || cursor === undefined) return []
    this.#writing = true
    const { number } = cursor
    const [position, bytes] = [this.#done, this.#doneBytes]
    return [{ kind: 'moved', topic: topic.number, cursor: number, position, bytes }]
  }

  stored([record]: readonly TopicRecord[]): void {
    this.#writing = false
    if (record?.kind === 'moved') this.#durable = record.position
    else this.#durable = this.#done
    this.#host.passed(this.#topic)
  }

  notStored(): void {
    this.#writing = false
  }

  #storeLater(): void {
    const { everyMs } = this.#host.options
    if (everyMs === undefined) return
    this.#timer = this.#host.env.after(everyMs, () => {
      this.#timer = undefined
      if (this.#done !== this.#durable) this.storeSoon()
      if (this.#done !== this.position) this.#storeLater()
    })
  }
}
