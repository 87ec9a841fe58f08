/**
 * Truncations and removed segments under crashes at every call that changes the disk: a truncation is there as a whole
 * or not at all, nothing below the first position comes back, and nothing void is read.
 *
 * What is done is written down as the states the streams go through, in commit order; a crash must leave one of them,
 * not before the last that was acknowledged (killed) or durable (power lost).
 */

import { basename } from 'node:path'
import {
  LOSSES,
  type LossName,
  type SimulatedDisk,
  SimulatedDisk as Disk,
  pick,
  randomFrom,
} from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log, type LogOptions, verify } from '../src/index.ts'
import { DIR, nameOfCall, runOn, text } from './simulated.ts'
import { DURABILITIES, nameOf } from './workload.ts'

const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)
const STREAMS = ['', 'a', 'b'] as const
type Name = (typeof STREAMS)[number]

/** Entries of a stream by position. */
interface State {
  readonly first: number
  readonly entries: readonly string[]
}

type States = Readonly<Record<Name, State>>

/** The states a log went through, and how many of its changes were acknowledged, and durable. */
class History {
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

  /** A new entry; about six of them make a segment. */
  entry(): string {
    return `${this.#serial++};`.padEnd(9_000, 'x')
  }

  change(name: Name, change: (state: State) => State): void {
    this.states.push({ ...this.last, [name]: change(this.last[name]) })
  }
}

/** Does things to a log, each of which is one change. */
class Driver {
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
    await this.log.retain({ maxSegments })
    this.#history.acknowledged = this.#history.states.length - 1
    this.#history.durable = this.#history.acknowledged
  }

  async sync(): Promise<void> {
    const reached = this.#history.states.length - 1
    await this.log.sync()
    this.#history.durable = reached
  }

  #of(name: Name): Pick<Log, 'append' | 'truncate' | 'truncateFront'> {
    return name === '' ? this.log : this.log.stream(name)
  }

  async #done(done: Promise<unknown>): Promise<void> {
    const reached = this.#history.states.length - 1
    await done
    this.#history.acknowledged = reached
    if (this.#durably) this.#history.durable = reached
  }
}

const OPTIONS: LogOptions = { segmentBytes: 0x1_0000 }

async function workload(storage: LogOptions['storage'], durability: Durability, history: History) {
  const open = async (): Promise<Driver> => {
    const log = await Log.open(DIR, { ...OPTIONS, storage: storage!, durability })
    return new Driver(log, history, durability)
  }
  const first = await open()
  await first.append('', 5)
  await first.append('a', 6)
  await first.append('', 4)
  await first.truncate('', 3)
  await first.append('', 3)
  await first.truncate('a', 2)
  await first.append('b', 2)
  await first.append('a', 5)
  await first.sync()
  await first.truncate('', 5)
  await first.truncateFront('a', 4)
  await first.append('', 2)
  await first.truncateFront('', 7)
  await first.append('b', 5)
  await first.log.close()
  history.durable = history.acknowledged

  const second = await open()
  await second.truncate('b', 1)
  await second.append('', 6)
  await second.truncate('', 0)
  await second.append('b', 4)
  await second.append('', 3)
  await second.retain(2)
  await second.append('a', 7)
  await second.truncateFront('b', second.log.stream('b').next - second.log.stream('b').first)
  await second.append('b', 2)
  await second.append('', 2)
  await second.log.close()
  history.durable = history.acknowledged
}

type Workload = typeof workload

/** Anything in any order, over several openings. */
function anything(seed: number): Workload {
  return async (storage, durability, history) => {
    const random = randomFrom(seed)
    for (let opening = 0; opening < 3; opening++) {
      const log = await Log.open(DIR, { ...OPTIONS, storage: storage!, durability })
      const driver = new Driver(log, history, durability)
      for (let step = 0; step < 12; step++) {
        const name = STREAMS[pick(random, STREAMS.length)]!
        const count = history.last[name].entries.length
        const what = random()
        if (what < 0.5) await driver.append(name, 1 + pick(random, 4))
        else if (what < 0.75) await driver.truncate(name, pick(random, count + 1))
        else if (what < 0.85) await driver.truncateFront(name, pick(random, count + 1))
        else if (what < 0.95) await driver.retain(1 + pick(random, 3))
        else await driver.sync()
      }
      await log.close()
      history.durable = history.acknowledged
    }
  }
}

interface Crash {
  readonly name: string
  readonly disk: SimulatedDisk
  readonly history: History
}

async function crashesOf(durability: Durability, work: Workload): Promise<Crash[]> {
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
async function faultsOf(disk: SimulatedDisk, history: History, least: number): Promise<string[]> {
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

describe.each(['EIO', 'ENOSPC'] as const)('a call that fails with %s', (fault) => {
  it.each(DURABILITIES.map((durability) => [nameOf(durability), durability] as const))(
    'leaves what is acknowledged, under %s, whichever it is',
    async (_, durability) => {
      const clean = new Disk({ seed: SEED })
      await runOn(clean, (storage) => workload(storage, durability, new History()))
      const found: string[] = []
      for (let number = 0; number < clean.calls; number += 3) {
        const disk = new Disk({ seed: SEED })
        const history = new History()
        let name = ''
        disk.fault = (call) => {
          if (call.number !== number) return undefined
          name = nameOfCall(call)
          return fault
        }
        let storageOpen = 0
        const outcome = await disk.run(async (storage) => {
          const code = await workload(storage, durability, history).then(
            () => '',
            (error: { code?: string }) => error.code ?? 'no code',
          )
          storageOpen = storage.openFiles.size
          return code
        })
        disk.fault = undefined
        const codes = ['', 'WALRUS_FAILED', 'WALRUS_IO', 'WALRUS_DISK_FULL']
        if (!codes.includes(outcome.value ?? 'ended')) found.push(`${name}: ${outcome.value}`)
        if (outcome.value === '' && storageOpen > 0) found.push(`${name}: files were left open`)
        const faults = await faultsOf(disk, history, history.acknowledged)
        found.push(...faults.map((each) => `${name}: ${each}`))
      }
      expect(found).toEqual([])
    },
  )
})

const EACH = DURABILITIES.flatMap((durability) => [
  [nameOf(durability), durability, 'as written down', workload] as const,
  [nameOf(durability), durability, 'of any kind', anything(SEED + 1)] as const,
])

describe.each(EACH)('truncations and removals under %s (%j), %s', (_, durability, _kind, work) => {
  it('are there or not after the process is killed in any call', async () => {
    const found: string[] = []
    for (const { name, disk, history } of await crashesOf(durability, work)) {
      const faults = await faultsOf(disk, history, history.acknowledged)
      found.push(...faults.map((fault) => `${name}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('are there or not after power is lost in any call', async () => {
    const losses = Object.keys(LOSSES) as LossName[]
    const found: string[] = []
    for (const [at, { name, disk, history }] of (await crashesOf(durability, work)).entries()) {
      const loss = losses[(at + SEED) % losses.length]!
      disk.losePower(loss)
      const faults = await faultsOf(disk, history, history.durable)
      found.push(...faults.map((fault) => `${loss} in ${name}: ${fault}`))
    }
    expect(found).toEqual([])
  })
})

it('the workload removes segments: otherwise nothing would be tried', async () => {
  const disk = new Disk({ seed: SEED })
  await runOn(disk, (storage) => workload(storage, 'commit', new History()))
  const oldest = [...disk.files().keys()].filter((path) => path.endsWith('.seg')).sort()[0]
  expect(Number.parseInt(basename(oldest!), 10)).toBeGreaterThan(2)
})
