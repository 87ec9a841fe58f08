/**
 * Row 9: one log and several processes: writers one after the other, two of which always come at once, and readers
 * that follow them over rotations, kills and closings.
 *
 * Of two writers one gets the log, and the other is told who has it. A reader changes nothing, sees every entry once
 * and in order, sees only what is durable while there is a writer, and comes to the end in time.
 */

import { WalrusError } from '@walrus/codec'
import { Log, type Marks } from '@walrus/log'
import { LockedError } from '@walrus/segment'
import { LOSSES, type LossName, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import {
  contentsOf,
  type Ending,
  firstIndex,
  type Moment,
  Trace,
  violations,
  violationsInView,
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

const CI_SEEDS = 200
const TERMS = 4
/** The streams that are followed. */
const FOLLOWED = ['', 'orders']
/** By then a reader has looked what there is, in milliseconds. */
const IN_TIME_MS = 2_000

export const sharing: Row = {
  name: 'sharing',
  title: 'several writers and readers',
  keys: { seed: SEED },
  run,
  *ciPlans() {
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('sharing', { seed })
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const shared = new Shared(seed)
  const found = await shared.run()
  counts.workloads++
  counts.seeds++
  counts.crashPoints += shared.kills + 1
  counts.recoveries += shared.kills + 1
  return found.map((what) => ({ plan, what }))
}

type Pause = (ms: number) => Promise<void>

/** All that goes on around one log. */
class Shared {
  kills = 0
  readonly #disk: SimulatedDisk
  readonly #random: Random
  readonly #trace = new Trace()
  readonly #found: string[] = []
  readonly #readers = new Set<number>()
  readonly #processes: SimulatedStorage[] = []
  /** The writer, from when it has recovered the log until it has closed it or died. */
  #writer: Driver | undefined
  /** What the writer before said, and how it came to its end. */
  #before: { marks: Marks; ending: Ending }
  #left: { readonly moment: Moment; readonly disk: SimulatedDisk } | undefined
  #over = false

  constructor(seed: number) {
    this.#random = randomFrom(seed ^ 0x6a09e667)
    const align = choose(this.#random, [1, 1, 512])
    this.#disk = new SimulatedDisk({ seed, align, maxCalls: 200_000 })
    this.#before = { marks: this.#trace.moment().marks, ending: 'close' }
  }

  async run(): Promise<string[]> {
    await this.#disk.run(async ({ env }) => {
      const pause: Pause = async (ms) => {
        await new Promise<void>((resolve) => env.after(ms, resolve))
      }
      const followers = FOLLOWED.map((stream) => new Follower(stream, this.#reader(), this.#trace))
      const reading = [
        ...followers.map((follower) => follower.follow(() => this.#writer !== undefined, pause)),
        this.#passBy(pause),
      ].map((work) => this.#noting('a reader', work))
      for (let term = 1; term <= TERMS; term++) {
        await this.#term(term === TERMS)
        await pause(choose(this.#random, [0, 1, 60]))
      }
      await pause(IN_TIME_MS)
      this.#over = true
      for (const follower of followers) this.#found.push(...follower.stop())
      await Promise.all(reading)
    })
    for (const process of this.#processes) process.kill()
    this.#found.push(...this.#trace.broken)
    if (this.#found.length > 0) return this.#found
    const { disk, moment } = this.#left!
    return await faultsAfterRecovery(disk, this.#trace, moment, 'power')
  }

  /** One writer's time. In the last one's a copy of the disk loses its power; it goes on, and closes the log. */
  async #term(last: boolean): Promise<void> {
    const random = this.#random
    // A writer that only takes the log over leaves it as long as it was.
    const steps = pick(random, 3) === 0 ? [] : randomSteps(random, 2, 6)
    const workload: Workload = {
      durability: choose(random, Object.keys(DURABILITIES)),
      segmentBytes: SEGMENT_BYTES,
      steps: steps.filter(({ operation }) => operation !== 'reopen'),
    }
    const rivals = [this.#process(), this.#process()]
    const drivers = rivals.map((storage) => new Driver(storage, this.#trace, workload))
    const closes = last || pick(random, 3) === 0
    const died = this.#watch(rivals, closes ? Number.POSITIVE_INFINITY : 8 + pick(random, 60), last)
    // A synchronous call of a process that was killed throws; nobody is left to be told.
    const writing = this.#write(drivers).catch((error: unknown) => {
      if (rivals.every(({ end }) => end === undefined)) throw error
    })
    await Promise.race([died, this.#noting('the writer', writing)])
    this.#writer = undefined
    for (const rival of rivals) rival.kill()
  }

  async #write(rivals: readonly Driver[]): Promise<void> {
    const opened = await Promise.allSettled(rivals.map((rival) => rival.open()))
    const refused = opened.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    const writer = rivals.find((_, at) => opened[at]!.status === 'fulfilled')
    // Killed as it opened it.
    if (this.#isDead(rivals)) return
    if (writer === undefined || refused.length !== rivals.length - 1) {
      this.#found.push(
        `${rivals.length - refused.length} of two writers got the log: ${refused.map(String).join('; ')}`,
      )
      return
    }
    const { pid } = writer.storage.env
    if (!namesHolder(refused[0], pid))
      this.#found.push(`a second writer was told ${String(refused[0])}`)
    const contents = await contentsOf(writer.log)
    const { marks, ending } = this.#before
    const moment = { ...this.#trace.moment(), marks }
    this.#found.push(...violations(this.#trace, moment, ending, contents, writer.log.marks))
    this.#trace.settle(contents)
    this.#writer = writer
    for (const step of writer.workload.steps) await writer.step(step)
    await writer.close()
    this.#before = { marks: this.#trace.moment().marks, ending: 'close' }
  }

  #isDead(rivals: readonly Driver[]): boolean {
    return rivals.some(({ storage }) => (storage as SimulatedStorage).end !== undefined)
  }

  /** Kills a writer in the call of this number, and sees that readers change nothing; resolves when it has. */
  #watch(rivals: readonly SimulatedStorage[], killAt: number, last: boolean): Promise<void> {
    let changes = 0
    return new Promise((resolve) => {
      this.#disk.fault = ({ change, pid, kind, path }) => {
        if (change === undefined) return undefined
        if (this.#readers.has(pid))
          this.#found.push(`a reader changed the disk: ${kind} of ${path}`)
        if (!rivals.some((rival) => rival.pid === pid)) return undefined
        if (last && pick(this.#random, changes + 1) === 0) {
          const disk = this.#disk.copy({ seed: pick(this.#random, 2 ** 32) })
          disk.losePower(choose(this.#random, Object.keys(LOSSES) as LossName[]))
          this.#left = { moment: this.#moment(), disk }
        }
        if (changes++ !== killAt) return undefined
        this.kills++
        if (this.#writer !== undefined)
          this.#before = { marks: this.#moment().marks, ending: 'kill' }
        resolve()
        return 'kill'
      }
    })
  }

  /** Now, with what the last writer said that came to write. */
  #moment(): Moment {
    const moment = this.#trace.moment()
    return this.#writer === undefined ? { ...moment, marks: this.#before.marks } : moment
  }

  /** Readers that open the log, read all of it, perhaps when another writer has taken it over, and go. */
  async #passBy(pause: Pause): Promise<void> {
    while (!this.#over) {
      await pause(choose(this.#random, [0, 3, 50]))
      const writer = this.#writer
      const contents = await contentsForReader(this.#reader(), async (log) => {
        await pause(choose(this.#random, [0, 0, 20, 200]))
        if (pick(this.#random, 2) === 0) await log.refresh()
      })
      const durable = writer !== undefined && writer === this.#writer
      this.#found.push(...violationsInView(this.#trace, contents))
      this.#trace.seen(contents, durable)
    }
  }

  async #noting(who: string, work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#found.push(`${who} failed: ${String(error)}`)
    }
  }

  #reader(): SimulatedStorage {
    const process = this.#process()
    this.#readers.add(process.pid)
    return process
  }

  #process(): SimulatedStorage {
    const process = this.#disk.process()
    this.#processes.push(process)
    return process
  }
}

function namesHolder(error: unknown, pid: number): boolean {
  return error instanceof LockedError && error.holder?.pid === pid
}

/** A reader that follows one stream, whoever writes it. */
class Follower {
  readonly #stream: string
  readonly #storage: SimulatedStorage
  readonly #trace: Trace
  readonly #stop = new AbortController()
  #next: number

  constructor(stream: string, storage: SimulatedStorage, trace: Trace) {
    this.#stream = stream
    this.#storage = storage
    this.#trace = trace
    this.#next = firstIndex(stream)
  }

  /** @param isWritten whether there is a writer now, so that what can be read is durable */
  async follow(isWritten: () => boolean, pause: Pause): Promise<void> {
    const log = await this.#open(pause)
    const source = this.#stream === '' ? log : log.stream(this.#stream)
    const { signal } = this.#stop
    try {
      for await (const { index, data } of source.entries({ follow: true, signal })) {
        const view = new Map([[this.#stream, [{ index, data }]]])
        if (index !== this.#next++)
          this.#trace.broken.push(`a reader came to ${index} out of order`)
        this.#trace.seen(view, isWritten())
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await log.close()
    }
  }

  /** Ends it; what it should have come to and did not, in words. */
  stop(): string[] {
    this.#stop.abort()
    const next = this.#next
    const unread = this.#trace.attempts.filter(
      ({ stream, index, acknowledgedAt, lostAt }) =>
        stream === this.#stream && acknowledgedAt < lostAt && index !== undefined && index >= next,
    )
    if (unread.length === 0) return []
    return [`a reader of ${this.#stream || 'the plain log'} stayed ${unread.length} entries behind`]
  }

  async #open(pause: Pause): Promise<Log> {
    for (;;) {
      try {
        return await Log.open(DIR, { storage: this.#storage, readOnly: true })
      } catch (error) {
        const isEarly = error instanceof WalrusError && error.code === 'WALRUS_NOT_FOUND'
        if (!isEarly) throw error
        await pause(5)
      }
    }
  }
}
