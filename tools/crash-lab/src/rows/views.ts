/**
 * A view attached to a log, over several openings: snapshots of it in the background and asked for, crashes as in row
 * 1, calls that fail as in row 4, and calls that take long.
 *
 * What a view is restored to is what the entries that are left come to; of what a snapshot speaks that was
 * acknowledged, nothing is applied again. Beside the writer a reader's view is brought up to date.
 */

import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import { SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import {
  CRASHING_KEYS,
  crashing,
  FAULTS,
  type FaultName,
  faultsOf,
  isAllowed,
  leftOver,
  SLOW_NAMES,
} from '../crashing.ts'
import { KeyView, stateOf, STREAM } from '../key-view.ts'
import { type Counts, oneOf, Plan, type Row, type Violation } from '../plan.ts'
import { choose, pick, randomFrom } from '../random.ts'
import { LARGE_ROW, OPTIONS, Promised, ViewDriver, ViewReader } from '../view-driver.ts'
import { WAYS } from '../view-ways.ts'
import { DIR, DURABILITIES } from '../workload.ts'

const CI_SEEDS = 150
const CI_SLOW_SEEDS = 5

export const views: Row = {
  name: 'views',
  title: 'views, and snapshots of them',
  keys: { ...CRASHING_KEYS, way: oneOf(Object.keys(WAYS)) },
  run: async (plan, counts) => {
    const way = plan.text('way')
    return way === undefined ? await byChance(plan, counts) : await inWay(way, plan, counts)
  },
  *ciPlans() {
    for (const way of Object.keys(WAYS)) yield new Plan('views', { way })
    for (let seed = 0; seed < CI_SEEDS; seed++) yield new Plan('views', { seed })
    yield* slowPlans(0, CI_SLOW_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('views', { seed })
    yield* slowPlans(from, to)
  },
}

function* slowPlans(from: number, to: number): Generator<Plan> {
  for (let seed = from; seed < to; seed++) {
    for (const slow of SLOW_NAMES) yield new Plan('views', { seed, fault: 'none', slow })
  }
}

/** What can be told of without a crash. */
async function inWay(way: string, plan: Plan, counts: Counts): Promise<Violation[]> {
  const disk = new SimulatedDisk({ seed: plan.number('seed') ?? 0, maxCalls: 20_000 })
  counts.workloads++
  const found = await faultsOf(disk, (storage) => WAYS[way]!(storage, disk))
  return found.map((what) => ({ plan, what }))
}

async function byChance(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed ^ 0x243f6a88)
  const align = choose(random, [1, 1, 512])
  // All of it is drawn, also what the plan says: a narrower plan is the same case.
  const drawn = [choose(random, FAULTS), choose(random, Object.keys(DURABILITIES))]
  const fault = (plan.text('fault') ?? drawn[0]) as FaultName
  const durability = plan.text('durability') ?? drawn[1]!
  const failingCall = pick(random, 500)
  const failing = fault === 'none' ? undefined : (plan.number('call') ?? failingCall)
  const disk = new SimulatedDisk({ seed, align, maxCalls: 100_000 })
  const promised = new Promised()
  const ended = crashing({ plan, disk, fault, failing, promised: () => promised.copy() })
  const narrow = plan.with({ durability, fault, ...(failing !== undefined && { call: failing }) })
  const found = await faultsOf(disk, async (storage) => {
    const driver = new ViewDriver(storage, DURABILITIES[durability]!, promised, random)
    const reader = new ViewReader(disk, promised)
    const inRun: string[] = []
    try {
      inRun.push(...(await driver.run(() => reader.look())))
    } catch (error) {
      if (!isAllowed(error, fault)) inRun.push(`it ended with ${String(error)}`)
    }
    disk.fault = undefined
    await driver.abandon()
    return [...inRun, ...(await reader.end()), ...(await leftOver(disk, storage))]
  })
  const crashes = ended()
  counts.workloads++
  counts.seeds++
  counts.recoveries += 1 + crashes.length
  counts.crashPoints += crashes.length
  if (failing !== undefined) counts.faults++
  const violations: Violation[] = found.map((what) => ({ plan: narrow, what }))
  for (const what of await faultsOf(disk, (storage) => recoverAndGoOn(storage, promised, 'kill'))) {
    violations.push({ plan: narrow, what: `at its end ${what}` })
  }
  for (const { call, end, disk: left, promised: was } of crashes) {
    for (const what of await faultsOf(left, (storage) => recoverAndGoOn(storage, was, end))) {
      violations.push({ plan: plan.with({ durability, fault, call, loss: end }), what })
    }
  }
  return violations
}

/** A reader and a writer find the same, which is what must be left; one more snapshot, and nothing is applied again. */
async function recoverAndGoOn(
  storage: SimulatedStorage,
  was: Promised,
  end: string,
): Promise<string[]> {
  const [least, covered] =
    end === 'kill' ? [was.acknowledged, was.covered] : [was.durable, was.coveredDurably]
  const found: string[] = []
  const seen = await seenByReader(storage)
  const log = await Log.open(DIR, { storage, ...OPTIONS })
  const view = new KeyView(LARGE_ROW)
  const attachment = await log.attach(view)
  const { next } = log.stream(STREAM)
  const must = stateOf(was.keys.slice(0, next))
  if (next < least || next > was.keys.length)
    found.push(`${next} entries are left of ${was.keys.length}, and must be ${least} at least`)
  if (view.told !== must) found.push(`a view is restored to ${view.told}, and must be ${must}`)
  if (seen !== undefined && seen !== must) found.push(`a reader saw ${seen}, and must see ${must}`)
  if (view.applied > next - covered)
    found.push(`${view.applied} of ${next} entries are applied, with ${covered} in a snapshot`)
  const batch = log.batch()
  view.add(batch, 'after it')
  await log.commit(batch)
  await attachment.snapshot()
  await log.close()
  const again = await Log.open(DIR, { storage, ...OPTIONS })
  const restored = new KeyView(LARGE_ROW)
  await again.attach(restored)
  if (restored.applied > 0) found.push(`${restored.applied} entries are applied behind a snapshot`)
  if (restored.told !== view.told)
    found.push(`opened again it is restored to ${restored.told}, and must be ${view.told}`)
  await again.close()
  return found
}

async function seenByReader(storage: SimulatedStorage): Promise<string | undefined> {
  try {
    const reader = await Log.open(DIR, { storage, readOnly: true })
    const view = new KeyView(0)
    await reader.attach(view)
    await reader.close()
    return view.told
  } catch (error) {
    if (error instanceof WalrusError && error.code === 'WALRUS_NOT_FOUND') return undefined
    throw error
  }
}
