/**
 * A log on a simulated disk to which things are done that truncate and remove, crashed wherever it is told to.
 *
 * What is done is written down as the states the streams go through, in commit order; a crash must leave one of them,
 * not before the last that was acknowledged (killed) or durable (power lost).
 */

import {
  type SimulatedDisk,
  SimulatedDisk as Disk,
  type SimulatedStorage,
} from '@walrus/storage-sim'
import { type Durability, Log, type LogOptions, verify } from '../src/index.ts'
import { DIR, nameOfCall, runOn, text } from './simulated.ts'

export const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)
export const STREAMS = ['', 'a', 'b'] as const
type Name = (typeof STREAMS)[number]

/** Entries of a stream by position. */
interface State {
  readonly first: number
  readonly entries: readonly string[]
}

type States = Readonly<Record<Name, State>>

/** The states a log went through, and how many of its changes were acknowledged, and durable. */
export class History {
  readonly states: States[] = [
    { '': { first: 1, entries: [] }, a: { first: 0, entries: [] }, b: { first: 0, entries: [] } },
  ]
  acknowledged = 0
  durable = 0
  #serial = 0

  copy(): History {
    const copy = new History()
    copy.states.splice(0, 1, ...this.states)
    copy.acknowledged = this.acknowledged
    copy.durable = this.durable
    return copy
  }

  get last(): States {
    return this.states.at(-1)!
  }

  /** Everything up to a state is acknowledged, and durable or not. */
  reached(state: number, durably: boolean): void {
    this.acknowledged = Math.max(this.acknowledged, state)
    if (durably) this.durable = Math.max(this.durable, state)
  }

  /** A new entry; about six of them make a segment. */
  entry(): string {
    return `${this.#serial++};`.padEnd(9_000, 'x')
  }

  change(name: Name, change: (state: State) => State): void {
    this.states.push({ ...this.last, [name]: change(this.last[name]) })
  }
}

/** Does things to a log, each of which is one change. */
export class Driver {
  readonly log: Log
  readonly #history: History
  readonly #durably: boolean

  constructor(log: Log, history: History, durability: Durability) {
    this.log = log
    this.#history = history
    this.#durably = durability === 'commit'
  }

  async append(name: Name, count = 1): Promise<void> {
    for (let at = 0; at < count; at++) {
      const entry = this.#history.entry()
      const appended = this.#of(name).append(entry)
      this.#history.change(name, ({ first, entries }) => ({ first, entries: [...entries, entry] }))
      await this.#done(appended)
    }
  }

  /** Keeps `kept` entries. */
  async truncate(name: Name, kept: number): Promise<void> {
    const { first } = this.#history.last[name]
    const truncated = this.#of(name).truncate(first + kept - 1)
    this.#history.change(name, ({ entries }) => ({ first, entries: entries.slice(0, kept) }))
    await this.#done(truncated)
  }

  /** Drops `dropped` entries. */
  async truncateFront(name: Name, dropped: number): Promise<void> {
    const first = this.#history.last[name].first + dropped
    const truncated = this.#of(name).truncateFront(first)
    this.#history.change(name, ({ entries }) => ({ first, entries: entries.slice(dropped) }))
    await this.#done(truncated)
  }

  /** Commits entries to streams in turn, as one. */
  async transact(names: readonly Name[], count: number): Promise<void> {
    const transaction = this.log.begin()
    const next = { ...this.#history.last }
    for (let at = 0; at < count; at++) {
      const name = names[at % names.length]!
      const { first, entries } = next[name]
      const entry = this.#history.entry()
      transaction.append(name, entry)
      next[name] = { first, entries: [...entries, entry] }
    }
    const committed = transaction.commit()
    this.#history.states.push(next)
    const reached = this.#history.states.length - 1
    await committed
    this.#history.reached(reached, this.#durably || count > 7)
  }

  /** What goes by itself at the next retention. */
  async retain(maxSegments: number): Promise<void> {
    const planned = await this.log.retain({ maxSegments, dryRun: true })
    // All the bounds move in one commit group.
    const next = { ...this.#history.last }
    for (const { stream, last } of planned.streams) {
      const { first, entries } = next[stream as Name]
      next[stream as Name] = { first: last + 1, entries: entries.slice(last + 1 - first) }
    }
    this.#history.states.push(next)
    const { segments } = await this.log.retain({ maxSegments })
    this.#history.reached(this.#history.states.length - 1, segments.length > 0)
  }

  async sync(): Promise<void> {
    const reached = this.#history.states.length - 1
    await this.log.sync()
    this.#history.reached(reached, true)
  }

  #of(name: Name): Pick<Log, 'append' | 'truncate' | 'truncateFront'> {
    return name === '' ? this.log : this.log.stream(name)
  }

  async #done(done: Promise<unknown>): Promise<void> {
    const reached = this.#history.states.length - 1
    await done
    this.#history.reached(reached, this.#durably)
  }
}

/** A transaction of more than seven entries does not stay in memory. */
export const OPTIONS: LogOptions = { segmentBytes: 0x1_0000, transactionMemoryBytes: 0x1_0000 }

/** Does things to a log on a storage, and writes them down. */
export type Workload = (
  storage: SimulatedStorage,
  durability: Durability,
  history: History,
) => Promise<void>

export interface Crash {
  readonly name: string
  readonly disk: SimulatedDisk
  readonly history: History
}

export async function crashesOf(durability: Durability, work: Workload): Promise<Crash[]> {
  const disk = new Disk({ seed: SEED })
  const history = new History()
  const crashes: Crash[] = []
  disk.fault = (call) => {
    if (call.change !== undefined) {
      crashes.push({ name: nameOfCall(call), disk: disk.copy(), history: history.copy() })
    }
    return undefined
  }
  await runOn(disk, (storage) => work(storage, durability, history))
  return crashes
}

async function statesOf(log: Log): Promise<States> {
  const states: Partial<Record<Name, State>> = {}
  for (const name of STREAMS) {
    const stream = name === '' ? log : log.stream(name)
    const from = stream instanceof Log ? stream.nextIndex : stream.next
    const entries: string[] = []
    let first: number | undefined
    for await (const { index, data } of stream.entries()) {
      first ??= index
      entries.push(text(data))
      const got = await stream.get(index)
      if (text(got.data) !== entries.at(-1)) throw new Error(`get(${index}) gives another entry`)
    }
    const ranged = await stream.range(0, Number.MAX_SAFE_INTEGER)
    if (ranged.map(({ data }) => text(data)).join() !== entries.join()) {
      throw new Error('range gives other entries')
    }
    states[name] = { first: first ?? from, entries }
  }
  return states as States
}

/** The serial numbers, to be compared and read. */
function brief(states: States): string {
  return STREAMS.map((name) => {
    const { first, entries } = states[name]
    return `${name}@${first}[${entries.map((entry) => entry.split(';')[0]).join(' ')}]`
  }).join(' ')
}

/** What is wrong after a crash. */
export async function faultsOf(
  disk: SimulatedDisk,
  history: History,
  least: number,
): Promise<string[]> {
  const found: string[] = []
  const allowed = history.states.slice(least).map(brief)
  let seen: string | undefined
  try {
    seen = await runOn(disk, async (storage) => {
      const reader = await Log.open(DIR, { storage, readOnly: true })
      const states = brief(await statesOf(reader))
      await reader.close()
      return states
    })
  } catch (error) {
    if ((error as { code?: string }).code !== 'WALRUS_NOT_FOUND') found.push(String(error))
  }
  try {
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { storage, ...OPTIONS })
      const states = await statesOf(log)
      const recovered = brief(states)
      if (!allowed.includes(recovered)) {
        found.push(`left ${recovered}, must be one of ${allowed.slice(0, 4).join(' or ')}`)
      }
      if (seen !== undefined && seen !== recovered)
        found.push(`a reader saw ${seen}, then ${recovered}`)
      const went = new Driver(log, Object.assign(new History(), { states: [states] }), 'commit')
      await went.append('', 2)
      await went.truncate('a', Math.floor(states.a.entries.length / 2))
      await went.append('a', 8)
      await went.append('b')
      const grown = brief(await statesOf(log))
      await log.close()
      const again = await Log.open(DIR, { storage, ...OPTIONS })
      if (!again.recovery.clean) found.push('it was closed, and did not open as closed')
      const reopened = brief(await statesOf(again))
      if (reopened !== grown) found.push(`after reopening ${reopened}, not ${grown}`)
      await again.close()
      const report = await verify(DIR, { storage })
      // An index is not synced: after a power loss it may not be what was written.
      found.push(...report.damage.map(({ message }) => message))
      const names = await storage.list(DIR)
      const lowest = Math.min(
        ...names.filter((name) => name.endsWith('.seg')).map(Number.parseFloat),
      )
      const orphans = names.filter(
        (name) => /^\d+\.idx$/.test(name) && Number.parseFloat(name) < lowest,
      )
      found.push(...orphans.map((name) => `${name} was left without its segment`))
    })
  } catch (error) {
    found.push(String(error))
  }
  return found
}
