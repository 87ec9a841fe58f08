/**
 * A key-value store and an outbox on one log: random calls, and a crash in any of them. What is found then is what some
 * of the calls come to, from the first on, none that was acknowledged missing; a key set together with an entry of
 * the outbox is there if and only if the entry is.
 */

import { Kv } from '@walrus/kv'
import { LOSSES, type LossName, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { DIR, DURABILITIES } from '../workload.ts'
import {
  contentsOf,
  type KvContents,
  KvDriver,
  type KvSetting,
  KvTrace,
  print,
} from './kv-model.ts'

const CI_SEEDS = 400
/** Crashes tried of each seed. */
const CRASHES = 4
const MOST_STEPS = 30
const ENDS = [...Object.keys(LOSSES).map((name) => name.replaceAll(' ', '-')), 'kill']

export const kv: Row = {
  name: 'kv',
  title: 'keys and an outbox in one log, and crashes',
  keys: { seed: SEED, call: whole(0, 1e6), loss: oneOf(ENDS) },
  run,
  *ciPlans() {
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('kv', { seed })
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed ^ 0x6b765f73)
  counts.seeds++
  counts.workloads++
  const whole = await workload(seed, new SimulatedDisk({ seed, maxCalls: 200_000 }))
  if (whole.trace.found.length > 0) return whole.trace.found.map((what) => ({ plan, what }))
  for (let crash = 0; crash < CRASHES; crash++) {
    const call = plan.number('call') ?? pick(random, whole.changes)
    const loss = plan.text('loss') ?? choose(random, ENDS)
    counts.crashPoints++
    counts.recoveries++
    const found = await crashed(seed, call, loss)
    const narrow = plan.with({ call, loss })
    if (found.length > 0) return found.map((what) => ({ plan: narrow, what }))
    if (plan.number('call') !== undefined) break
  }
  return []
}

function settingOf(random: Random): KvSetting {
  return {
    durability: DURABILITIES[choose(random, Object.keys(DURABILITIES))]!,
    cacheBytes: choose(random, [0, 20_000]),
  }
}

/** All of a workload, as far as it comes. */
async function workload(
  seed: number,
  disk: SimulatedDisk,
): Promise<{ trace: KvTrace; setting: KvSetting; changes: number; ended: string }> {
  const random = randomFrom(seed)
  const setting = settingOf(random)
  const trace = new KvTrace()
  const { ended } = await disk.run(async (storage) => {
    const driver = new KvDriver(storage, trace, setting, random)
    await driver.open()
    const steps = 5 + pick(random, MOST_STEPS)
    for (let step = 0; step < steps; step++) {
      await driver.step()
      if (pick(random, 3) === 0) await driver.settle()
    }
    await driver.close()
  })
  return { trace, setting, changes: disk.changes, ended }
}

async function crashed(seed: number, call: number, loss: string): Promise<string[]> {
  const end = loss === 'kill' ? 'kill' : 'power'
  const power = (loss === 'kill' ? 'any' : loss.replaceAll('-', ' ')) as LossName
  const disk = new SimulatedDisk({ seed, maxCalls: 200_000, loss: power })
  disk.crashAt(call, end)
  const { trace, ended } = await workload(seed, disk)
  const found = [...trace.found]
  if (ended === 'returned') return found
  disk.fault = undefined
  const contents = await onDisk(disk, found, (store) => contentsOf(store, found))
  const least = end === 'kill' ? trace.acknowledged : trace.durable
  if (contents !== undefined && !trace.explains(contents, least)) {
    const owed = print(trace.after(least))
    found.push(`it holds ${print(contents)}, and ${least} calls were promised: ${owed}`)
  }
  await goesOn(disk, contents, found)
  return found
}

/** A recovered store takes changes, and has them and all before at the next opening. */
async function goesOn(
  disk: SimulatedDisk,
  before: KvContents | undefined,
  found: string[],
): Promise<void> {
  if (before === undefined) return
  await onDisk(disk, found, async (store) => {
    await store.set('after', 'the crash')
    await store.delete('a')
  })
  const after = await onDisk(disk, found, (store) => contentsOf(store, found))
  const keys = new Map(before.keys)
  keys.set('after', 'the crash')
  keys.delete('a')
  if (after !== undefined && print(after) !== print({ ...before, keys })) {
    found.push('what was changed after the crash, or was there, is not there')
  }
}

/** Does something with the store in a process of its own; what goes wrong there is a finding. */
async function onDisk<T>(
  disk: SimulatedDisk,
  found: string[],
  work: (store: Kv) => Promise<T>,
): Promise<T | undefined> {
  try {
    const { value } = await disk.run(async (storage: SimulatedStorage) => {
      const store = await Kv.open(DIR, { storage })
      const result = await work(store)
      await store.close()
      return result
    })
    return value
  } catch (error) {
    found.push(`after the crash: ${String(error)}`)
    return undefined
  }
}
