/**
 * Transactions, preconditions, truncations and removals of segments, in any order, over several openings:
 * crashes as in row 1, calls that fail as in row 4, and calls that take long.
 *
 * Beside the writer a reader follows; what it sees is always one of the states, and never an earlier one again.
 */

import { WalrusError } from '@walrus/codec'
import { Log, verify } from '@walrus/log'
import {
  type BegunCall,
  type CallKind,
  LOSSES,
  type LossName,
  SimulatedDisk,
  type SimulatedStorage,
} from '@walrus/storage-sim'
import { History, stateOf, told } from '../history.ts'
import { HistoryDriver, OPTIONS } from '../history-driver.ts'
import { HistoryReader } from '../history-reader.ts'
import { iterateOverCut, retainAll, retainWithoutSpace, transact } from '../history-waiting.ts'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { DIR, DURABILITIES } from '../workload.ts'

const ENDS = [...Object.keys(LOSSES).map((name) => name.replaceAll(' ', '-')), 'kill']
const FAULTS = ['none', 'EIO', 'ENOSPC'] as const
const CI_SEEDS = 400
/** Crash points of a run, and ends tried at each. */
const POINTS = 3
const ENDS_EACH = 2
/** What goes on in the background has come to its end, in milliseconds. */
const LONG_MS = 400
/** What takes long in some runs, of which every other call does. */
const SLOW: Readonly<Record<string, (call: BegunCall) => boolean>> = {
  sync: ({ kind }) => kind === 'sync',
  directory: ({ kind }) => kind === 'sync directory',
  remove: ({ kind }) => kind === 'remove',
  tail: ({ path }) => path === TAIL,
}
const SLOW_MS = [3, 30]
const CI_SLOW_SEEDS = 12
/** What needs space of a log that goes on. */
const NEED_SPACE: ReadonlySet<CallKind> = new Set(['create', 'write', 'durable write'])
const TAIL = `${DIR}/TAIL`
/** Where its slots stand, and in them the number of the oldest segment. */
const OLDEST_AT = [32, 512 + 32]

export const history: Row = {
  name: 'history',
  title: 'transactions, truncations and removals',
  keys: {
    seed: SEED,
    durability: oneOf(Object.keys(DURABILITIES)),
    fault: oneOf(FAULTS),
    call: whole(0, 1e6),
    loss: oneOf(ENDS),
    slow: oneOf(Object.keys(SLOW)),
  },
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
    for (const slow of Object.keys(SLOW)) yield new Plan('history', { seed, fault: 'none', slow })
  }
}

interface Crash {
  readonly call: number
  readonly end: string
  readonly disk: SimulatedDisk
  readonly history: History
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed ^ 0x510e527f)
  const align = choose(random, [1, 1, 512])
  // All of it is drawn, also what the plan says: a narrower plan is the same case.
  const drawn = [choose(random, FAULTS), choose(random, Object.keys(DURABILITIES))]
  const fault = (plan.text('fault') ?? drawn[0]) as (typeof FAULTS)[number]
  const durability = plan.text('durability') ?? drawn[1]!
  const zeroAhead = pick(random, 4) > 0
  const failingCall = pick(random, 900)
  const disk = new SimulatedDisk({ seed, align, zeroAhead, maxCalls: 200_000 })
  const log = new History()
  const crashes = new Map<number, Crash[]>()
  const failing = fault === 'none' ? undefined : (plan.number('call') ?? failingCall)
  const chosen = crashChooser(plan, randomFrom(seed ^ 0x9b05688c), fault !== 'none')
  const found: string[] = []
  disk.duration = slowly(plan.text('slow'), randomFrom(seed ^ 0x1f83d9ab))
  disk.fault = ({ number, change, kind, path }) => {
    if (number === failing && fault !== 'none') return fault
    if (change === undefined) return undefined
    if (kind === 'remove' && fault === 'none') found.push(...stillCounted(disk, path))
    for (const { place, end } of chosen(change)) {
      const left = disk.copy({ seed: (Math.imul(change + 1, 0x85ebca6b) ^ seed) >>> 0 })
      if (end !== 'kill') left.losePower(end.replaceAll('-', ' ') as LossName)
      const before = crashes.get(place)?.filter((crash) => crash.call === change) ?? []
      crashes.set(place, [...before, { call: change, end, disk: left, history: log.copy() }])
    }
    return undefined
  }
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
  disk.fault = undefined
  disk.duration = undefined
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
  for (const crash of [...crashes.values()].flat()) {
    counts.crashPoints++
    counts.recoveries++
    const { call, end, disk: left, history: was } = crash
    const least = end === 'kill' ? was.acknowledged : was.durable
    for (const what of await faultsAfter(left, was, least)) {
      violations.push({ plan: plan.with({ durability, fault, call, loss: end }), what })
    }
  }
  return violations
}

/** How long calls take, where some take long. */
function slowly(slow: string | undefined, random: Random): SimulatedDisk['duration'] {
  if (slow === undefined) return undefined
  const isSlow = SLOW[slow]!
  return (call) => (isSlow(call) && pick(random, 2) === 0 ? choose(random, SLOW_MS) : undefined)
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

/** Which calls are crashed in, and how: a few, or the one of the plan. A later one takes the place of an earlier. */
function crashChooser(
  plan: Plan,
  random: Random,
  failing: boolean,
): (call: number) => { place: number; end: string }[] {
  const only = plan.number('call')
  const loss = plan.text('loss')
  if (failing) return () => []
  return (call) => {
    if (only !== undefined) return call === only ? [{ place: 0, end: loss ?? 'any' }] : []
    const place = call < POINTS ? call : pick(random, call + 1)
    if (place >= POINTS) return []
    const ends = Array.from({ length: ENDS_EACH }, () => choose(random, ENDS))
    return [...new Set(ends)].map((end) => ({ place, end }))
  }
}

/** Whether a run may end with this, of which a call failed. */
function isAllowed(error: unknown, fault: string): boolean {
  if (!(error instanceof WalrusError) || fault === 'none') return false
  return ['WALRUS_FAILED', fault === 'EIO' ? 'WALRUS_IO' : 'WALRUS_DISK_FULL'].includes(error.code)
}

/** What a log that was closed goes on with, and holds. */
async function leftOver(disk: SimulatedDisk, storage: SimulatedStorage): Promise<string[]> {
  const { calls } = disk
  await new Promise<void>((resolve) => storage.env.after(LONG_MS, resolve))
  const found: string[] = []
  if (disk.calls > calls) found.push(`close left ${disk.calls - calls} calls to be made`)
  if (storage.openFiles.size > 0) found.push(`close left ${storage.openFiles.size} files open`)
  if ((await storage.locked(DIR)) !== undefined) found.push('close left the lock')
  return found
}

/** What is wrong with what a crash left, or a closed log. */
async function faultsAfter(disk: SimulatedDisk, was: History, least: number): Promise<string[]> {
  return await faultsOf(disk, (storage) => recoverAndGoOn(storage, was, least))
}

async function faultsOf(
  disk: SimulatedDisk,
  run: (storage: SimulatedStorage) => Promise<string[]>,
): Promise<string[]> {
  try {
    const outcome = await disk.run(run)
    return outcome.value ?? [`the recovery was ${outcome.ended}`]
  } catch (error) {
    return [String(error)]
  }
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
