/** A key-value store as it should be, in memory: what row `kv` compares the real one with. */

import { type Durability, Log } from '@walrus/log'
import type { Storage } from '@walrus/segment'
import { Kv } from '@walrus/kv'
import { choose, pick, type Random } from '../random.ts'
import { DIR } from '../workload.ts'

/** The stream that transactions append to besides setting a key: the outbox. */
export const OUTBOX = 'outbox'

const KEYS = ['a', 'ab', 'b', 'c', 'ca', '']
const SIZES = [3, 40, 900, 6000, 30_000]
/** Enough records for a snapshot of the keys when the store is closed. */
const CHURN = 4200

/** Keys and values, and how many entries are in the outbox. */
export interface KvContents {
  readonly keys: ReadonlyMap<string, string>
  readonly outbox: number
}

type Change = (keys: Map<string, string>) => void

/** Calls in the order they were made, and how far they have been answered. */
export class KvTrace {
  readonly #calls: { readonly change: Change; readonly outbox: number }[] = []
  /** So many calls have been acknowledged, from the first on; and so many are on disk. */
  acknowledged = 0
  durable = 0
  /** What was not as it should be, in words. */
  readonly found: string[] = []

  get calls(): number {
    return this.#calls.length
  }

  /** Notes a call; `durably`: its answer means that it is on disk. */
  async call(
    change: Change,
    outbox: number,
    durably: boolean,
    answer: Promise<unknown>,
  ): Promise<void> {
    const upTo = this.#calls.push({ change, outbox })
    await answer
    this.acknowledged = Math.max(this.acknowledged, upTo)
    if (durably) this.synced(upTo)
  }

  synced(upTo: number): void {
    this.durable = Math.max(this.durable, upTo)
    this.acknowledged = Math.max(this.acknowledged, upTo)
  }

  /** The contents behind so many calls. */
  after(count: number): KvContents {
    const keys = new Map<string, string>()
    let outbox = 0
    for (const call of this.#calls.slice(0, count)) {
      call.change(keys)
      outbox += call.outbox
    }
    return { keys, outbox }
  }

  /** Whether contents are those behind some number of calls, not fewer than `least`. */
  explains(contents: KvContents, least: number): boolean {
    const found = print(contents)
    for (let count = this.#calls.length; count >= least; count--) {
      if (print(this.after(count)) === found) return true
    }
    return false
  }
}

export function print({ keys, outbox }: KvContents): string {
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([
    outbox,
    sorted.map(([key, value]) => [key, value.length, value.slice(0, 20)]),
  ])
}

/** All of a store, read in every way, and how many entries are in the outbox. */
export async function contentsOf(kv: Kv, found: string[]): Promise<KvContents> {
  const scan = kv.entries()
  const keys = new Map(kv.entriesSync())
  const read = new Map<string, string>()
  for await (const [key, value] of scan) read.set(key, value)
  const outbox = kv.log.stream(OUTBOX).next
  const contents = { keys, outbox }
  if (print({ keys: read, outbox }) !== print(contents)) found.push('two ways of reading differ')
  if (kv.size !== keys.size) found.push(`size is ${kv.size}, and there are ${keys.size} keys`)
  for (const [key, value] of keys) {
    if ((await kv.get(key)) !== value || !kv.has(key)) found.push(`key ${key} is read differently`)
  }
  return contents
}

export interface KvSetting {
  readonly durability: Durability
  readonly cacheBytes: number
}

/** Does random things to a store, and notes what comes of them. */
export class KvDriver {
  readonly #storage: Storage
  readonly #trace: KvTrace
  readonly #setting: KvSetting
  readonly #random: Random
  #calls: Promise<void>[] = []
  #made = 0
  kv!: Kv

  constructor(storage: Storage, trace: KvTrace, setting: KvSetting, random: Random) {
    this.#storage = storage
    this.#trace = trace
    this.#setting = setting
    this.#random = random
  }

  async open(): Promise<void> {
    const { durability, cacheBytes } = this.#setting
    const log = await Log.open(DIR, { storage: this.#storage, durability, segmentBytes: 0x1_0000 })
    this.kv = await Kv.open(log, { cacheBytes, env: this.#storage.env })
  }

  async step(): Promise<void> {
    const { kv } = this
    const random = this.#random
    const [key, value] = [choose(random, KEYS), this.#value()]
    switch (pick(random, 12)) {
      case 0:
      case 1:
      case 2:
        return this.#call((keys) => keys.set(key, value), kv.set(key, value))
      case 3:
        return this.#call((keys) => keys.delete(key), kv.delete(key))
      case 4: {
        const others = KEYS.slice(pick(random, KEYS.length))
        const operations = others.map((each) => ({ type: 'set' as const, key: each, value }))
        const change: Change = (keys) => others.forEach((each) => keys.set(each, value))
        return this.#call(change, kv.batch(operations))
      }
      case 5: {
        const change: Change = (keys) => {
          for (const each of [...keys.keys()]) if (each >= key) keys.delete(each)
        }
        return this.#call(change, kv.clear({ gte: key }))
      }
      case 6:
      case 7: {
        const batch = kv.log.batch()
        kv.in(batch).set(key, value)
        batch.append(OUTBOX, value)
        const change: Change = (keys) => keys.set(key, value)
        return this.#call(change, kv.log.commit(batch), 1)
      }
      case 8:
        return await this.#compareAndSet(key, value)
      case 9:
        return await this.#churn()
      case 10:
        await this.settle()
        await kv.commit()
        return this.#trace.synced(this.#trace.calls)
      default:
        return await this.#reopen()
    }
  }

  /** Waits for all that was called for. */
  async settle(): Promise<void> {
    const calls = this.#calls
    this.#calls = []
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === 'rejected') throw outcome.reason
    }
  }

  async close(): Promise<void> {
    await this.settle()
    await this.kv.close()
    await this.kv.log.close()
    this.#trace.synced(this.#trace.calls)
  }

  async #reopen(): Promise<void> {
    const before = this.#trace.after(this.#trace.calls)
    await this.close()
    await this.open()
    const after = await contentsOf(this.kv, this.#trace.found)
    if (print(after) !== print(before)) this.#trace.found.push('opened again, it is another')
  }

  async #compareAndSet(key: string, value: string): Promise<void> {
    await this.settle()
    const { keys } = this.#trace.after(this.#trace.calls)
    const done = this.kv.compareAndSet(key, keys.get(key), value)
    this.#call((contents) => contents.set(key, value), done)
    await this.settle()
    if (!(await done)) this.#trace.found.push(`a compare and set of ${key} was not done`)
    if (await this.kv.compareAndSet(key, `not ${value}`, '')) {
      this.#trace.found.push(`a compare and set of ${key} was done`)
    }
  }

  /** So many records that closing makes a snapshot of the keys. */
  async #churn(): Promise<void> {
    if (pick(this.#random, 4) > 0) return
    const operations = Array.from({ length: CHURN }, (_, at) => ({
      type: 'set' as const,
      key: KEYS[at % KEYS.length]!,
      value: `churn ${at} ${this.#made}`,
    }))
    const change: Change = (keys) => operations.forEach(({ key, value }) => keys.set(key, value))
    this.#call(change, this.kv.batch(operations))
    await this.settle()
  }

  #value(): string {
    return `${++this.#made} `.padEnd(choose(this.#random, SIZES), 'x')
  }

  #call(change: Change, answer: Promise<unknown>, outbox = 0): void {
    const durably = this.#setting.durability === 'commit'
    const call = this.#trace.call(change, outbox, durably, answer)
    call.catch(() => {})
    this.#calls.push(call)
  }
}
