/**
 * Row 1: a crash at every call that changes the disk, with every loss of a written list.
 *
 * All workloads of up to three operations one by one; longer ones by seed, each with crashes at a few of its calls.
 * The workload runs once: at each call the disk is copied as the crash would leave it, and recovered there.
 */

import { LOSSES, type LossName, SimulatedDisk } from '@walrus/storage-sim'
import { type Ending, type Moment, Trace } from '../oracle.ts'
import {
  type Counts,
  matching,
  oneOf,
  Plan,
  type Row,
  SEED,
  type Violation,
  whole,
} from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { faultsAfterRecovery } from '../recovery.ts'
import {
  ALPHABET,
  DURABILITIES,
  Driver,
  parseSteps,
  randomSteps,
  SEGMENT_BYTES,
  STEPS_PATTERN,
  type Workload,
} from '../workload.ts'

/** How the machine stops: a loss of power, by the name of what it takes, or a kill of the process. */
const ENDS = [...Object.keys(LOSSES).map((name) => name.replaceAll(' ', '-')), 'kill']
const DURABILITY_NAMES = Object.keys(DURABILITIES)
const MOST_OPERATIONS = 3
const CI_SEEDS = 20_000
/** Crash points of a workload by seed, and ends tried at each. */
const POINTS = 1
const ENDS_EACH = 3

const SYNCHRONOUS: ReadonlySet<string> = new Set(['appendSync', 'overtake'])

/** All that a plan settles. */
interface Case {
  readonly seed: number
  readonly workload: Workload
  readonly align: number
  readonly zeroAhead: boolean
  readonly ruinSectors: boolean
}

/** A moment at which the workload crashes. */
interface Crash {
  readonly call: number
  readonly moment: Moment
  readonly disks: { readonly end: string; readonly disk: SimulatedDisk }[]
}

export const crash: Row = {
  name: 'crash',
  title: 'a crash at every call',
  keys: {
    seed: SEED,
    steps: matching(STEPS_PATTERN, 'steps separated by commas, such as append:10,sync,reopen'),
    durability: oneOf(DURABILITY_NAMES),
    call: whole(0, 1e6),
    loss: oneOf(ENDS),
  },
  run,
  *ciPlans() {
    yield* exhaustivePlans()
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('crash', { seed })
  },
}

/** Every workload of up to three operations, in each durability. */
function* exhaustivePlans(): Generator<Plan> {
  let workloads = ['none']
  for (let length = 0; length <= MOST_OPERATIONS; length++) {
    for (const steps of workloads) {
      for (const durability of DURABILITY_NAMES) yield new Plan('crash', { steps, durability })
    }
    workloads = workloads.flatMap((steps) =>
      ALPHABET.map((step) => (steps === 'none' ? step : `${steps},${step}`)),
    )
  }
}

function caseOf(plan: Plan): Case {
  const seed = plan.number('seed') ?? 0
  const steps = plan.text('steps')
  if (steps !== undefined) {
    const durability = plan.text('durability') ?? 'commit'
    return {
      seed,
      workload: { durability, segmentBytes: SEGMENT_BYTES, steps: parseSteps(steps) },
      align: 1,
      zeroAhead: true,
      ruinSectors: false,
    }
  }
  const random = randomFrom(seed)
  const align = choose(random, [1, 1, 512, 4096])
  const ruinSectors = align > 1 && pick(random, 2) === 0
  const chosen = randomSteps(random, 4, 12)
  return {
    seed,
    workload: {
      durability: plan.text('durability') ?? choose(random, DURABILITY_NAMES),
      segmentBytes: choose(random, [SEGMENT_BYTES, SEGMENT_BYTES, SEGMENT_BYTES, 0x10_0000]),
      // What appendSync overtakes is written a second time, into sectors that have been synced.
      steps: ruinSectors ? chosen.filter(({ operation }) => !SYNCHRONOUS.has(operation)) : chosen,
    },
    align,
    zeroAhead: pick(random, 4) > 0,
    ruinSectors,
  }
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const what = caseOf(plan)
  const { seed, align, zeroAhead, ruinSectors, workload } = what
  const disk = new SimulatedDisk({ seed, align, zeroAhead, ruinSectors, maxCalls: 100_000 })
  const trace = new Trace()
  const choose = plan.text('steps') === undefined ? someCalls(plan, what) : everyCall(plan)
  const tried = new Set<string>()
  const crashes = new Map<number, Crash>()
  let last = false
  disk.fault = ({ change: call }) => {
    if (call === undefined) return undefined
    const chosen = choose(call, last)
    if (chosen === undefined) return undefined
    const moment = trace.moment()
    const disks: Crash['disks'] = []
    for (const end of chosen.ends) {
      const left = crashed(disk, seed, call, end)
      const state = stateOf(left, trace, moment, end)
      if (!tried.has(state)) disks.push({ end, disk: left })
      tried.add(state)
    }
    crashes.set(chosen.place, { call, moment, disks })
    return undefined
  }
  const { steps } = workload
  await disk.run(async (storage) => {
    const driver = new Driver(storage, trace, workload)
    last = steps.length === 0
    await driver.open()
    for (const [at, step] of steps.entries()) {
      last = at === steps.length - 1
      await driver.step(step)
    }
    // What goes on in the background comes to its end.
    await driver.tick(100)
  })
  counts.workloads++
  if (plan.text('steps') === undefined) counts.seeds++
  const found: Violation[] = trace.broken.map((broken) => ({ plan, what: broken }))
  for (const { call, moment, disks } of crashes.values()) {
    counts.crashPoints++
    for (const { end, disk: left } of disks) {
      counts.recoveries++
      const appending = call % 2 === 0
      const faults = await faultsAfterRecovery(left, trace, moment, endingOf(end), appending)
      found.push(...faults.map((fault) => ({ plan: plan.with({ call, loss: end }), what: fault })))
    }
  }
  return found
}

function endingOf(end: string): Ending {
  return end === 'kill' ? 'kill' : 'power'
}

/** What a crash left and what is owed, for short: what comes of two that are alike is alike. */
function stateOf(left: SimulatedDisk, trace: Trace, moment: Moment, end: string): string {
  const ending = endingOf(end)
  const attempted = trace.attempts.length
  const owed = trace.owed(moment, ending).length
  const { written, durable } = moment.marks
  const mark = ending === 'kill' ? written : durable
  return [ending, attempted, owed, mark, left.fingerprint()].join('|')
}

/** The disk as a crash in this call leaves it. */
function crashed(disk: SimulatedDisk, seed: number, call: number, end: string): SimulatedDisk {
  const chance = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(call + 1, 0x85ebca6b)
  const left = disk.copy({ seed: (chance + ENDS.indexOf(end)) >>> 0 })
  if (end !== 'kill') left.losePower(end.replaceAll('-', ' ') as LossName)
  return left
}

/** Which calls are crashed in, and how; a crash with the same `place` as an earlier one replaces it. */
type Chooser = (
  call: number,
  last: boolean,
) => { readonly place: number; readonly ends: readonly string[] } | undefined

/** Those of the last step: the others are those of shorter workloads. */
function everyCall(plan: Plan): Chooser {
  const only = plan.number('call')
  const loss = plan.text('loss')
  const ends = loss === undefined ? ENDS : [loss]
  return (call, last) => {
    if (only === undefined ? !last : call !== only) return undefined
    return { place: call, ends }
  }
}

/** A few, any of them as likely as any other. */
function someCalls(plan: Plan, { seed }: Case): Chooser {
  const only = plan.number('call')
  const loss = plan.text('loss')
  const random = randomFrom(seed ^ 0x3c6ef372)
  return (call) => {
    if (only !== undefined) return call === only ? { place: 0, ends: [loss ?? 'any'] } : undefined
    const place = call < POINTS ? call : pick(random, call + 1)
    if (place >= POINTS) return undefined
    return { place, ends: loss === undefined ? someEnds(random) : [loss] }
  }
}

function someEnds(random: Random): string[] {
  const others = ENDS.filter((end) => end !== 'any')
  const ends = ['any']
  while (ends.length < ENDS_EACH) ends.push(choose(random, others))
  return ends
}
