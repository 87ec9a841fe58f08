/** Somebody who uses topics in every way, by chance, one call after the other, and writes down what is owed. */

import type { SimulatedStorage } from '@walrus/storage-sim'
import { type Consistency, type Delivery, Topics } from '@walrus/topics'
import { choose, pick, type Random } from './random.ts'
import { GROUP, type Owed, type Reading, RESULTS, SOURCES, text, WORKER } from './topics-oracle.ts'

export const TOPICS_DIR = '/topics'

const STEPS = 24
const CURSORS = ['a/', 'a/slow', 'b/'] as const
const BY_CHANCE: readonly Consistency[] = ['strict', { persistEvery: 3 }, { persistEvery: 8 }]

export async function openTopics(
  storage: SimulatedStorage,
  consistency: Consistency = 'strict',
): Promise<Topics> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const options = { segmentBytes: 65_536, reclaimEveryMs: 50, logger }
  return await Topics.open(TOPICS_DIR, { storage, consistency, ...options })
}

export class TopicsDriver {
  readonly #storage: SimulatedStorage
  readonly #owed: Owed
  readonly #random: Random
  #topics: Topics | undefined
  #held: Delivery[] = []
  #sequence = 0

  constructor(storage: SimulatedStorage, owed: Owed, random: Random) {
    this.#storage = storage
    this.#owed = owed
    this.#random = random
  }

  /** One life: it is opened, used, and closed. */
  async live(): Promise<void> {
    const consistency = choose(this.#random, BY_CHANCE)
    this.#topics = await openTopics(this.#storage, consistency)
    this.#owed.persistEvery = consistency === 'strict' ? 1 : consistency.persistEvery
    this.#held = []
    const steps = [
      ...[() => this.#append(), () => this.#append(), () => this.#appendBatch()],
      ...[() => this.#next(), () => this.#next(), () => this.#next(), () => this.#read()],
      ...[() => this.#commit(), () => this.#seek(), () => this.#transact(), () => this.#produce()],
      ...[() => this.#lease(), () => this.#settle(), () => this.#mark(), () => this.#pass()],
    ]
    for (let step = 0; step < STEPS; step++) await choose(this.#random, steps)()
    const { cursors } = this.#owed
    await this.#topics.close()
    for (const reading of Object.values(cursors)) reading.least = reading.handed
  }

  /** Lets go of what is open, after a failure. */
  async abandon(): Promise<void> {
    await this.#topics?.close().catch(() => {})
  }

  async #append(): Promise<void> {
    const name = choose(this.#random, SOURCES)
    const { sent, acknowledged } = this.#owed
    const data = this.#payload(name)
    this.#dirty(name)
    sent[name]!.push(data)
    await this.#topics!.topic(name).append(data)
    acknowledged[name] = sent[name]!.length
  }

  async #appendBatch(): Promise<void> {
    const name = choose(this.#random, SOURCES)
    const { sent, acknowledged } = this.#owed
    const all = sent[name]!
    const batch: string[] = []
    for (let left = pick(this.#random, 5); left > 0; left--) {
      batch.push(this.#payload(name, batch.length))
    }
    if (batch.length > 0) this.#dirty(name)
    all.push(...batch)
    await this.#topics!.topic(name).appendBatch(batch)
    acknowledged[name] = all.length
  }

  async #produce(): Promise<void> {
    const { sent, acknowledged, produced } = this.#owed
    const sequence = this.#sequence++
    const data = this.#payload('b')
    this.#dirty('b')
    sent['b']!.push(data)
    const by = { producer: 'p', sequence }
    // A retry beside the first try, as often as not.
    const tries = Array.from({ length: 1 + pick(this.#random, 2) }, () =>
      this.#topics!.topic('b').append(data, by),
    )
    const [position] = await Promise.all(tries)
    acknowledged['b'] = sent['b']!.length
    produced[sequence] = position!
  }

  async #next(): Promise<void> {
    const { key, cursor, reading } = this.#reading()
    const entry = await cursor.next()
    if (entry === undefined) return
    expectNext(key, entry.index, reading)
    reading.batch = 1
    reading.handed = entry.index + 1
  }

  async #read(): Promise<void> {
    const { key, cursor, reading } = this.#reading()
    const entries = await cursor.read({ maxEntries: 1 + pick(this.#random, 5) })
    const [first] = entries
    if (first === undefined) return
    expectNext(key, first.index, reading)
    reading.batch = entries.length
    reading.handed = first.index + entries.length
  }

  async #commit(): Promise<void> {
    const { cursor, reading } = this.#reading()
    await cursor.commit()
    reading.least = reading.handed
  }

  async #seek(): Promise<void> {
    if (pick(this.#random, 3) > 0) return
    const { cursor, reading, topic } = this.#reading()
    const [first, end] = [topic.first, topic.end]
    const to = first + pick(this.#random, end - first + 1)
    reading.moving = to
    // Forwards and backwards: nothing is owed of where it was.
    reading.least = Math.min(reading.least, to)
    await cursor.seek({ position: to })
    reading.moving = undefined
    reading.handed = to
    reading.least = to
    reading.batch = 1
  }

  async #transact(): Promise<void> {
    const source = this.#topics!.topic('a')
    const worker = source.cursor(WORKER)
    this.#owed.workerFrom ??= source.first
    const done = await this.#topics!.transaction(async (tx) => {
      const entries = await tx.read(worker, { maxEntries: 2 })
      for (const entry of entries) tx.append(RESULTS, `of ${text(entry).slice(0, 20)}`)
      return entries.length
    })
    this.#owed.results += done
  }

  async #lease(): Promise<void> {
    const group = this.#topics!.topic('b').group(GROUP, { deadlineMs: 200 })
    const { attempts } = this.#owed
    this.#owed.groupFrom ??= this.#topics!.topic('b').first
    for (const delivery of await group.read({ maxEntries: 1 + pick(this.#random, 3) })) {
      if (delivery.attempts <= (attempts[delivery.index] ?? 0)) {
        throw new Error(`entry ${delivery.index} comes for the ${delivery.attempts}. time again`)
      }
      attempts[delivery.index] = delivery.attempts
      this.#held.push(delivery)
    }
  }

  async #settle(): Promise<void> {
    const delivery = this.#held.splice(pick(this.#random, this.#held.length + 1), 1)[0]
    if (delivery === undefined) return
    const { acked, acking } = this.#owed
    try {
      if (pick(this.#random, 3) === 0) {
        await delivery.nack(pick(this.#random, 100))
        return
      }
      acking.push(delivery.index)
      await delivery.ack()
      acked.push(delivery.index)
    } catch (error) {
      // Its deadline has passed.
      if ((error as { code?: string }).code !== 'WALRUS_LEASE_LOST') throw error
      if (!acked.includes(delivery.index)) acking.splice(acking.lastIndexOf(delivery.index), 1)
    }
  }

  async #mark(): Promise<void> {
    const name = choose(this.#random, SOURCES)
    await this.#topics!.topic(name).mark(true)
    this.#owed.clean.push(name)
  }

  /** Time passes, and what is done in the background is. */
  async #pass(): Promise<void> {
    await new Promise<void>((resolve) => this.#storage.env.after(60, resolve, true))
  }

  #reading(): {
    key: string
    topic: ReturnType<Topics['topic']>
    cursor: ReturnType<ReturnType<Topics['topic']>['cursor']>
    reading: Reading
  } {
    const key = choose(this.#random, CURSORS)
    const [name, cursor] = key.split('/') as [string, string]
    const topic = this.#topics!.topic(name)
    this.#owed.cursors[key] ??= { handed: topic.first, least: 0, batch: 1, moving: undefined }
    return { key, topic, cursor: topic.cursor(cursor), reading: this.#owed.cursors[key] }
  }

  /** Some are large, so that segments end. */
  #payload(name: string, ahead = 0): string {
    const number = this.#owed.sent[name]!.length + ahead
    return `${name}${number}`.padEnd(
      pick(this.#random, 6) === 0 ? 9_000 : pick(this.#random, 30),
      '.',
    )
  }

  #dirty(name: string): void {
    const { clean } = this.#owed
    for (let at = clean.length - 1; at >= 0; at--) if (clean[at] === name) clean.splice(at, 1)
  }
}

function expectNext(key: string, index: number, { handed }: Reading): void {
  if (index !== handed) throw new Error(`cursor ${key} goes on with ${index}, not ${handed}`)
}
