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
  readonly #durability: Durability

  constructor(log: Log, trace: Trace, durability: Durability) {
    this.log = log
    this.trace = trace
    this.#durability = durability
  }

  async append(size: number, stream = ''): Promise<void> {
    const { attempt, data } = this.trace.attempt(size, stream)
    const target = stream === '' ? this.log : this.log.stream(stream)
    this.trace.acknowledge(attempt, await target.append(data))
    this.#acknowledged()
  }

  async appendMany(sizes: readonly number[], stream = ''): Promise<void> {
    await Promise.all(sizes.map((size) => this.append(size, stream)))
  }

  async appendBatch(sizes: readonly number[], stream = ''): Promise<void> {
    const batch = this.trace.newBatch()
    const made = sizes.map((size) => this.trace.attempt(size, stream, batch))
    const target = stream === '' ? this.log : this.log.stream(stream)
    const indexes = await target.appendBatch(made.map(({ data }) => data))
    made.forEach(({ attempt }, at) => this.trace.acknowledge(attempt, indexes[at]!))
    this.#acknowledged()
  }

  appendSync(size: number, stream = ''): void {
    const { attempt, data } = this.trace.attempt(size, stream)
    const target = stream === '' ? this.log : this.log.stream(stream)
    const index = target.appendSync(data)
    if (this.#durability === 'none') this.trace.promised.push({ attempt, index })
    else this.trace.acknowledge(attempt, index)
    this.#acknowledged()
  }

  async sync(): Promise<void> {
    await this.log.sync()
    this.trace.reachedDisk(true)
  }

  async close(): Promise<void> {
    await this.log.close()
    this.trace.reachedDisk(true)
  }

  #acknowledged(): void {
    if (this.#durability === 'commit') this.trace.durable = this.trace.acknowledged.length
  }
}

export async function openDriver(
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
  trace: Trace,
): Promise<Driver> {
  const log = await Log.open(dir, { durability, storage, segmentBytes: SEGMENT_BYTES })
  return new Driver(log, trace, durability)
}

/** Runs until it ends or everything stops. */
export async function runWorkload(
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
): Promise<Trace> {
  const trace = new Trace()
  // What stops in the middle of a call without a promise throws; that is not what the test is about.
  const run = workload(dir, storage, durability, trace).catch((error: unknown) => {
    if (!storage.hasStopped) throw error
  })
  await Promise.race([run, storage.stopped])
  return trace
}

async function workload(
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
  trace: Trace,
): Promise<void> {
  const first = await openDriver(dir, storage, durability, trace)
  await first.append(10)
  await first.appendMany([500, 4, 3000, 40, 5, 6, 7, 800, 90])
  await first.appendBatch([20, 2000, 300, 11, 12])
  await storage.tick(10)
  await first.append(64, 'orders')
  await first.appendBatch([100, 200], 'payments')
  const underWay = Promise.all([first.append(33), first.append(34, 'orders')])
  // When the next line throws, nobody comes to wait for these.
  underWay.catch(() => {})
  first.appendSync(120)
  first.appendSync(9, 'payments')
  await underWay
  await first.sync()
  await first.appendMany([30_000, 20_000, 500, 25_000, 60])
  first.appendSync(41)
  await storage.tick(10)
  await first.append(100_000)
  await first.append(15, 'orders')
  await first.appendBatch([40_000, 40_000, 4])
  await storage.tick(10)
  await first.append(71)
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
