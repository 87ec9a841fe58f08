/** A worker thread: runs the plans of one job after the other, and reports on each. */

import { parentPort } from 'node:worker_threads'
import { Counts, parsePlan, type Row, type Violation } from './plan.ts'
import type { Report, Sent } from './pool.ts'
import { importWith } from './sites/loader.ts'

const ENTRY = new URL('./rows/index.js', import.meta.url).href

/** What goes wrong where nobody waits for it is of the case that runs. */
let blame: ((error: unknown) => void) | undefined
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => blame?.(error))
}

async function rowsFor({ replacement }: Sent): Promise<readonly Row[]> {
  const { ROWS } = await importWith<{ ROWS: readonly Row[] }>(ENTRY, replacement)
  return ROWS
}

async function runCase(text: string, rows: readonly Row[], counts: Counts): Promise<Violation[]> {
  const { row, plan } = parsePlan(text, rows)
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

let untouched: Promise<readonly Row[]> | undefined

async function runJob(job: Sent): Promise<void> {
  const post = (report: Report): void => parentPort!.postMessage(report)
  let rows: readonly Row[]
  try {
    rows = await (job.replacement === undefined ? (untouched ??= rowsFor(job)) : rowsFor(job))
  } catch (error) {
    post({ kind: 'unloadable', why: String(error) })
    return
  }
  for (const text of job.plans) {
    const counts = new Counts()
    const violations = await runCase(text, rows, counts)
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
