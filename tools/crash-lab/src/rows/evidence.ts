/**
 * What a log remembers of itself. Not whether entries survive, which other rows ask, but what else is built on syncs:
 * - `marks`: what `log.marks` calls durable is there after a power loss that takes everything else.
 * - `missing`: a segment that was durable and is gone (a file deleted by hand) is missed, not taken for never written.
 * - `bounded`: how much is read after that power loss does not grow with the log.
 */

import { Log, type LogOptions } from '@walrus/log'
import { SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation } from '../plan.ts'
import { DIR, DURABILITIES } from '../workload.ts'

const SEGMENT_BYTES = 65_536
const ENTRY_BYTES = 20_000
const ENTRIES = 45
/** Of so many segments more than the last one may have to be read: rotation goes on in the background. */
const BOUND = 3
/** `appendSync` without a turn of the event loop may leave more behind. */
const BOUND_IN_A_LOOP = 12
const CI_SEEDS = 12

/** `few`: all in one segment. */
const WAYS = ['awaited', 'looped', 'few'] as const
const ENDS = ['running', 'idle', 'synced', 'closed', 'reopened'] as const
const QUESTIONS = ['marks', 'missing', 'bounded'] as const

type Way = (typeof WAYS)[number]
type End = (typeof ENDS)[number]

export const evidence: Row = {
  name: 'evidence',
  title: 'what a log remembers of itself, when all that was not synced is gone',
  keys: {
    seed: SEED,
    durability: oneOf(Object.keys(DURABILITIES)),
    way: oneOf(WAYS),
    end: oneOf(ENDS),
    question: oneOf(QUESTIONS),
  },
  run,
  ciPlans() {
    return this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) {
      for (const durability of Object.keys(DURABILITIES)) {
        for (const way of WAYS) {
          for (const end of ENDS) yield new Plan('evidence', { seed, durability, way, end })
        }
      }
    }
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const way = (plan.text('way') ?? 'awaited') as Way
  const end = (plan.text('end') ?? 'running') as End
  const durability = DURABILITIES[plan.text('durability') ?? 'commit']!
  const options: LogOptions = { durability, segmentBytes: SEGMENT_BYTES }
  const disk = new SimulatedDisk({
    seed: plan.number('seed') ?? 0,
    loss: 'lost',
    maxCalls: 100_000,
  })
  counts.workloads++
  counts.seeds++
  let durable = 0
  await disk.run(async (storage) => {
    durable = await fill(storage, options, way, end)
    disk.losePower()
  })
  counts.crashPoints++
  const found: Violation[] = []
  for (const question of QUESTIONS) {
    if ((plan.text('question') ?? question) !== question) continue
    // What tells of a segment is written after it, in the background; of the first one, before anything else.
    const early = end === 'running' || end === 'synced'
    if (question === 'missing' && early && way !== 'few') continue
    counts.recoveries++
    const what = await ASKED[question](disk.copy(), options, durable, way)
    if (what !== undefined) found.push({ plan: plan.with({ question }), what })
  }
  return found
}

/** Appends over many segments; the index up to which everything is durable, going by the log. */
async function fill(
  storage: SimulatedStorage,
  options: LogOptions,
  way: Way,
  end: End,
): Promise<number> {
  let log = await Log.open(DIR, { ...options, storage })
  const entries = entriesIn(way)
  for (let n = 0; n < entries; n++) {
    const data = new Uint8Array(ENTRY_BYTES).fill(n)
    if (way === 'looped') log.appendSync(data)
    else await log.append(data)
  }
  if (end === 'running') return durableIn(log)
  if (end === 'idle') await later(storage, 50)
  if (end === 'synced') await log.sync()
  if (end === 'closed' || end === 'reopened') {
    await log.close()
    if (end === 'closed') return entries
    log = await Log.open(DIR, { ...options, storage })
  }
  return durableIn(log)
}

function entriesIn(way: Way): number {
  return way === 'few' ? 2 : ENTRIES
}

/** Without other streams the log's frames are its entries, and a mark is the frame that comes next. */
function durableIn(log: Log): number {
  return log.marks.durable - 1
}

function later(storage: SimulatedStorage, ms: number): Promise<void> {
  return new Promise((resolve) => storage.env.after(ms, resolve))
}

type Question = (
  disk: SimulatedDisk,
  options: LogOptions,
  durable: number,
  way: Way,
) => Promise<string | undefined>

const ASKED: Readonly<Record<(typeof QUESTIONS)[number], Question>> = {
  async marks(disk, options, durable) {
    const { lastIndex } = await recovered(disk, options)
    if (lastIndex >= durable) return undefined
    return `the log said that entry ${durable} was durable; after the power loss the last is ${lastIndex}`
  },

  async bounded(disk, options, _durable, way) {
    const { scannedBytes } = await recovered(disk, options)
    const bound = (way === 'looped' ? BOUND_IN_A_LOOP : BOUND) * SEGMENT_BYTES
    if (scannedBytes <= bound) return undefined
    return `recovery read ${scannedBytes} bytes, and ${bound} should do`
  },

  async missing(disk, options, durable) {
    const segments = [...disk.files().keys()].filter((path) => path.endsWith('.seg')).toSorted()
    disk.remove(segments.at(-1)!)
    let left: number
    try {
      left = (await recovered(disk, options)).lastIndex
    } catch {
      return undefined
    }
    if (left >= durable) return undefined
    return `entry ${durable} was durable, its segment is gone, and the log opens with ${left} entries`
  },
}

async function recovered(
  disk: SimulatedDisk,
  options: LogOptions,
): Promise<{ lastIndex: number; scannedBytes: number }> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { ...options, storage })
    const { lastIndex } = log
    const { scannedBytes } = log.recovery
    await log.close()
    return { lastIndex, scannedBytes: scannedBytes ?? 0 }
  })
  return value!
}
