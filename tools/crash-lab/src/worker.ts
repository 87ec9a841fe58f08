/** A worker thread: runs the plans of one job after the other, and reports on each. */

import { parentPort } from 'node:worker_threads'
import { Counts, parsePlan, type Plan, type Row, type Violation } from './plan.ts'
import type { Report, Sent } from './pool.ts'
import { importWith } from './sites/loader.ts'
import type { Replacement } from './sites/neutralise.ts'

const ENTRY = new URL('./rows/index.js', import.meta.url).href

/** What goes wrong where nobody waits for it is of the case that runs. */
let blame: ((error: unknown) => void) | undefined
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => blame?.(error))
}

/** The rows, on the packages with a module replaced, or on those as they are. */
class Loaded {
  readonly #replacement: Replacement | undefined
  readonly #rows: Promise<readonly Row[]>
  #onSimulatedFs: Promise<readonly Row[]> | undefined

  constructor(replacement?: Replacement) {
    this.#replacement = replacement
    this.#rows = this.#load(false)
    // Whoever asks for a row is told.
    this.#rows.catch(() => {})
  }

  async case(text: string): Promise<{ row: Row; plan: Plan }> {
    const found = parsePlan(text, await this.#rows)
    if (found.row.simulatesFs !== true) return found
    return parsePlan(text, await (this.#onSimulatedFs ??= this.#load(true)))
  }

  async #load(simulateFs: boolean): Promise<readonly Row[]> {
    type Rows = { ROWS: readonly Row[] }
    return (await importWith<Rows>(ENTRY, this.#replacement, simulateFs)).ROWS
  }

  async ready(): Promise<void> {
    await this.#rows
  }
}

async function runCase(text: string, loaded: Loaded, counts: Counts): Promise<Violation[]> {
  const { row, plan } = await loaded.case(text)
  const stray = new Promise<never>((_resolve, reject) => {
    blame = reject
  })
  try {
    return await Promise.race([row.run(plan, counts), stray])
  } catch (error) {
    return [{ plan, what: error instanceof Error ? (error.stack ?? String(error)) : String(error) }]
  } finally {
    blame = undefined
  }
}

let untouched: Loaded | undefined

/** Those of the violations that do not show with everything in place. */
async function missedOnly(violations: readonly Violation[]): Promise<Violation[]> {
  const [first] = violations
  if (first === undefined) return []
  const real = await runCase(String(first.plan), (untouched ??= new Loaded()), new Counts())
  return real.length === 0 ? [...violations] : []
}

async function runJob(job: Sent): Promise<void> {
  const post = (report: Report): void => parentPort!.postMessage(report)
  const loaded =
    job.replacement === undefined ? (untouched ??= new Loaded()) : new Loaded(job.replacement)
  try {
    await loaded.ready()
  } catch (error) {
    post({ kind: 'unloadable', why: String(error) })
    return
  }
  for (const text of job.plans) {
    const counts = new Counts()
    let violations = await runCase(text, loaded, counts)
    if (job.untilViolation === true && job.replacement !== undefined) {
      violations = await missedOnly(violations)
    }
    post({
      kind: 'ran',
      plan: text,
      counts: counts.numbers(),
      violations: violations.map(({ plan, what }) => ({ plan: String(plan), what })),
    })
    if (job.untilViolation === true && violations.length > 0) break
  }
  post({ kind: 'done' })
}

parentPort!.on('message', (job: Sent) => {
  void runJob(job)
})
