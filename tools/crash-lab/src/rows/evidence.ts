/**
 * What a log remembers of itself. Not whether entries survive, which other rows ask, but what else is built on syncs:
 * - `marks`: what `log.marks` calls durable is there after a power loss that takes everything else, and in it all that
 *   was acknowledged as durable.
 * - `missing`: a segment that was durable and is gone (a file deleted by hand) is missed, not taken for never written.
 * - `bounded`: how much is read after that power loss does not grow with the log.
 * - `clean`: a log that was closed opens as closed, and nothing is read.
 */

import { Log, type LogOptions } from '@walrus/log'
import { SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation } from '../plan.ts'
import { DIR, DURABILITIES, pass } from '../workload.ts'

const SEGMENT_BYTES = 65_536
const ENTRY_BYTES = 20_000
const ENTRIES = 45
/** So many that what a loop leaves to the background is done in it more than once. */
const ENTRIES_IN_A_LOOP = 90
/** Of so many segments more than the last one may have to be read, once what goes on in the background is done. */
const BOUND = 3
/** Before that, rotation may be behind by as many as may wait for it, and those it is in the middle of. */
const BOUND_BEHIND = 12
const CI_SEEDS = 12

/** `few`: all in one segment. */
const WAYS = ['awaited', 'looped', 'few'] as const
const ENDS = ['running', 'idle', 'synced', 'closed', 'reopened'] as const
const QUESTIONS = ['marks', 'missing', 'bounded', 'clean'] as const

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
  const unmarked: string[] = []
  await disk.run(async (storage) => {
    durable = await fill(storage, options, way, end, unmarked)
    disk.losePower()
  })
  counts.crashPoints++
  const found = unmarked.map((what) => ({ plan: plan.with({ question: 'marks' }), what }))
  for (const question of QUESTIONS) {
    if ((plan.text('question') ?? question) !== question) continue
    if (question === 'clean' && end !== 'closed') continue
    // What tells of a segment is written after it, in the background; of the first one, before anything else.
    const early = end === 'running' || end === 'synced'
    if (question === 'missing' && early && way !== 'few') continue
    const settled = way !== 'looped' && !early
    counts.recoveries++
    const what = await ASKED[question](disk.copy(), options, durable, settled)
    if (what !== undefined) found.push({ plan: plan.with({ question }), what })
  }
  return found
}

/**
 * Appends over many segments; the index up to which everything is durable, going by the log.
 * @param unmarked learns what was acknowledged as durable, and was not durable going by the log
 */
async function fill(
  storage: SimulatedStorage,
  options: LogOptions,
  way: Way,
  end: End,
  unmarked: string[],
): Promise<number> {
  let log = await Log.open(DIR, { ...options, storage })
  const entries = entriesIn(way)
  for (let n = 0; n < entries; n++) {
    const data = new Uint8Array(ENTRY_BYTES).fill(n)
    const index = way === 'looped' ? log.appendSync(data) : await log.append(data)
    if (options.durability === 'commit' && durableIn(log) < index) {
      unmarked.push(`entry ${index} was acknowledged, and the log durable up to ${durableIn(log)}`)
    }
  }
  if (end === 'running') return durableIn(log)
  if (end === 'idle') await pass(storage, 50)
  if (end === 'synced') await log.sync()
  if (end === 'closed' || end === 'reopened') {
    await log.close()
    if (end === 'closed') return entries
    log = await Log.open(DIR, { ...options, storage })
  }
  return durableIn(log)
}

function entriesIn(way: Way): number {
  if (way === 'few') return 2
  return way === 'looped' ? ENTRIES_IN_A_LOOP : ENTRIES
}

/** Without other streams the log's frames are its entries, and a mark is the frame that comes next. */
function durableIn(log: Log): number {
  return log.marks.durable - 1
}

type Question = (
  disk: SimulatedDisk,
  options: LogOptions,
  durable: number,
  settled: boolean,
) => Promise<string | undefined>

const ASKED: Readonly<Record<(typeof QUESTIONS)[number], Question>> = {
  async marks(disk, options, durable) {
    const { lastIndex } = await recovered(disk, options)
    if (lastIndex >= durable) return undefined
    return `the log said that entry ${durable} was durable; after the power loss the last is ${lastIndex}`
  },

  async bounded(disk, options, _durable, settled) {
    const { scannedBytes } = await recovered(disk, options)
    const bound = (settled ? BOUND : BOUND_BEHIND) * SEGMENT_BYTES
    if (scannedBytes <= bound) return undefined
    return `recovery read ${scannedBytes} bytes, and ${bound} should do`
  },

  async clean(disk, options) {
    const { clean } = await recovered(disk, options)
    return clean ? undefined : 'the log was closed, and did not open as closed'
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
): Promise<{ lastIndex: number; scannedBytes: number; clean: boolean }> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { ...options, storage })
    const { lastIndex } = log
    const { scannedBytes, clean } = log.recovery
    await log.close()
    return { lastIndex, scannedBytes: scannedBytes ?? 0, clean }
  })
  return value!
}
