/**
 * A group of consumers: its members share one cursor, and each entry is handed to one of them.
 *
 * What is handed out is leased: whoever has it acknowledges it, or gives it back, before its deadline; otherwise it
 * comes again, to whoever asks. A lease is durable before the entry is handed out, so that no entry has ever been
 * handed out more often than it says. The cursor is the position before which everything is acknowledged.
 */

import { WalrusError } from '@walrus/codec'
import type { Log, Stream, WriteSet } from '@walrus/log'
import { checkBoolean, checkInteger, checkNames, checkWaiting, LATEST_MS } from './checks.ts'
import type { TopicEntry } from './cursor-options.ts'
import { Delivery, type DeliveryHost } from './delivery.ts'
import type { Engine } from './engine.ts'
import { cursorNotFound } from './errors.ts'
import type {
  GroupConsumeOptions,
  GroupNextOptions,
  GroupReadOptions,
  ResolvedGroupOptions,
} from './group-options.ts'
import { type Picked, Picker } from './picker.ts'
import type { TopicRecord } from './records.ts'
import type { CursorState } from './topic-state.ts'
import { changeOf, type Waiters } from './waiting.ts'

/** What a group needs of its topic. */
export interface GroupHost {
  readonly name: string
  readonly number: number
  readonly stream: Stream
  readonly waiters: Waiters
  readonly first: number
  ensureCursor(name: string): Promise<CursorState>
  /** Puts an entry into another topic, as part of a commit. */
  put(set: WriteSet, topic: string, entry: TopicEntry): void
}

export class Group implements DeliveryHost {
  readonly name: string
  readonly #engine: Engine
  readonly #topic: GroupHost
  readonly #options: ResolvedGroupOptions
  #loaded: Promise<{ picker: Picker; cursor: CursorState }> | undefined
  #deleted = false
  /** The last pick: one at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  /** @internal Groups are made by `topic.group(name)`. */
  constructor(engine: Engine, topic: GroupHost, name: string, options: ResolvedGroupOptions) {
    this.name = name
    this.#engine = engine
    this.#topic = topic
    this.#options = options
  }

  /** The position before which everything is acknowledged. */
  get floor(): number {
    return this.#state()?.position ?? 0
  }

  /** Entries that are handed out, or given back, and not acknowledged. */
  get pending(): number {
    return this.#state()?.group?.leases.size ?? 0
  }

  /**
   * The next entry for one member; `undefined` where there is none to be had: at the end of the topic, or while others
   * have as many as they may.
   * @throws `WALRUS_CURSOR_NOT_FOUND` once it is deleted, and what an append throws: then nothing is handed out
   * @throws `AbortError`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`, `WALRUS_INVALID_OPTION`
   */
  async next(options: GroupNextOptions = {}): Promise<Delivery | undefined> {
    checkNames('next', options, ['follow', 'signal', 'timeoutMs'])
    const { signal, timeoutMs, follow = timeoutMs !== undefined } = options
    checkBoolean('follow', follow)
    checkWaiting(signal, timeoutMs)
    const { env, closing } = this.#engine
    const until = timeoutMs === undefined ? undefined : env.now() + timeoutMs
    for (;;) {
      const [delivery] = await this.#handOut(1)
      if (delivery !== undefined || !follow) return delivery
      const { picker } = await this.#load()
      const wait = { signal, due: picker.nextDue, ...(until === undefined ? {} : { until }) }
      const woken = await changeOf(this.#topic.waiters, env, closing, wait)
      if (woken === 'timeout') return undefined
    }
  }

  /** Several entries for one member, leased together. Throws as `next`. */
  async read(options: GroupReadOptions = {}): Promise<Delivery[]> {
    checkNames('read', options, ['maxEntries'])
    const { maxEntries = 100 } = options
    checkInteger('maxEntries', maxEntries, 1, 10_000)
    return await this.#handOut(maxEntries)
  }

  /** Iterates over the entries for one member, who settles each. */
  async *consume(options: GroupConsumeOptions = {}): AsyncGenerator<Delivery, void, undefined> {
    checkNames('consume', options, ['follow', 'signal'])
    for (;;) {
      const delivery = await this.next(options)
      if (delivery === undefined) return
      yield delivery
    }
  }

  /** @internal */
  async acknowledge(delivery: Delivery): Promise<void> {
    const { picker } = await this.#load()
    await this.#settle(delivery, 'acknowledged', picker.ackOf(delivery.index))
  }

  /** @internal */
  async giveBack(delivery: Delivery, delayMs: number): Promise<void> {
    checkInteger('delayMs', delayMs, 0, LATEST_MS)
    const { deadLetter } = this.#options
    if (deadLetter !== undefined && delivery.attempts >= deadLetter.after) {
      await this.#reserve(delivery)
      await this.#bury(delivery.entry)
      return
    }
    const due = this.#engine.env.now() + delayMs
    const { cursor } = await this.#load()
    await this.#settle(delivery, 'returned', this.#leaseOf(cursor, delivery, 'returned', due), due)
  }

  /** @internal */
  async extend(delivery: Delivery, deadlineMs: number | undefined): Promise<void> {
    const { deadlineMs: usual } = this.#options
    checkInteger('deadlineMs', deadlineMs ?? usual, 1, LATEST_MS)
    const due = this.#engine.env.now() + (deadlineMs ?? usual)
    const { cursor } = await this.#load()
    await this.#settle(delivery, 'held', this.#leaseOf(cursor, delivery, 'leased', due), due)
  }

  /** @internal It was deleted. */
  deleted(): void {
    this.#deleted = true
    this.#topic.waiters.wake()
  }

  async #handOut(count: number): Promise<Delivery[]> {
    const picked = await this.#inTurn(() => this.#pick(count))
    if (picked.length === 0) return []
    const { picker, cursor } = await this.#load()
    const due = this.#engine.env.now() + this.#options.deadlineMs
    try {
      const records = picked.map((each) => this.#leaseOf(cursor, each, 'leased', due))
      await this.#engine.ledger.write(records)
    } catch (error) {
      for (const each of picked.toReversed()) picker.failed(each)
      throw error
    }
    for (const each of picked) picker.handedOut(each, due)
    return picked.map(({ entry, attempts }) => new Delivery(this, entry, attempts))
  }

  async #pick(count: number): Promise<Picked[]> {
    const { picker } = await this.#load()
    const all: Picked[] = []
    const { deadLetter } = this.#options
    while (all.length < count) {
      const picked = await picker.pick()
      if (picked === undefined) return all
      if (deadLetter === undefined || picked.attempts <= deadLetter.after) all.push(picked)
      else await this.#bury(picked.entry)
    }
    return all
  }

  /** Puts an entry that has come too often into the dead-letter topic, and is done with it, in one commit. */
  async #bury(entry: TopicEntry): Promise<void> {
    const { picker } = await this.#load()
    const log: Log = this.#engine.log
    const batch = log.batch()
    this.#topic.put(batch, this.#options.deadLetter!.topic, entry)
    this.#engine.ledger.enter(batch, [picker.ackOf(entry.index)])
    try {
      await log.commit(batch)
    } catch (error) {
      picker.settled(entry.index, 'returned')
      throw error
    }
    picker.settled(entry.index, 'acknowledged')
    this.#moved()
  }

  async #settle(
    delivery: Delivery,
    what: 'acknowledged' | 'returned' | 'held',
    record: TopicRecord,
    due?: number,
  ): Promise<void> {
    const picker = await this.#reserve(delivery)
    try {
      await this.#engine.ledger.write([record])
    } catch (error) {
      picker.settled(delivery.index, 'held')
      throw error
    }
    picker.settled(delivery.index, what, due)
    if (what !== 'held') this.#moved()
  }

  async #reserve({ index, attempts }: Delivery): Promise<Picker> {
    const { picker } = await this.#load()
    if (picker.reserve(index, attempts)) return picker
    const message = `entry ${index} of topic ${JSON.stringify(this.#topic.name)} is settled, or was handed out again after its deadline`
    throw new WalrusError('WALRUS_LEASE_LOST', message, { index })
  }

  #moved(): void {
    // What waits for room, or behind a key, may go on.
    this.#topic.waiters.wake()
    this.#engine.passed(this.#topic.name)
  }

  #leaseOf(
    { number: cursor }: CursorState,
    { entry: { index: position }, attempts }: Picked,
    kind: 'leased' | 'returned',
    due: number,
  ): TopicRecord {
    return { kind, topic: this.#topic.number, cursor, position, attempts, due }
  }

  #state(): CursorState | undefined {
    return this.#engine.state.find(this.#topic.name)?.cursor(this.name)
  }

  #load(): Promise<{ picker: Picker; cursor: CursorState }> {
    this.#engine.checkOpen()
    if (this.#deleted) throw cursorNotFound(this.#topic.name, this.name)
    this.#loaded ??= this.#read().catch((error: unknown) => {
      this.#loaded = undefined
      throw error
    })
    return this.#loaded
  }

  async #read(): Promise<{ picker: Picker; cursor: CursorState }> {
    const cursor = await this.#topic.ensureCursor(this.name)
    const picker = new Picker(this.#engine, this.#topic, cursor, this.#options)
    await picker.load()
    return { picker, cursor }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const answer = this.#turn.then(work)
    this.#turn = answer.catch(() => {})
    return answer
  }
}
