/**
 * Row 4: each call fails, one after the other, and whatever comes of it is told: a log that has failed says so to
 * everybody from then on, one that found no space goes on when there is some, and the next opening finds what was
 * acknowledged. A failed sync drops what it had not written; the power that goes after it takes no more than that.
 */

import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import { type Call, type CallKind, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { Trace } from '../oracle.ts'
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
import { randomFrom } from '../random.ts'
import { faultsAfterRecovery } from '../recovery.ts'
import {
  DIR,
  Driver,
  DURABILITIES,
  parseSteps,
  pass,
  randomSteps,
  SEGMENT_BYTES,
  type Step,
  STEPS_PATTERN,
  type Workload,
} from '../workload.ts'

/**
 * `EIO`, `ENOSPC`: the call fails once. `gone`: it and all after it fail. `full`: from it on there is no space, for a
 * while. `cut`: it fails, and when everything has come to its end the power is lost.
 */
const FAULTS = ['EIO', 'ENOSPC', 'gone', 'full', 'cut'] as const
type FaultName = (typeof FAULTS)[number]

const DURABILITY_NAMES = Object.keys(DURABILITIES)
const NEED_SPACE: ReadonlySet<CallKind> = new Set(['create', 'write', 'durable write', 'mkdir'])
/** For so long there is none, in milliseconds. */
const FULL_MS = 700
const NEVER = Number.POSITIVE_INFINITY
/** Everything that was under way has come to its end, and what was put off has been tried again. */
const LONG_MS = 1000

/** Every kind of call, over several segments, with a close and an opening. */
const EVERYTHING =
  'append:10,many:900,batch:2000,tick:10,stream:64,overtake:120,sync,append:70000,appendSync:41,' +
  'read:20,tick:10,append:30000,batch:40000,reopen,append:20,stream:65,appendSync:9000,tick:100,append:16'

/** Calls are tried so many at a time, and there are not more such blocks of them. */
export const BLOCK_CALLS = 16
export const BLOCKS = 14

export const fail: Row = {
  name: 'fail',
  title: 'each call fails, with and without power afterwards',
  keys: {
    seed: SEED,
    steps: matching(STEPS_PATTERN, 'steps separated by commas, such as append:10,sync,reopen'),
    durability: oneOf(DURABILITY_NAMES),
    fault: oneOf(FAULTS),
    block: whole(0, 1e5),
    call: whole(0, 1e6),
  },
  run,
  *ciPlans() {
    for (const durability of DURABILITY_NAMES) {
      for (const fault of FAULTS) {
        for (let block = 0; block < BLOCKS; block++) {
          yield new Plan('fail', { steps: EVERYTHING, durability, fault, block })
        }
      }
    }
  },
  *longPlans(from, to) {
    if (from === 0) yield* this.ciPlans()
    for (let seed = from; seed < to; seed++) yield new Plan('fail', { seed })
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const found: Violation[] = []
  const steps = plan.text('steps')
  const random = randomFrom(plan.number('seed') ?? 0)
  const all = steps === undefined ? randomSteps(random, 3, 8) : parseSteps(steps)
  // An echo opens files by itself, and does not care about failures.
  const chosen = all.filter(({ operation }) => operation !== 'echo')
  counts.workloads++
  if (steps === undefined) counts.seeds++
  for (const durability of DURABILITY_NAMES) {
    if ((plan.text('durability') ?? durability) !== durability) continue
    const workload = { durability, segmentBytes: SEGMENT_BYTES, steps: chosen }
    const calls = await callsOf(workload)
    for (const fault of FAULTS) {
      if ((plan.text('fault') ?? fault) !== fault) continue
      for (const { number, kind } of calls) {
        const block = Math.floor(number / BLOCK_CALLS)
        if ((plan.number('block') ?? block) !== block) continue
        if ((plan.number('call') ?? number) !== number || !isOf(fault, kind)) continue
        counts.faults++
        counts.recoveries++
        const narrow = plan.with({ durability, fault, call: number })
        for (const what of await new Attempt(workload, fault).run(number)) {
          found.push({ plan: narrow, what: `${kind} fails: ${what}` })
        }
      }
    }
  }
  return found
}

/** Which calls a fault is tried with. */
function isOf(fault: FaultName, kind: CallKind): boolean {
  if (fault === 'full') return NEED_SPACE.has(kind)
  return fault !== 'cut' || /sync|durable/.test(kind)
}

async function callsOf(workload: Workload): Promise<Call[]> {
  const calls: Call[] = []
  const disk = new SimulatedDisk()
  disk.fault = (call) => {
    calls.push(call)
    return undefined
  }
  await new Attempt(workload).runOn(disk)
  return calls
}

/** Decides which calls fail, from that of the plan on. */
function faultsFrom(fault: FaultName, call: number, disk: SimulatedDisk): SimulatedDisk['fault'] {
  let since: number | undefined
  return ({ number, kind }) => {
    if (number < call) return undefined
    since ??= disk.now
    if (fault === 'gone') return 'EIO'
    if (fault === 'full') {
      return NEED_SPACE.has(kind) && disk.now < since + FULL_MS ? 'ENOSPC' : undefined
    }
    if (number > call) return undefined
    return fault === 'ENOSPC' ? 'ENOSPC' : 'EIO'
  }
}

/** One run of a workload, in which a call fails. */
class Attempt {
  readonly #workload: Workload
  readonly #fault: FaultName | undefined
  readonly #trace = new Trace()
  readonly #found: string[] = []
  /** Whether the call of the plan has come. */
  #begun = false
  /** Whether the log was closed last, and said that all was well. */
  #isClosed = false
  /** What the log that is open now has failed with. */
  #failure: WalrusError | undefined

  constructor(workload: Workload, fault?: FaultName) {
    this.#workload = workload
    this.#fault = fault
  }

  /** What went wrong, in words. */
  async run(call: number): Promise<string[]> {
    const disk = new SimulatedDisk({ maxCalls: 100_000 })
    const decide = faultsFrom(this.#fault!, call, disk)!
    disk.fault = (each) => {
      this.#begun ||= each.number >= call
      return decide(each)
    }
    try {
      await this.runOn(disk)
    } catch (error) {
      return [`the run ended with ${String(error)}`]
    }
    disk.fault = undefined
    const moment = this.#trace.moment()
    const cut = this.#fault === 'cut'
    if (cut) disk.losePower()
    // Without space it closes as well as it can.
    if (
      this.#isClosed &&
      this.#made !== 'WALRUS_DISK_FULL' &&
      !(await opensAsClosed(disk.copy()))
    ) {
      this.#found.push('close said that all was well, and it did not open as closed')
    }
    const ending = cut ? 'power' : this.#failure === undefined ? 'close' : 'kill'
    const faults = await faultsAfterRecovery(disk, this.#trace, moment, ending)
    return [...this.#found, ...faults]
  }

  /** Goes on to the end, whatever fails. */
  async runOn(disk: SimulatedDisk): Promise<void> {
    await disk.run(async (storage) => {
      let driver = await this.#open(disk, storage)
      for (const step of this.#workload.steps) {
        if (step.operation !== 'reopen') await this.#step(driver, step)
        else {
          await this.#close(disk, driver, storage)
          driver = await this.#open(disk, storage)
        }
      }
      await pass(storage, LONG_MS)
      const over = this.#begun && this.#fault !== 'gone'
      const more = [
        await this.#step(driver, { operation: 'append', size: 123 }),
        await this.#step(driver, { operation: 'stream', size: 124 }),
      ]
      if (over && this.#failure === undefined && more.includes('failed')) {
        this.#found.push('it takes no more, and has not failed')
      }
      await this.#close(disk, driver, storage)
    })
  }

  /** Opens; where that fails, it says why and lets go of everything, and succeeds when nothing fails any more. */
  async #open(disk: SimulatedDisk, storage: SimulatedStorage): Promise<Driver> {
    this.#failure = undefined
    this.#isClosed = false
    const driver = new Driver(storage, this.#trace, this.#workload)
    try {
      await driver.open()
    } catch (error) {
      if (codeOf(error) !== this.#made) this.#found.push(`opening gave ${String(error)}`)
      await this.#checkLetGo(disk, storage, 'opening')
      disk.fault = undefined
      await driver.open()
    }
    return driver
  }

  async #step(driver: Driver, step: Step): Promise<'done' | 'failed'> {
    const { operation, size } = step
    const hadFailed = this.#failure !== undefined
    const before = this.#trace.moment()
    try {
      // The driver's own tick takes for granted what only holds for a log that has not failed.
      if (operation === 'tick') await pass(driver.storage, size)
      else await driver.step(step)
    } catch (error) {
      // A read of a log that has failed may fail by itself.
      if (operation !== 'read' || codeOf(error) !== this.#made) this.#checkFailure(operation, error)
      return 'failed'
    }
    const isAcknowledged = this.#trace.attempts.some(
      ({ acknowledgedAt, promisedAt }) =>
        Math.min(acknowledgedAt, promisedAt) > before.at &&
        Math.min(acknowledgedAt, promisedAt) <= this.#trace.moment().at,
    )
    if (hadFailed && isAcknowledged) this.#found.push(`${operation} went on after a failure`)
    return 'done'
  }

  async #close(disk: SimulatedDisk, driver: Driver, storage: SimulatedStorage): Promise<void> {
    const hadFailed = this.#failure !== undefined
    try {
      await driver.close()
      if (hadFailed) this.#found.push('close said that all was well')
      this.#isClosed = true
    } catch (error) {
      this.#checkFailure('close', error)
      // It was told: what only was in memory is lost, and may be numbered anew.
      for (const attempt of this.#trace.attempts) {
        if (attempt.promisedAt === NEVER || attempt.acknowledgedAt !== NEVER) continue
        attempt.promisedAt = NEVER
        attempt.index = undefined
      }
    }
    await this.#checkLetGo(disk, storage, 'close')
  }

  /** Any error must be of the kind that was made; and once a log has failed, it is always the same. */
  #checkFailure(what: string, error: unknown): void {
    if (!(error instanceof WalrusError)) throw error
    if (error.code !== 'WALRUS_FAILED') {
      if (error.code !== this.#made) this.#found.push(`${what} gave ${String(error)}`)
      else if (this.#failure !== undefined) {
        this.#found.push(`${what} of a log that has failed gave ${String(error)}`)
      } else if (error.code !== 'WALRUS_DISK_FULL') {
        this.#found.push(`${what} gave ${String(error)}, and the log has not failed`)
      }
      return
    }
    const cause = codeOf(error.cause)
    if (cause !== this.#made) this.#found.push(`${what} failed because of ${cause}`)
    if (this.#fault === 'full') this.#found.push(`${what} failed for want of space`)
    if (this.#failure !== undefined && this.#failure.cause !== error.cause) {
      this.#found.push(`${what} failed with another cause than the first`)
    }
    this.#failure ??= error
  }

  /** The code of what was made to fail. */
  get #made(): string {
    return this.#fault === 'ENOSPC' || this.#fault === 'full' ? 'WALRUS_DISK_FULL' : 'WALRUS_IO'
  }

  /** Nothing goes on, and nothing is held. */
  async #checkLetGo(disk: SimulatedDisk, storage: SimulatedStorage, what: string): Promise<void> {
    const { calls } = disk
    await pass(storage, LONG_MS)
    if (disk.calls > calls) this.#found.push(`${what} left ${disk.calls - calls} calls to be made`)
    if (storage.openFiles.size > 0) {
      this.#found.push(`${what} left ${storage.openFiles.size} files open`)
    }
    const { fault } = disk
    disk.fault = undefined
    if ((await storage.locked(DIR)) !== undefined) this.#found.push(`${what} left the lock`)
    disk.fault = fault
  }
}

async function opensAsClosed(disk: SimulatedDisk): Promise<boolean> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { storage })
    await log.close()
    return log.recovery.clean
  })
  return value!
}

function codeOf(error: unknown): string {
  return error instanceof WalrusError ? error.code : String(error)
}
