/**
 * Calls that take long while others go on. Nothing fails, and only at the end something is lost: everything that was
 * not synced. What is asked then is what a wait is for:
 * - What was acknowledged is there, every `sync()` that resolved included.
 * - Nothing of a log is done any more once its `close()` has resolved: it leaves nothing open, no zeros behind its
 *   groups and no files made ready, and whoever opens it next finds it closed and is not disturbed.
 * - What is not durable yet stays bounded, also where syncs are slower than appends.
 * - Zeros written ahead are durable before anything is written into them (docs/format.md).
 */

import { type Call, type CallKind, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { type Ending, type Moment, Trace } from '../oracle.ts'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, type Random, randomFrom } from '../random.ts'
import { faultsAfterRecovery } from '../recovery.ts'
import { DIR, DURABILITIES, Driver, pass, SEGMENT_BYTES } from '../workload.ts'
import { WAYS } from './late-ways.ts'

/** What takes long. Of a log that is synced with every commit, plain writes are those of zeros, seals and indexes. */
const SLOW: Readonly<Record<string, (call: Pick<Call, 'kind' | 'path'>) => boolean>> = {
  write: ({ kind, path }) => kind === 'write' && !isTail(path),
  durable: ({ kind, path }) => kind === 'durable write' && !isTail(path),
  tail: ({ path }) => isTail(path),
  sync: ({ kind }) => kind === 'sync',
  directory: ({ kind }) => kind === 'sync directory',
  create: ({ kind }) => kind === 'create',
  truncate: ({ kind }) => kind === 'truncate',
}
const ENDS = ['running', 'closed', 'reopened'] as const
type End = (typeof ENDS)[number]

const CI_SEEDS = 3
/** As long as nothing else takes, as long as a few things, as long as everything. */
const DURATIONS = [3, 30, 300]
/** Longer than any call takes. */
const LONG_MS = 2000
/** So many segments may wait to be synced (`MAX_BACKLOG`); a few more are being written, ended and begun. */
const BOUND = 12

export const late: Row = {
  name: 'late',
  title: 'calls that take long while others go on',
  keys: {
    seed: SEED,
    durability: oneOf(Object.keys(DURABILITIES)),
    slow: oneOf(Object.keys(SLOW)),
    from: whole(0, 1000),
    many: whole(1, 1000),
    ms: whole(0, 1000),
    way: oneOf(Object.keys(WAYS)),
    end: oneOf(ENDS),
  },
  run,
  ciPlans() {
    return this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) {
      for (const durability of Object.keys(DURABILITIES)) {
        for (const slow of Object.keys(SLOW)) {
          for (const way of Object.keys(WAYS)) {
            for (const end of ENDS) yield new Plan('late', { seed, durability, slow, way, end })
          }
        }
      }
    }
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  counts.seeds++
  counts.workloads++
  counts.crashPoints++
  counts.recoveries++
  const random = randomFrom(seed)
  const from = plan.number('from') ?? choose(random, [0, 0, 1, 2, 3, 5, 8])
  const many = plan.number('many') ?? choose(random, [1, 2, 1000])
  const ms = plan.number('ms') ?? choose(random, DURATIONS)
  const isSlow = SLOW[plan.text('slow') ?? 'sync']!
  const end = (plan.text('end') ?? 'running') as End
  const attempt = new Attempt(seed, plan.text('durability') ?? 'commit', random)
  let before = 0
  attempt.disk.duration = (call) => {
    if (!isSlow(call)) return undefined
    const number = before++
    return number >= from && number < from + many ? ms : undefined
  }
  const found = await attempt.run(plan.text('way') ?? 'awaited', end)
  return found.map((what) => ({ plan, what }))
}

/** One run of a log. */
class Attempt {
  readonly disk: SimulatedDisk
  readonly #trace = new Trace()
  readonly #found = new Set<string>()
  readonly #workload: Driver['workload']
  readonly #random: Random
  #full = false
  /** The processes whose log has been closed. */
  readonly #over = new Set<number>()
  /** In each file, the zeros that were written ahead and are not durable. */
  readonly #unsynced = new Map<string, NonNullable<Call['range']>[]>()

  constructor(seed: number, durability: string, random: Random) {
    const segmentBytes = choose(random, [SEGMENT_BYTES, 4 * SEGMENT_BYTES])
    this.#workload = { durability, segmentBytes, steps: [] }
    this.#random = random
    this.disk = new SimulatedDisk({ seed, loss: 'lost', maxCalls: 100_000 })
    this.disk.fault = (call) => {
      this.#look(call)
      const noSpace = this.#full && isWrite(call.kind) && !isTail(call.path)
      return noSpace ? 'ENOSPC' : undefined
    }
  }

  /** What went wrong, in words. */
  async run(way: string, end: End): Promise<string[]> {
    const { disk } = this
    let moment: Moment | undefined
    await disk.run(async (storage) => {
      const driver = new Driver(storage, this.#trace, this.#workload)
      await driver.open()
      await WAYS[way]!({
        driver,
        random: this.#random,
        pass: (ms) => pass(storage, ms),
        space: (there) => {
          this.#full = !there
        },
      })
      if (end !== 'running') await this.#close(driver, storage)
      if (end === 'reopened') await this.#goOn()
      if (end === 'closed') await pass(storage, LONG_MS)
      moment = this.#trace.moment()
      disk.losePower()
    })
    const ending: Ending = end === 'running' ? 'power' : 'close'
    const faults = await faultsAfterRecovery(disk, this.#trace, moment!, ending)
    return [...this.#found, ...faults]
  }

  /** Another process opens the log at once, and works with it while anything that is late comes back. */
  async #goOn(): Promise<void> {
    const storage = this.disk.process()
    const next = new Driver(storage, this.#trace, this.#workload)
    await next.open()
    if (!next.log.recovery.clean) this.#found.add('it was closed, and is not found closed')
    for (let n = 0; n < 4; n++) await next.append(500)
    await pass(storage, LONG_MS)
    await next.append(500)
    await this.#close(next, storage)
  }

  async #close(driver: Driver, storage: SimulatedStorage): Promise<void> {
    await driver.close()
    this.#over.add(storage.pid)
    if (storage.openFiles.size > 0) {
      this.#found.add(`close left ${storage.openFiles.size} files open`)
    }
    const segments: string[] = []
    for (const path of this.disk.files().keys()) {
      if (path.endsWith('.seg')) segments.push(path)
      // Of an index for which there was no space, the next writer clears the beginning away.
      else if (path.includes('.seg.')) this.#found.add(`close left ${path}`)
    }
    const newest = this.disk.files().get(segments.toSorted().at(-1)!)!
    if (newest.subarray(-64).every((byte) => byte === 0)) this.#found.add('close left zeros')
  }

  #look({ kind, path, pid, range }: Call): void {
    if (this.#over.has(pid)) this.#found.add(`${kind} ${path} after the close`)
    if (isTail(path)) return
    if (kind === 'write') this.#unsynced.set(path, [...(this.#unsynced.get(path) ?? []), range!])
    if (kind === 'sync') this.#unsynced.delete(path)
    if (kind === 'durable write') {
      for (const { from, to } of this.#unsynced.get(path) ?? []) {
        if (this.#workload.durability === 'commit' && range!.from < to && range!.to > from)
          this.#found.add(`${path} was written to where zeros were not durable yet`)
      }
    }
    this.#checkBacklog()
  }

  /** Without named streams the log's frames are its entries: where none is refused, the n-th one has LSN n. */
  #checkBacklog(): void {
    const { written, durable } = this.#trace.moment().marks
    let largest = this.#workload.segmentBytes
    let bytes = 0
    for (const { data } of this.#trace.attempts.slice(durable - 1, written - 1)) {
      largest = Math.max(largest, data.length)
      bytes += data.length
    }
    if (bytes > BOUND * largest) this.#found.add(`more than ${BOUND} segments are not durable`)
  }
}

function isTail(path: string): boolean {
  return path === `${DIR}/TAIL`
}

function isWrite(kind: CallKind): boolean {
  return kind === 'write' || kind === 'durable write'
}
