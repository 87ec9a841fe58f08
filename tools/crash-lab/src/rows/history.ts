/**
 * Transactions, preconditions, truncations and removals of segments, in any order, over several openings:
 * crashes as in row 1, calls that fail as in row 4, and calls that take long.
 *
 * Beside the writer a reader follows; what it sees is always one of the states, and never an earlier one again.
 */

import { WalrusError } from '@walrus/codec'
import { Log, verify } from '@walrus/log'
import { type CallKind, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import {
  CRASHING_KEYS,
  crashing,
  FAULTS,
  type FaultName,
  faultsOf,
  isAllowed,
  leftOver,
  SLOW_NAMES,
  TAIL,
} from '../crashing.ts'
import { History, stateOf, told } from '../history.ts'
import { HistoryDriver, OPTIONS } from '../history-driver.ts'
import { HistoryReader } from '../history-reader.ts'
import { iterateOverCut, retainAll, retainWithoutSpace, transact } from '../history-waiting.ts'
import { type Counts, Plan, type Row, type Violation } from '../plan.ts'
import { choose, pick, randomFrom } from '../random.ts'
import { DIR, DURABILITIES } from '../workload.ts'

const CI_SEEDS = 400
const CI_SLOW_SEEDS = 12
/** What needs space of a log that goes on. */
const NEED_SPACE: ReadonlySet<CallKind> = new Set(['create', 'write', 'durable write'])
/** Where the slots of the tail file stand, and in them the number of the oldest segment. */
const OLDEST_AT = [32, 512 + 32]

export const history: Row = {
  name: 'history',
  title: 'transactions, truncations and removals',
  keys: CRASHING_KEYS,
  run,
  *ciPlans() {
    for (let seed = 0; seed < CI_SEEDS; seed++) yield new Plan('history', { seed })
    yield* slowPlans(0, CI_SLOW_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('history', { seed })
    yield* slowPlans(from, to)
  },
}

function* slowPlans(from: number, to: number): Generator<Plan> {
  for (let seed = from; seed < to; seed++) {
    for (const slow of SLOW_NAMES) yield new Plan('history', { seed, fault: 'none', slow })
  }
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed ^ 0x510e527f)
  const align = choose(random, [1, 1, 512])
  // All of it is drawn, also what the plan says: a narrower plan is the same case.
  const drawn = [choose(random, FAULTS), choose(random, Object.keys(DURABILITIES))]
  const fault = (plan.text('fault') ?? drawn[0]) as FaultName
  const durability = plan.text('durability') ?? drawn[1]!
  const zeroAhead = pick(random, 4) > 0
  const failingCall = pick(random, 900)
  const disk = new SimulatedDisk({ seed, align, zeroAhead, maxCalls: 200_000 })
  const log = new History()
  const failing = fault === 'none' ? undefined : (plan.number('call') ?? failingCall)
  const found: string[] = []
  const ended = crashing({
    plan,
    disk,
    fault,
    failing,
    promised: () => log.copy(),
    see: ({ kind, path }) => {
      if (kind === 'remove' && fault === 'none') found.push(...stillCounted(disk, path))
    },
  })
  const narrow = plan.with({ durability, fault, ...(failing !== undefined && { call: failing }) })
  const outcome = await disk.run(async (storage) => {
    const driver = new HistoryDriver(storage, DURABILITIES[durability]!, log, random)
    const reader = new HistoryReader(disk, log)
    try {
      found.push(...(await driver.run(() => reader.look())))
    } catch (error) {
      if (!isAllowed(error, fault)) found.push(`it ended with ${String(error)}`)
    }
    disk.fault = undefined
    await driver.abandon()
    found.push(...(await reader.end()), ...(await leftOver(disk, storage)))
  })
  if (outcome.ended !== 'returned') found.push(`the run was ended: ${outcome.ended}`)
  const crashes = ended()
  counts.workloads++
  counts.seeds++
  if (failing !== undefined) counts.faults++
  const violations: Violation[] = found.map((what) => ({ plan: narrow, what }))
  counts.recoveries++
  for (const what of await faultsAfter(disk, log, log.acknowledged)) {
    violations.push({ plan: narrow, what: `at its end ${what}` })
  }
  for (const what of await faultsOf(disk, (storage) => workOn(storage, disk)))
    violations.push({ plan: narrow, what })
  for (const crash of crashes) {
    counts.crashPoints++
    counts.recoveries++
    const { call, end, disk: left, promised: was } = crash
    const least = end === 'kill' ? was.acknowledged : was.durable
    for (const what of await faultsAfter(left, was, least)) {
      violations.push({ plan: plan.with({ durability, fault, call, loss: end }), what })
    }
  }
  return violations
}

/** Of a segment that is removed: whether a slot of the tail file that is on the disk counts it still. */
function stillCounted(disk: SimulatedDisk, path: string): string[] {
  const id = Number(/\/(\d+)\.seg$/.exec(path)?.[1])
  if (Number.isNaN(id)) return []
  const left = disk.copy()
  left.losePower('lost')
  const tail = Buffer.from(left.files().get(TAIL)!)
  return OLDEST_AT.filter((at) => tail.readBigUInt64LE(at) <= id).map(
    () => `segment ${id} is removed, and a slot of the tail file counts it`,
  )
}

/** What is wrong with what a crash left, or a closed log. */
async function faultsAfter(disk: SimulatedDisk, was: History, least: number): Promise<string[]> {
  return await faultsOf(disk, (storage) => recoverAndGoOn(storage, was, least))
}

async function recoverAndGoOn(
  storage: SimulatedStorage,
  was: History,
  least: number,
): Promise<string[]> {
  const found: string[] = []
  let seen: string | undefined
  try {
    const reader = await Log.open(DIR, { storage, readOnly: true })
    seen = told(await stateOf(reader))
    await reader.close()
  } catch (error) {
    if (!(error instanceof WalrusError) || error.code !== 'WALRUS_NOT_FOUND') throw error
  }
  const log = await Log.open(DIR, { storage, ...OPTIONS })
  const recovered = told(await stateOf(log))
  const allowed = was.states.slice(least).map(told)
  if (!allowed.includes(recovered)) {
    found.push(`it is left as ${recovered}, and must be ${allowed.slice(0, 3).join(' or ')}`)
  }
  if (seen !== undefined && seen !== recovered)
    found.push(`a reader saw ${seen}, and the next writer ${recovered}`)
  const next = new History()
  next.states[0] = await stateOf(log)
  const driver = new HistoryDriver(storage, 'commit', next, randomFrom(least), log)
  await driver.append('', 2, 9_000)
  await driver.transact(['', 'orders'], 10)
  await driver.truncate('orders', Math.floor(next.last.orders.entries.length / 2))
  await driver.append('payments', 1, 10)
  const grown = told(await stateOf(log))
  if (grown !== told(next.last)) found.push(`it went on to ${grown}, and not ${told(next.last)}`)
  await log.close()
  const again = await Log.open(DIR, { storage, ...OPTIONS })
  if (!again.recovery.clean) found.push('it was closed, and did not open as closed')
  const reopened = told(await stateOf(again))
  const { firstIndex, lastIndex } = again
  if (reopened !== grown) found.push(`opened again it holds ${reopened}, and not ${grown}`)
  await again.close()
  const report = await verify(DIR, { storage })
  if (report.firstIndex !== firstIndex || report.lastIndex !== lastIndex)
    found.push(
      `it holds ${firstIndex} to ${lastIndex}, and verify ${report.firstIndex} to ${report.lastIndex}`,
    )
  const names = await storage.list(DIR)
  const left = names.filter((name) => /\.(new|tmp)$/.test(name))
  return [...found, ...report.damage.map(({ message }) => `verify: ${message}`), ...left]
}

/** What can be told of without a crash. */
async function workOn(storage: SimulatedStorage, disk: SimulatedDisk): Promise<string[]> {
  const log = await Log.open(DIR, { storage, ...OPTIONS })
  const history = new History()
  history.states[0] = await stateOf(log)
  const driver = new HistoryDriver(storage, 'commit', history, randomFrom(0), log)
  const waiting = { log, driver, history }
  const found = [
    ...(await iterateOverCut(waiting, 'orders')),
    ...(await transact(waiting, 'payments')),
    ...(await retainAll(waiting)),
    ...(await retainWithoutSpace(waiting, (there) => {
      disk.fault = there ? undefined : ({ kind }) => (NEED_SPACE.has(kind) ? 'ENOSPC' : undefined)
    })),
  ]
  const is = told(await stateOf(log))
  if (is !== told(history.last)) found.push(`it holds ${is}, and not ${told(history.last)}`)
  await log.close()
  return found
}
