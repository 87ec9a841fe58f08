/** Does things to a log that take it from one state to the next, and writes them down. */

import { WalrusError } from '@walrus/codec'
import { type Claim, type Durability, Log, type LogOptions } from '@walrus/log'
import type { Storage } from '@walrus/segment'
import {
  bytesOf,
  type History,
  type State,
  stateOf,
  type StreamName,
  STREAMS,
  told,
} from './history.ts'
import { choose, pick, type Random } from './random.ts'
import { DIR } from './workload.ts'

/** Of what is large, six or seven entries fill a segment, and eight are too many for memory. */
export const LARGE = 9_000
export const SPILLED = 8
export const OPTIONS: LogOptions = { segmentBytes: 0x1_0000, transactionMemoryBytes: 0x1_0000 }
/** Nothing that is done here takes so long. */
const AGE_MS = 1e9
const OPENINGS = 3
const STEPS = 9

type Changes = Partial<Record<StreamName, State[StreamName]>>

export class HistoryDriver {
  readonly #storage: Storage
  readonly #durability: Durability
  readonly #history: History
  readonly #random: Random
  readonly #found: string[] = []
  #log: Log | undefined
  #claim: { readonly claim: Claim; readonly stream: StreamName; readonly from: number } | undefined

  constructor(
    storage: Storage,
    durability: Durability,
    history: History,
    random: Random,
    log?: Log,
  ) {
    this.#storage = storage
    this.#durability = durability
    this.#history = history
    this.#random = random
    this.#log = log
  }

  /**
   * Everything by chance; what went wrong, in words.
   * @param look lets a reader look
   */
  async run(look: () => Promise<void>): Promise<string[]> {
    for (let opening = 0; opening < OPENINGS; opening++) {
      await this.#open()
      for (let step = 0; step < STEPS; step++) {
        const before = this.#history.states.length - 1
        try {
          await this.#step()
        } catch (error) {
          await this.#refused(error, before)
        }
        if (pick(this.#random, 4) === 0) await look()
        if (pick(this.#random, 3) === 0) await this.#check()
      }
      await this.#close()
    }
    return this.#found
  }

  /** Closes what is open, whatever comes of it. */
  async abandon(): Promise<void> {
    await this.#log?.close().catch(() => {})
  }

  async append(name: StreamName, count: number, size: number): Promise<void> {
    const appended: Promise<unknown>[] = []
    for (let at = 0; at < count; at++) {
      const serial = this.#history.newEntry()
      const done = this.#of(name).append(bytesOf(serial, size))
      appended.push(this.#reached(done, this.#history.change(this.#with(name, [serial]))))
    }
    await settled(appended)
  }

  /** Commits entries to streams in turn, as one. */
  async transact(names: readonly StreamName[], count: number): Promise<void> {
    const transaction = this.#now.begin()
    const serials = Array.from({ length: count }, () => this.#history.newEntry())
    for (const [at, serial] of serials.entries()) {
      transaction.append(names[at % names.length], bytesOf(serial, LARGE))
    }
    const next = this.#nextOf(names[0]!)
    transaction.expect(names[0], next)
    const changes = this.#withAll(names, serials)
    const done = transaction.commit()
    await this.#reached(done, this.#history.change(changes), count >= SPILLED)
  }

  /** Keeps `kept` entries. */
  async truncate(name: StreamName, kept: number): Promise<void> {
    const { first, entries } = this.#history.last[name]
    const done = this.#of(name).truncate(first + kept - 1)
    const change = { [name]: { first, entries: entries.slice(0, kept) } }
    // What has nothing to do says nothing of what came before it.
    if (kept === entries.length) await done
    else await this.#reached(done, this.#history.change(change))
  }

  async #truncateFront(name: StreamName, dropped: number): Promise<void> {
    const { first, entries } = this.#history.last[name]
    const done = this.#of(name).truncateFront(first + dropped)
    const change = { [name]: { first: first + dropped, entries: entries.slice(dropped) } }
    if (dropped === 0) await done
    else await this.#reached(done, this.#history.change(change))
  }

  async #retain(maxSegments: number): Promise<void> {
    const log = this.#now
    const planned = await log.retain({ maxSegments, dryRun: true })
    const aged = await log.retain({ maxAgeMs: AGE_MS, dryRun: true })
    if (aged.streams.length > 0) this.#found.push('retention takes entries that are not that old')
    const changes: Changes = {}
    for (const { stream, last } of planned.streams) {
      const name = stream as StreamName
      const { first, entries } = this.#history.last[name]
      changes[name] = { first: last + 1, entries: entries.slice(last + 1 - first) }
      const claim = this.#claim
      if (claim?.stream === name && claim.from <= last)
        this.#found.push(`retention takes ${name}[${last}], which is claimed from ${claim.from} on`)
    }
    const state = this.#history.change(changes)
    const { segments } = await log.retain({ maxSegments })
    this.#history.reached(state, segments.length > 0)
    const names = await this.#storage.list(DIR)
    const gone = segments.filter(({ file }) => names.some((name) => file.endsWith(`/${name}`)))
    if (gone.length > 0) this.#found.push('segments that were removed are still there')
  }

  /** Refused, or in: nothing else can come of it. */
  async #expect(name: StreamName): Promise<void> {
    const batch = this.#now.batch()
    const serials = [this.#history.newEntry(), this.#history.newEntry()]
    for (const serial of serials) batch.append(name, bytesOf(serial, 64))
    const wrong = this.#nextOf(name) + choose(this.#random, [1, 2])
    const refused = await this.#now
      .commit(batch, { expect: { stream: name, next: wrong } })
      .then(() => 'went in', codeOf)
    if (refused === 'WALRUS_CONFLICT') {
      const next = this.#nextOf(name)
      const done = this.#now.commit(batch, { expect: { stream: name, next } })
      await this.#reached(done, this.#history.change(this.#with(name, serials)))
    } else if (refused === 'went in')
      this.#found.push('a commit went in that expected another state')
    else throw new WalrusError(refused as `WALRUS_${string}`, 'a commit was refused')
  }

  #appendSync(name: StreamName): void {
    const serial = this.#history.newEntry()
    const state = this.#history.change(this.#with(name, [serial]))
    this.#of(name).appendSync(bytesOf(serial, 300))
    if (this.#durability !== 'none') this.#history.reached(state, this.#durability === 'commit')
  }

  /** One behind the other, without waiting. */
  async #together(): Promise<void> {
    const [one, other] = [choose(this.#random, STREAMS), choose(this.#random, STREAMS)]
    const underWay = [this.transact([one, other], choose(this.#random, [3, 9]))]
    underWay.push(this.truncate(one, pick(this.#random, this.#count(one) + 1)))
    underWay.push(this.append(other, 1, 10))
    // Of what is cut and appended anew before its turn comes, a truncation of the front lets nothing go.
    if (one !== other && pick(this.#random, 2) === 0) {
      underWay.push(this.#truncateFront(other, pick(this.#random, this.#count(other) + 1)))
      underWay.push(this.transact([other], 1))
    }
    try {
      if (pick(this.#random, 3) === 0) this.#appendSync(one)
    } finally {
      await settled(underWay)
    }
  }

  async #step(): Promise<void> {
    const random = this.#random
    const name = choose(random, STREAMS)
    const what = pick(random, 20)
    if (what < 4) return await this.append(name, 1 + pick(random, 4), choose(random, [10, LARGE]))
    if (what < 7) return await this.transact(shuffled(random), 1 + pick(random, 20))
    if (what < 10) return await this.truncate(name, pick(random, this.#count(name) + 1))
    if (what < 12) return await this.#truncateFront(name, pick(random, this.#count(name) + 1))
    if (what < 14) return await this.#retain(1 + pick(random, 6))
    if (what < 16) return await this.#together()
    if (what < 17) return await this.#expect(name)
    if (what < 18) return this.#appendSync(name)
    if (what < 19) return await this.#sync()
    this.#claim?.claim.release()
    const from = this.#history.last[name].first + pick(random, 4)
    const claim = this.#now.claim('reader', () => [{ stream: name, from }].map(plainly))
    this.#claim = { claim, stream: name, from }
  }

  async #sync(): Promise<void> {
    const state = this.#history.states.length - 1
    await this.#now.sync()
    this.#history.reached(state, true)
  }

  /** What can be read is what was asked for. */
  async #check(): Promise<void> {
    const [is, must] = [told(await stateOf(this.#now)), told(this.#history.last)]
    if (is !== must) this.#found.push(`it holds ${is}, and must hold ${must}`)
    const { durable, sequenced } = this.#now.marks
    if (this.#durability === 'commit' && durable < sequenced)
      this.#found.push(
        `everything was acknowledged, and it is durable up to ${durable} of ${sequenced}`,
      )
  }

  /** A call failed. What was refused for want of space is not kept; the rest only the next opening can tell. */
  async #refused(error: unknown, before: number): Promise<void> {
    if (codeOf(error) !== 'WALRUS_DISK_FULL') throw error
    const is = await stateOf(this.#now)
    const states = this.#history.states.slice(before).map(told)
    const at = states.lastIndexOf(told(is))
    this.#history.takenBack(before + Math.max(0, at))
    if (at >= 0) return
    // What is too large for memory is refused by itself, and what came behind it goes in.
    const durably = this.#durability === 'commit'
    if (states.length > 2) this.#history.reached(this.#history.change(is), durably)
    else this.#found.push(`after a full disk it holds ${told(is)}, and must hold ${states[0]}`)
  }

  async #open(): Promise<void> {
    this.#claim = undefined
    this.#log = await Log.open(DIR, {
      ...OPTIONS,
      storage: this.#storage,
      durability: this.#durability,
    })
    const is = told(await stateOf(this.#log))
    if (is !== told(this.#history.last)) this.#found.push(`it opens with ${is}`)
  }

  async #close(): Promise<void> {
    const state = this.#history.states.length - 1
    await this.#now.close()
    this.#log = undefined
    this.#history.reached(state, true)
  }

  async #reached(done: Promise<unknown>, state: number, durably = false): Promise<void> {
    await done
    this.#history.reached(state, durably || this.#durability === 'commit')
  }

  get #now(): Log {
    return this.#log!
  }

  #of(name: StreamName): Pick<Log, 'append' | 'appendSync' | 'truncate' | 'truncateFront'> {
    return name === '' ? this.#now : this.#now.stream(name)
  }

  #count(name: StreamName): number {
    return this.#history.last[name].entries.length
  }

  #nextOf(name: StreamName): number {
    const { first, entries } = this.#history.last[name]
    return first + entries.length
  }

  #with(name: StreamName, serials: readonly number[]): Changes {
    return this.#withAll([name], serials)
  }

  #withAll(names: readonly StreamName[], serials: readonly number[]): Changes {
    const changes: Changes = {}
    for (const [at, serial] of serials.entries()) {
      const name = names[at % names.length]!
      const { first, entries } = changes[name] ?? this.#history.last[name]
      changes[name] = { first, entries: [...entries, serial] }
    }
    return changes
  }
}

export function codeOf(error: unknown): string {
  return error instanceof WalrusError ? error.code : String(error)
}

function shuffled(random: Random): StreamName[] {
  const from = pick(random, STREAMS.length)
  return [...STREAMS.slice(from), ...STREAMS.slice(0, from)].slice(0, 1 + pick(random, 3))
}

/** The plain log has no name. */
function plainly<T extends { stream: string; from: number }>({ stream, from }: T) {
  return stream === '' ? { from } : { stream, from }
}

/** Waits for all, then throws what the first failed with. */
async function settled(underWay: readonly Promise<unknown>[]): Promise<void> {
  for (const answer of await Promise.allSettled(underWay)) {
    if (answer.status === 'rejected') throw answer.reason
  }
}
