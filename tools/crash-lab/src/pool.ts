/** Worker threads that run cases, and are ended when one never comes to its end. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Numbers } from './plan.ts'
import type { Replacement } from './sites/neutralise.ts'

/** Cases that one worker runs one after the other. */
export interface Job {
  readonly plans: readonly string[]
  /** What stands in place of a module of the packages. */
  readonly replacement?: Replacement
  /** Whether the first violation ends it. */
  readonly untilViolation?: boolean
  /** Ends it after so many milliseconds, between two cases. Default: never. */
  readonly limitMs?: number
}

/** What a worker is sent. */
export interface Sent {
  readonly plans: readonly string[]
  readonly replacement: Replacement | undefined
  readonly untilViolation: boolean | undefined
}

/** What a case came to. */
export interface Result {
  readonly plan: string
  readonly counts: Numbers
  readonly violations: readonly { readonly plan: string; readonly what: string }[]
}

/** What a worker says. */
export type Report =
  | ({ readonly kind: 'ran' } & Result)
  | { readonly kind: 'unloadable'; readonly why: string }
  | { readonly kind: 'done' }

export interface PoolOptions {
  /** Worker threads. Default: as many as there are processors. */
  readonly threads?: number
  /** After so many milliseconds a case is taken for endless. Default: 60,000. */
  readonly caseMs?: number
}

const NOTHING: Numbers = { workloads: 0, crashPoints: 0, recoveries: 0, seeds: 0, faults: 0 }
/** What was loaded for a job stays in its worker's memory. */
const JOBS_WITH_REPLACEMENT = 100
/** What a case leaves behind is gone when the next but one has run. */
const YOUNG_MB = 128

/** Runs jobs until none is left; `close` ends the threads. */
export class Pool {
  readonly #caseMs: number
  readonly #seats: Seat[]

  constructor({ threads = availableParallelism(), caseMs = 60_000 }: PoolOptions = {}) {
    this.#caseMs = caseMs
    this.#seats = Array.from({ length: threads }, () => new Seat(this.#caseMs))
  }

  /**
   * Runs jobs, as many at a time as there are threads, in their order.
   * @param ran is told of every case
   * @param ended is told when a job has come to its end
   * @throws Error when what a job is to run cannot be loaded
   */
  async run<J extends Job>(
    jobs: Iterable<J>,
    ran: (result: Result, job: J) => void,
    ended: (job: J) => void = () => {},
  ): Promise<void> {
    const rest = jobs[Symbol.iterator]()
    const work = async (seat: Seat): Promise<void> => {
      for (let next = rest.next(); next.done !== true; next = rest.next()) {
        const job = next.value
        await seat.run(job, (result) => ran(result, job))
        ended(job)
      }
    }
    await Promise.all(this.#seats.map(work))
  }

  async close(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.end()))
  }
}

/** A place for a worker: another one takes it when one had to be ended. */
class Seat {
  readonly #caseMs: number
  #worker: Worker | undefined
  #replaced = 0

  constructor(caseMs: number) {
    this.#caseMs = caseMs
  }

  async run(job: Job, ran: (result: Result) => void): Promise<void> {
    if (job.replacement !== undefined && ++this.#replaced % JOBS_WITH_REPLACEMENT === 0) {
      await this.end()
    }
    const began = performance.now()
    let { plans } = job
    while (plans.length > 0) {
      const done = await this.#attempt({ ...job, plans }, ran, began)
      plans = plans.slice(done)
      if (job.untilViolation === true) return
    }
  }

  async end(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  /** Resolves to how many cases are over: all, or up to the one that never ended. */
  async #attempt(job: Job, ran: (result: Result) => void, began: number): Promise<number> {
    const worker = (this.#worker ??= new Worker(new URL('./worker.js', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, maxOldGenerationSizeMb: 2048 },
    }))
    const { plans, replacement, untilViolation, limitMs = Number.POSITIVE_INFINITY } = job
    let over = 0
    let timer: NodeJS.Timeout | undefined
    const outcome = await new Promise<'done' | 'endless' | 'late' | Error>((resolve) => {
      const wait = (): void => {
        clearTimeout(timer)
        timer = setTimeout(() => resolve('endless'), this.#caseMs)
      }
      worker.removeAllListeners()
      worker.on('error', resolve)
      worker.on('message', (report: Report) => {
        wait()
        if (report.kind === 'unloadable') resolve(new Error(`cannot load: ${report.why}`))
        else if (report.kind === 'done') resolve('done')
        else if (report.kind === 'ran') {
          over++
          ran(report)
          if (performance.now() - began > limitMs) resolve('late')
        }
      })
      wait()
      const sent: Sent = { plans, replacement, untilViolation }
      worker.postMessage(sent)
    })
    clearTimeout(timer)
    if (outcome === 'done') return plans.length
    await this.end()
    if (outcome === 'late') return plans.length
    if (outcome !== 'endless' && outcome.message.startsWith('cannot load')) throw outcome
    const plan = plans[over]!
    const what = outcome === 'endless' ? `did not end in ${this.#caseMs} ms` : String(outcome)
    ran({ plan, counts: NOTHING, violations: [{ plan, what }] })
    return over + 1
  }
}
