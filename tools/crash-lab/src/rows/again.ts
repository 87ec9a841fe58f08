/**
 * Row 2: crashes one after the other: in the recovery from the one before, or in what was appended after it.
 *
 * Each life of a log is a process that opens it and does a little, and crashes at some call, as likely in its
 * recovery as anywhere. The next life begins with what that left. A recovery that came to its end is final: what it
 * found is durable, and what it did not find never comes back.
 */

import { basename, dirname, join } from 'node:path'
import { LOSSES, type LossName, SimulatedDisk } from '@walrus/storage-sim'
import {
  contentsOf,
  type Contents,
  type Ending,
  same,
  startsWith,
  Trace,
  violations,
} from '../oracle.ts'
import { type Counts, Plan, type Row, SEED, type Violation } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { contentsForReader, faultsAfterRecovery } from '../recovery.ts'
import {
  DIR,
  DURABILITIES,
  Driver,
  randomSteps,
  SEGMENT_BYTES,
  type Workload,
} from '../workload.ts'

const CI_SEEDS = 5_000
const LIVES = 4
const QUARANTINE = join(DIR, 'quarantine')
const LOSS_NAMES = Object.keys(LOSSES) as LossName[]

/** What a crash left of a log, and what is owed. */
interface Left {
  readonly disk: SimulatedDisk
  readonly trace: Trace
  /** What the crashes since the last finished recovery may have taken, at most. */
  readonly ending: Ending
  /** Whether the last crash was a loss of power: all that is left is durable. */
  readonly isDurable: boolean
  /** What a recovery that does come to its end finds. */
  readonly contents: Contents
}

export const again: Row = {
  name: 'again',
  title: 'crashes in recoveries and after them',
  keys: { seed: SEED },
  run,
  *ciPlans() {
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('again', { seed })
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed ^ 0x517cc1b7)
  const align = choose(random, [1, 1, 1, 512])
  const zeroAhead = pick(random, 4) > 0
  const disk = new SimulatedDisk({ seed, align, zeroAhead, maxCalls: 100_000 })
  const found: string[] = []
  let left: Left = {
    disk,
    trace: new Trace(),
    ending: 'power',
    isDurable: true,
    contents: new Map(),
  }
  counts.seeds++
  counts.workloads++
  for (let life = 0; life < LIVES && found.length === 0; life++) {
    const workload = {
      durability: choose(random, Object.keys(DURABILITIES)),
      segmentBytes: SEGMENT_BYTES,
      // A recovery alone, as often as one with something after it.
      steps: life === 0 ? randomSteps(random, 2, 6) : randomSteps(random, 0, pick(random, 2) * 3),
    }
    left = await live(left, workload, random, found)
    counts.crashPoints++
    counts.recoveries++
  }
  if (found.length === 0) {
    const { trace, ending } = left
    found.push(...(await faultsAfterRecovery(left.disk, trace, trace.moment(), ending)))
    counts.recoveries++
  }
  return found.map((what) => ({ plan, what }))
}

/** One life, up to its crash, and what that leaves. */
async function live(
  before: Left,
  workload: Workload,
  random: Random,
  found: string[],
): Promise<Left> {
  const { disk, trace } = before
  const owed = trace.moment()
  let recovered = false
  let changes = 0
  let crash: (Omit<Left, 'contents'> & { readonly inRecovery: boolean }) | undefined
  const setAside: string[] = []
  let lost: string[] = []
  disk.fault = ({ change, kind, path }) => {
    if (kind === 'rename' && dirname(path) === QUARANTINE) setAside.push(basename(path))
    if (change === undefined || pick(random, ++changes) > 0) return undefined
    const killed = pick(random, 4) === 0
    const left = disk.copy({ seed: pick(random, 2 ** 32) })
    if (!killed) left.losePower(choose(random, LOSS_NAMES))
    // What a killed process left may be gone, until a recovery has come to its end.
    lost = recovered || before.isDurable ? setAside.filter((name) => !isKept(left, name)) : []
    crash = {
      disk: left,
      trace: trace.from(trace.moment()),
      ending: killed && (recovered || before.ending === 'kill') ? 'kill' : 'power',
      isDurable: !killed || (before.isDurable && !recovered),
      inRecovery: !recovered,
    }
    return undefined
  }
  await disk.run(async (storage) => {
    const driver = new Driver(storage, trace, workload)
    await driver.open()
    const contents = await contentsOf(driver.log)
    found.push(...violations(trace, owed, before.ending, contents, driver.log.marks))
    if (!same(contents, before.contents)) {
      found.push('a reader saw another log than the next writer recovered')
    }
    trace.settle(contents)
    recovered = true
    for (const step of workload.steps) await driver.step(step)
    await driver.tick(100)
  })
  found.push(...trace.broken)
  found.push(...lost.map((name) => `${name} was moved to the quarantine folder, and is gone`))
  const { inRecovery, ...left } = crash!
  const { value } = await left.disk.copy().run(contentsForReader)
  const contents = value!
  const isSame = same(contents, before.contents)
  // What a killed process had only written, a loss of power in its recovery may take still.
  const mayShrink = !before.isDurable && left.isDurable
  if (inRecovery && !isSame && !(mayShrink && startsWith(before.contents, contents))) {
    found.push('a recovery that did not come to its end changed what the next one finds')
  }
  return { ...left, contents }
}

/** Whether a segment is where it was, or in the quarantine folder. */
function isKept(disk: SimulatedDisk, name: string): boolean {
  return [DIR, QUARANTINE].some((dir) => disk.files().has(join(dir, name)))
}
