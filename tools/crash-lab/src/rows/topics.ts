/**
 * Topics, used in every way over several openings: crashes as in row 1, and calls that fail as in row 4.
 *
 * Nothing is ever passed over; what comes again after a crash is what the consistency says; results of transactions
 * are there exactly once; a group has nothing again that was acknowledged; a retry finds its entry.
 */

import { WalrusError } from '@walrus/codec'
import { LOSSES, type LossName, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { openTopics, TopicsDriver } from '../topics-driver.ts'
import { goOn, nothingOwed, type Owed, violationsOf, WORKER } from '../topics-oracle.ts'

const ENDS = [...Object.keys(LOSSES).map((name) => name.replaceAll(' ', '-')), 'kill']
const FAULTS = ['none', 'none', 'EIO', 'ENOSPC'] as const
const CI_SEEDS = 300
const LIVES = 2
/** Crash points of a run. */
const POINTS = 5

export const topics: Row = {
  name: 'topics',
  title: 'topics, cursors, groups, producers',
  keys: {
    seed: SEED,
    fault: oneOf([...new Set(FAULTS)]),
    call: whole(0, 1e6),
    loss: oneOf(ENDS),
  },
  run,
  *ciPlans() {
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('topics', { seed })
  },
}

interface Crash {
  readonly call: number
  readonly end: string
  readonly disk: SimulatedDisk
  readonly owed: Owed
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed ^ 0x2f6d81c3)
  // All of it is drawn, also what the plan says: a narrower plan is the same case.
  const drawn = choose(random, FAULTS)
  const fault = (plan.text('fault') ?? drawn) as (typeof FAULTS)[number]
  const failing = pick(random, 600)
  const disk = new SimulatedDisk({ seed, maxCalls: 200_000 })
  const owed = nothingOwed()
  const crashes: Crash[] = []
  const chosen = crashChooser(plan, randomFrom(seed ^ 0x7a3c19e5))
  const failingCall = fault === 'none' ? undefined : (plan.number('call') ?? failing)
  disk.fault = ({ number, change }) => {
    if (number === failingCall && fault !== 'none') return fault
    if (change === undefined || fault !== 'none') return undefined
    const crash = chosen(change)
    if (crash === undefined) return undefined
    const left = disk.copy({ seed: (Math.imul(change + 1, 0x85ebca6b) ^ seed) >>> 0 })
    if (crash.end !== 'kill') left.losePower(crash.end.replaceAll('-', ' ') as LossName)
    crashes[crash.place] = { call: change, end: crash.end, disk: left, owed: structuredClone(owed) }
    return undefined
  }
  const found: string[] = []
  const outcome = await disk.run((storage) => livesOf(storage, owed, random, fault, found))
  if (outcome.ended !== 'returned') found.push(`the run was ended: ${outcome.ended}`)
  disk.fault = undefined
  counts.workloads++
  counts.seeds++
  counts.recoveries++
  if (failingCall !== undefined) counts.faults++
  const narrow = plan.with({ fault, ...(failingCall !== undefined && { call: failingCall }) })
  found.push(...(await faultsAfter(disk, owed)).map((what) => `at its end ${what}`))
  const violations: Violation[] = found.map((what) => ({ plan: narrow, what }))
  for (const { call, end, disk: left, owed: was } of crashes.filter((each) => each !== undefined)) {
    counts.crashPoints++
    counts.recoveries++
    for (const what of await faultsAfter(left, was)) {
      violations.push({ plan: plan.with({ fault, call, loss: end }), what })
    }
  }
  return violations
}

/** Uses topics until a call fails, or all is done. */
async function livesOf(
  storage: SimulatedStorage,
  owed: Owed,
  random: Random,
  fault: string,
  found: string[],
): Promise<void> {
  const driver = new TopicsDriver(storage, owed, random)
  try {
    for (let life = 0; life < LIVES; life++) await driver.live()
  } catch (error) {
    const code = error instanceof WalrusError ? error.code : ''
    const allowed = ['WALRUS_FAILED', fault === 'EIO' ? 'WALRUS_IO' : 'WALRUS_DISK_FULL']
    if (fault === 'none' || !allowed.includes(code)) found.push(`it ended with ${String(error)}`)
  }
  await driver.abandon()
  if (storage.openFiles.size > 0) found.push(`close left ${storage.openFiles.size} files open`)
}

/** In which calls it crashes, and how: a few by chance, or that of the plan. A later one takes an earlier's place. */
function crashChooser(
  plan: Plan,
  random: Random,
): (call: number) => { place: number; end: string } | undefined {
  const [only, loss] = [plan.number('call'), plan.text('loss')]
  return (call) => {
    const place = call < POINTS ? call : pick(random, call + 1)
    const end = choose(random, ENDS)
    if (only !== undefined) return call === only ? { place: 0, end: loss ?? end } : undefined
    return place < POINTS ? { place, end } : undefined
  }
}

/** What is wrong with what a crash left, or a failed call. */
async function faultsAfter(disk: SimulatedDisk, owed: Owed): Promise<string[]> {
  try {
    const outcome = await disk.run((storage) => recoverAndGoOn(storage, owed))
    return outcome.value ?? [`the recovery was ${outcome.ended}`]
  } catch (error) {
    return [String(error)]
  }
}

async function recoverAndGoOn(storage: SimulatedStorage, owed: Owed): Promise<string[]> {
  const after = await openTopics(storage)
  const found = await violationsOf(after, owed)
  found.push(...(await goOn(after, owed)))
  await after.reclaim()
  const firsts = [after.topic('a').first, after.topic('b').first]
  await after.close()
  const again = await openTopics(storage)
  for (const [at, name] of ['a', 'b'].entries()) {
    const topic = again.topic(name)
    if (topic.first < firsts[at]!) found.push(`topic ${name} begins before what was dropped`)
    for (const { name: cursor, lag } of topic.cursors()) {
      // What was tried again after a loss may have been appended.
      if (cursor !== WORKER && lag > Object.keys(owed.produced).length)
        found.push(`${name}/${cursor} lags by ${lag}`)
    }
  }
  await again.close()
  return found
}
