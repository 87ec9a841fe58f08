/** What the crash tests do to a log: a little of everything, over several segments, with a close and a reopening. */

import { type Durability, Log } from '../src/index.ts'
import type { FaultyStorage } from './faulty-storage.ts'
import { Trace } from './trace.ts'

export const SEGMENT_BYTES = 0x1_0000

export const DURABILITIES: readonly Durability[] = ['commit', { everyMs: 5 }, 'none']

export function nameOf(durability: Durability): string {
  return typeof durability === 'string' ? durability : `every ${durability.everyMs} ms`
}

/** Appends to a log, and notes what comes of it. */
export class Driver {
  readonly log: Log
  readonly trace: Trace
  /** What its calls failed with, in order. */
  readonly failures: unknown[] = []
  readonly #durability: Durability

  constructor(log: Log, trace: Trace, durability: Durability) {
    this.log = log
    this.trace = trace
    this.#durability = durability
  }

  async append(size: number, stream = ''): Promise<void> {
    const { attempt, data } = this.trace.attempt(size, stream)
    const index = await this.#noting(this.#target(stream).append(data))
    this.trace.acknowledge(attempt, index)
    this.#acknowledged()
  }

  /** All at once; throws when all have been answered. */
  async appendMany(sizes: readonly number[], stream = ''): Promise<void> {
    const answers = await Promise.allSettled(sizes.map((size) => this.append(size, stream)))
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  }

  async appendBatch(sizes: readonly number[], stream = ''): Promise<void> {
    const batch = this.trace.newBatch()
    const made = sizes.map((size) => this.trace.attempt(size, stream, batch))
    const appended = this.#target(stream).appendBatch(made.map(({ data }) => data))
    const indexes = await this.#noting(appended)
    made.forEach(({ attempt }, at) => this.trace.acknowledge(attempt, indexes[at]!))
    this.#acknowledged()
  }

  appendSync(size: number, stream = ''): void {
    const { attempt, data } = this.trace.attempt(size, stream)
    let index: number
    try {
      index = this.#target(stream).appendSync(data)
    } catch (error) {
      this.failures.push(error)
      throw error
    }
    if (this.#durability === 'none') this.trace.promised.push({ attempt, index })
    else this.trace.acknowledge(attempt, index)
    this.#acknowledged()
  }

  async sync(): Promise<void> {
    await this.#noting(this.log.sync())
    this.trace.reachedDisk(true)
  }

  async close(): Promise<void> {
    await this.#noting(this.log.close())
    this.trace.reachedDisk(true)
  }

  #target(stream: string): Pick<Log, 'append' | 'appendBatch' | 'appendSync'> {
    return stream === '' ? this.log : this.log.stream(stream)
  }

  async #noting<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      this.failures.push(error)
      throw error
    }
  }

  #acknowledged(): void {
    if (this.#durability === 'commit') this.trace.durable = this.trace.acknowledged.length
  }
}

/** One thing after another that is done to a log that was just opened, and needs no other to have been done. */
export const STEPS: readonly ((driver: Driver, storage: FaultyStorage) => Promise<void>)[] = [
  (driver) => driver.append(10),
  (driver) => driver.appendMany([500, 4, 3000, 40, 5, 6, 7, 800, 90]),
  (driver) => driver.appendBatch([20, 2000, 300, 11, 12]),
  (_, storage) => storage.tick(10),
  (driver) => driver.append(64, 'orders'),
  (driver) => driver.appendBatch([100, 200], 'payments'),
  async (driver) => {
    const underWay = Promise.allSettled([driver.append(33), driver.append(34, 'orders')])
    try {
      driver.appendSync(120)
      driver.appendSync(9, 'payments')
    } finally {
      await underWay
    }
  },
  (driver) => driver.sync(),
  (driver) => driver.appendMany([30_000, 20_000, 500, 25_000, 60]),
  async (driver) => driver.appendSync(41),
  (_, storage) => storage.tick(10),
  (driver) => driver.append(100_000),
  (driver) => driver.append(15, 'orders'),
  (driver) => driver.appendBatch([40_000, 40_000, 4]),
  (_, storage) => storage.tick(10),
  (driver) => driver.append(71),
]

export async function openDriver(
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
  trace: Trace,
  segmentBytes: number = SEGMENT_BYTES,
): Promise<Driver> {
  const log = await Log.open(dir, { durability, storage, segmentBytes })
  return new Driver(log, trace, durability)
}

/** Something done to a log from its opening on. */
export type Workload = (
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
  trace: Trace,
) => Promise<void>

/** Runs a workload until it ends or everything stops. */
export async function runWorkload(
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
  workload: Workload = everything,
): Promise<Trace> {
  const trace = new Trace()
  // What stops in the middle of a call without a promise throws; that is not what the test is about.
  const run = workload(dir, storage, durability, trace).catch((error: unknown) => {
    if (!storage.hasStopped) throw error
  })
  await Promise.race([run, storage.stopped])
  return trace
}

/** Every kind of call, over several segments, with a close and an opening. */
export const everything: Workload = async (dir, storage, durability, trace) => {
  const first = await openDriver(dir, storage, durability, trace)
  for (const step of STEPS) await step(first, storage)
  await first.close()

  const second = await openDriver(dir, storage, durability, trace)
  await second.appendMany([50_000, 30, 30, 30])
  second.appendSync(10)
  await second.append(200, 'orders')
  await storage.tick(10)
  await second.append(3000)
  await second.appendBatch([7, 8, 9])
  await second.append(16)
}

/** Many groups in one segment, so that zeros are written ahead of them, which they catch up with. */
export const waves: Workload = async (dir, storage, durability, trace) => {
  const driver = await openDriver(dir, storage, durability, trace, 0x10_0000)
  for (let wave = 0; wave < 24; wave++) {
    await driver.appendMany([15_000, 14_000 + wave, 15_000])
    if (wave % 7 === 3) driver.appendSync(9000)
    if (wave % 5 === 4) await storage.tick(10)
  }
  await driver.close()
}
