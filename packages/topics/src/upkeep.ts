/**
 * Upkeep: what is done in the background, now and then, while there is something to be done.
 *
 * - What every cursor of a topic has passed is dropped; the log then removes the segments that hold nothing else.
 * - Topics with a retention policy let go what that says.
 * - What appends came to is written down, so that it need not be counted again.
 * - The state of topics is written anew at the end of the log when enough was dropped: its old records would keep the
 *   segments they are in.
 */

import type { Timer } from '@walrus/segment'
import type { Engine } from './engine.ts'
import { moveFront } from './front.ts'
import { declared, type TopicRecord } from './records.ts'
import { retainTopic } from './retention.ts'
import type { Topic } from './topic.ts'

/** A front is moved by so many entries or bytes at once, unless the topic is read to its end. */
const ENTRIES_AT_ONCE = 1_000
const BYTES_AT_ONCE = 0x1_0000
/** Topics whose front is moved at once: they share commits. */
const TOPICS_AT_ONCE = 64

export interface UpkeepHost extends Engine {
  topic(name: string): Topic
  /** A topic that is in memory. */
  used(name: string): Topic | undefined
  /** Writes the state anew, and lets go of what it was made from. */
  renewState(): Promise<void>
}

export class Upkeep {
  readonly #host: UpkeepHost
  readonly #renewAfter: number
  /** Topics of which something was consumed. */
  readonly #passed = new Set<string>()
  /** Topics that were appended to. */
  readonly #appended = new Set<string>()
  #dropped = 0
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()
  #closed = false
  #failure: Error | undefined

  /** @param renewAfter bytes dropped after which the state is written anew */
  constructor(host: UpkeepHost, renewAfter: number) {
    this.#host = host
    this.#renewAfter = renewAfter
    if (host.options.retention.size > 0) this.#later()
  }

  /** Why the last run came to nothing; `undefined` when it did not. */
  get failure(): Error | undefined {
    return this.#failure
  }

  passed(topic: string): void {
    this.#passed.add(topic)
    this.#later()
  }

  appended(topic: string): void {
    this.#appended.add(topic)
    this.#later()
  }

  /** Does what there is to do now. */
  async run(): Promise<void> {
    const run = this.#running.then(() => this.#run(0))
    this.#running = run.catch(() => {})
    await run
  }

  /** Ends; what was appended is written down. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#running
    await this.#count()
  }

  #later(): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#timer = this.#host.env.after(this.#host.options.reclaimEveryMs, () => {
      this.#timer = undefined
      if (this.#host.options.retention.size > 0) this.#later()
      const run = this.#running.then(() => (this.#closed ? undefined : this.#run(ENTRIES_AT_ONCE)))
      this.#running = run.then(
        () => {
          this.#failure = undefined
        },
        (error: unknown) => {
          // Kept for who asks: the topics go on, or their log has failed and says so.
          this.#failure = error as Error
        },
      )
    })
  }

  /** @param entries that a front is moved by at least */
  async #run(entries: number): Promise<void> {
    for (const [name, policy] of this.#host.options.retention) {
      const topic = this.#host.topic(name)
      if (topic.exists) this.#dropped += (await retainTopic(this.#host, topic, policy)).bytes
    }
    const names = [...this.#passed]
    for (let at = 0; at < names.length; at += TOPICS_AT_ONCE) {
      const some = names.slice(at, at + TOPICS_AT_ONCE)
      if (this.#closed) return
      await Promise.all(some.map((name) => this.#reclaimLater(name, entries)))
    }
    await this.#count()
    if (this.#dropped < this.#renewAfter) return
    this.#dropped = 0
    await this.#host.renewState()
  }

  /** Drops what all cursors of a topic have passed, or keeps it in mind. */
  async #reclaimLater(name: string, entries: number): Promise<void> {
    this.#passed.delete(name)
    let isDone = false
    try {
      isDone = await this.#reclaim(name, entries)
    } finally {
      if (!isDone) this.#passed.add(name)
    }
    this.#host.used(name)?.rest()
  }

  /** Drops what all cursors of a topic have passed, if that is worth it: whether there was nothing left to do. */
  async #reclaim(name: string, entries: number): Promise<boolean> {
    const state = this.#host.state.find(name)
    if (state === undefined) return true
    const topic = this.#host.topic(name)
    const { stream, first, end } = topic
    // It was dropped before, or deleted, and a crash came in between.
    if (stream.first < first) await stream.truncateFront(first)
    const { lowest } = state
    if (lowest === undefined || lowest.position <= first) return true
    const { position, bytes } = lowest
    const before = topic.bytesBefore(first)
    const size = bytes === undefined || before === undefined ? 0 : bytes - before
    if (position < end && position - first < entries && size < BYTES_AT_ONCE) return false
    this.#dropped += await moveFront(this.#host, topic, position, bytes)
    return true
  }

  /** Writes down what appends came to. */
  async #count(): Promise<void> {
    const topics = [...this.#appended].map((name) => this.#host.topic(name))
    this.#appended.clear()
    const records: TopicRecord[] = []
    for (const topic of topics) {
      const counted = topic.takeCount()
      if (counted === undefined) continue
      const state = this.#host.state.topic(topic.name)
      records.push(...declared(state, [{ kind: 'counted', topic: state.number, ...counted }]))
    }
    if (records.length > 0) await this.#host.ledger.write(records)
    for (const topic of topics) topic.rest()
  }
}
