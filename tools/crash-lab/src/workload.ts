/**
 * Workloads: what is done to a log, one step after the other, from a written alphabet.
 *
 * A workload is a line of text, `append:10,sync,reopen`, so that a plan can name it and a reader can shorten it.
 */

import { type Durability, Log } from '@walrus/log'
import type { Storage } from '@walrus/segment'
import { type Attempt, contentsOf, type Trace } from './oracle.ts'
import { choose, pick, type Random } from './random.ts'

/** Where the log is on the simulated disk. */
export const DIR = '/log'

export const DURABILITIES: Readonly<Record<string, Durability>> = {
  commit: 'commit',
  interval: { everyMs: 5 },
  none: 'none',
}

/**
 * What can be done. The number after the colon is the size of the entries, in bytes; of `tick`, milliseconds.
 * `many`: appends at once, to the plain log and a stream. `overtake`: `appendSync` while appends are under way.
 * `read`: reads everything while an append is under way. `echo`: appends a copy of the segment's own bytes.
 * `reopen`: closes and opens.
 */
export const OPERATIONS = [
  'append',
  'many',
  'batch',
  'stream',
  'appendSync',
  'overtake',
  'read',
  'echo',
  'sync',
  'tick',
  'reopen',
] as const

export type OperationName = (typeof OPERATIONS)[number]

export interface Step {
  readonly operation: OperationName
  readonly size: number
}

/** What a log is opened with, and what is done to it. */
export interface Workload {
  /** A name in `DURABILITIES`. */
  readonly durability: string
  readonly segmentBytes: number
  readonly steps: readonly Step[]
}

export const SEGMENT_BYTES = 0x1_0000

/** After so many milliseconds everything that was under way has come to its end, syncs by interval included. */
const LONG_MS = 100

/** Every workload of up to three of these is tried. */
export const ALPHABET: readonly string[] = [
  'append:10',
  'append:70000',
  'batch:2000',
  'stream:64',
  'appendSync:41',
  'overtake:120',
  'sync',
  'tick',
  'reopen',
]

export const STEPS_PATTERN: RegExp = new RegExp(
  `^(none|(${OPERATIONS.join('|')})(:\\d{1,7})?(,(${OPERATIONS.join('|')})(:\\d{1,7})?){0,99})$`,
)

/** Reads what matches `STEPS_PATTERN`; `none` is no step at all. */
export function parseSteps(text: string): Step[] {
  if (text === 'none') return []
  return text.split(',').map((word) => {
    const [operation, size] = word.split(':') as [OperationName, string | undefined]
    return { operation, size: size === undefined ? LONG_MS : Number(size) }
  })
}

export function printSteps(steps: readonly Step[]): string {
  if (steps.length === 0) return 'none'
  return steps
    .map(({ operation, size }) =>
      operation === 'sync' || operation === 'reopen' ? operation : `${operation}:${size}`,
    )
    .join(',')
}

const SIZES = [4, 10, 64, 300, 500, 2000, 9000, 15_000, 30_000, 45_000, 70_000]

/** Steps by chance: from `least` to `most` of them. */
export function randomSteps(random: Random, least: number, most: number): Step[] {
  return Array.from({ length: least + pick(random, most - least + 1) }, () => {
    const operation = choose(random, OPERATIONS)
    if (operation === 'tick') return { operation, size: choose(random, [1, 6, LONG_MS]) }
    // Mostly small, with every alignment.
    return { operation, size: choose(random, SIZES) + pick(random, 8) }
  })
}

/** Does steps to a log, and notes what comes of them. */
export class Driver {
  readonly storage: Storage
  readonly trace: Trace
  readonly workload: Workload
  log!: Log

  constructor(storage: Storage, trace: Trace, workload: Workload) {
    this.storage = storage
    this.trace = trace
    this.workload = workload
  }

  async open(): Promise<void> {
    const { durability, segmentBytes } = this.workload
    this.log = await Log.open(DIR, {
      storage: this.storage,
      durability: DURABILITIES[durability]!,
      segmentBytes,
    })
    this.trace.log = this.log
  }

  async step({ operation, size }: Step): Promise<void> {
    switch (operation) {
      case 'append':
        return await this.append(size)
      case 'many':
        return await all([
          this.append(size),
          this.append(4),
          this.append(40, 'orders'),
          this.append(size + 1),
          this.append(5),
        ])
      case 'batch':
        return await this.appendBatch([size, 4, 300])
      case 'stream':
        return await this.append(size, STREAMS[size % STREAMS.length])
      case 'appendSync':
        return this.appendSync(size)
      case 'overtake':
        return await this.#overtake(size)
      case 'read':
        return await all([this.append(size), this.read()])
      case 'echo':
        return await this.#echo(size)
      case 'sync':
        return await this.sync()
      case 'tick':
        return await this.tick(size)
      case 'reopen':
        await this.close()
        return await this.open()
    }
  }

  async append(size: number, stream = '', from?: Uint8Array): Promise<void> {
    const attempt = this.trace.attempt(size, stream, undefined, from)
    const index = await this.#answered([attempt], this.#target(stream).append(attempt.data))
    this.trace.acknowledge(attempt, index, this.#durably)
  }

  async appendBatch(sizes: readonly number[], stream = ''): Promise<void> {
    const batch = this.trace.newBatch()
    const attempts = sizes.map((size) => this.trace.attempt(size, stream, batch))
    const appended = this.#target(stream).appendBatch(attempts.map(({ data }) => data))
    const indexes = await this.#answered(attempts, appended)
    for (const [at, attempt] of attempts.entries()) {
      this.trace.acknowledge(attempt, indexes[at]!, this.#durably)
    }
  }

  appendSync(size: number, stream = ''): void {
    const attempt = this.trace.attempt(size, stream)
    let index: number
    try {
      index = this.#target(stream).appendSync(attempt.data)
    } catch (error) {
      this.#refused([attempt], error)
      throw error
    }
    if (this.workload.durability === 'none') this.trace.promise(attempt, index)
    else this.trace.acknowledge(attempt, index, this.#durably)
  }

  /** Reads everything that can be read; that is as good as acknowledged. */
  async read(): Promise<void> {
    this.trace.seen(await contentsOf(this.log), this.#durably)
  }

  async sync(): Promise<void> {
    const before = this.trace.moment()
    await this.log.sync()
    this.trace.durable(before)
  }

  async close(): Promise<void> {
    const before = this.trace.moment()
    await this.log.close()
    this.trace.durable(before)
  }

  async tick(ms: number): Promise<void> {
    const before = this.trace.moment()
    await pass(this.storage, ms)
    if (ms < LONG_MS) return
    this.trace.written(before)
    if (this.workload.durability === 'interval') this.trace.durable(before)
  }

  async #overtake(size: number): Promise<void> {
    const underWay = [this.append(33), this.append(size, 'orders')]
    try {
      this.appendSync(size)
      this.appendSync(9, 'payments')
    } finally {
      await all(underWay)
    }
  }

  /** What a search for whole groups may take for the log's own. */
  async #echo(size: number): Promise<void> {
    const names = await this.storage.list(DIR)
    const newest = names
      .filter((name) => name.endsWith('.seg'))
      .sort()
      .at(-1)
    const from = Buffer.alloc(Math.min(size, 4000))
    if (newest !== undefined) {
      const file = await this.storage.open(`${DIR}/${newest}`, 'read')
      await file.read(from, 0)
      await file.close()
    }
    await this.append(from.length + 4, '', from)
  }

  get #durably(): boolean {
    return this.workload.durability === 'commit'
  }

  #target(stream: string): Pick<Log, 'append' | 'appendBatch' | 'appendSync'> {
    return stream === '' ? this.log : this.log.stream(stream)
  }

  async #answered<T>(attempts: readonly Attempt[], answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      this.#refused(attempts, error)
      throw error
    }
  }

  /** Some refusals promise that nothing is left behind. */
  #refused(attempts: readonly Attempt[], error: unknown): void {
    const { code } = error as { code?: unknown }
    if (code !== 'WALRUS_CLOSED' && code !== 'WALRUS_DISK_FULL') return
    for (const attempt of attempts) this.trace.refuse(attempt)
  }
}

/** Lets time pass. */
export function pass({ env }: Storage, ms: number): Promise<void> {
  return new Promise((resolve) => env.after(ms, resolve, true))
}

const STREAMS = ['orders', 'payments', 'a stream with a longer name']

/** Waits for all, then throws what the first failed with. */
async function all(underWay: readonly Promise<void>[]): Promise<void> {
  for (const answer of await Promise.allSettled(underWay)) {
    if (answer.status === 'rejected') throw answer.reason
  }
}
