/** What the crash tests do to a log: a little of everything, over several segments, with a close and a reopening. */

import type { SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { type Durability, Log } from '../src/index.ts'
import { DIR } from './simulated.ts'
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
    const attempt = this.trace.attempt(size, stream)
    const index = await this.#noting(this.#target(stream).append(attempt.data))
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
    made.forEach((attempt, at) => this.trace.acknowledge(attempt, indexes[at]!))
    this.#acknowledged()
  }

  appendSync(size: number, stream = ''): void {
    const attempt = this.trace.attempt(size, stream)
    let index: number
    try {
      index = this.#target(stream).appendSync(attempt.data)
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
export const STEPS: readonly ((driver: Driver, disk: SimulatedDisk) => Promise<void>)[] = [
  (driver) => driver.append(10),
  (driver) => driver.appendMany([500, 4, 3000, 40, 5, 6, 7, 800, 90]),
  (driver) => driver.appendBatch([20, 2000, 300, 11, 12]),
  (_, disk) => disk.pass(10),
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
  (_, disk) => disk.pass(10),
  (driver) => driver.append(100_000),
  (driver) => driver.append(15, 'orders'),
  (driver) => driver.appendBatch([40_000, 40_000, 4]),
  (_, disk) => disk.pass(10),
  (driver) => driver.append(71),
]

export async function openDriver(
  storage: SimulatedStorage,
  durability: Durability,
  trace: Trace,
  segmentBytes: number = SEGMENT_BYTES,
): Promise<Driver> {
  const log = await Log.open(DIR, { durability, storage, segmentBytes })
  return new Driver(log, trace, durability)
}

/** Something done to a log from its opening on. */
export type Workload = (
  disk: SimulatedDisk,
  storage: SimulatedStorage,
  durability: Durability,
  trace: Trace,
) => Promise<void>

/** Every kind of call, over several segments, with a close and an opening. */
export const everything: Workload = async (disk, storage, durability, trace) => {
  const first = await openDriver(storage, durability, trace)
  for (const step of STEPS) await step(first, disk)
  await first.close()

  const second = await openDriver(storage, durability, trace)
  await second.appendMany([50_000, 30, 30, 30])
  second.appendSync(10)
  await second.append(200, 'orders')
  await disk.pass(10)
  await second.append(3000)
  await second.appendBatch([7, 8, 9])
  await second.append(16)
}

/** Many groups in one segment, so that zeros are written ahead of them, which they catch up with. */
export const waves: Workload = async (disk, storage, durability, trace) => {
  const driver = await openDriver(storage, durability, trace, 0x10_0000)
  for (let wave = 0; wave < 24; wave++) {
    await driver.appendMany([15_000, 14_000 + wave, 15_000])
    if (wave % 7 === 3) driver.appendSync(9000)
    if (wave % 5 === 4) await disk.pass(10)
  }
  await driver.close()
}
