/** Runs the cases of rows in worker threads, and counts. */

import { Counts, type Plan, type Row } from './plan.ts'
import type { Job, Pool } from './pool.ts'
import type { Line, Shown } from './table.ts'

/** Cases that a thread gets at once. */
const JOB_CASES = 20
const SAY_EVERY_MS = 2_000
/** More than these of a row say nothing new. */
const MOST_SHOWN = 20

export interface RowRun {
  readonly row: Row
  readonly plans: Iterable<Plan>
}

interface RowJob extends Job {
  readonly tally: Tally
}

interface Tally {
  readonly row: Row
  readonly counts: Counts
  readonly violations: Shown[]
  cases: number
  violated: number
  began: number
  ended: number
}

/** @param progress is told now and then how far it has got */
export async function runRows(
  pool: Pool,
  runs: readonly RowRun[],
  progress: (line: string) => void,
): Promise<Line[]> {
  const tallies: Tally[] = []
  let said = performance.now()
  const jobs = function* (): Generator<RowJob> {
    for (const { row, plans } of runs) {
      const began = performance.now()
      const numbers = { counts: new Counts(), violations: [], cases: 0, violated: 0 }
      const tally: Tally = { row, ...numbers, began, ended: began }
      tallies.push(tally)
      for (const some of inGroups(plans, JOB_CASES)) yield { plans: some.map(String), tally }
    }
  }
  await pool.run(jobs(), ({ counts, violations }, { tally }) => {
    tally.counts.add(counts)
    tally.cases++
    tally.ended = performance.now()
    if (violations.length > 0) tally.violated++
    for (const each of violations)
      if (tally.violations.length < MOST_SHOWN) tally.violations.push(each)
    if (tally.ended - said < SAY_EVERY_MS) return
    said = tally.ended
    progress(`${tally.row.name}: ${tally.cases} cases, ${tally.violated} with violations`)
  })
  return tallies.map(({ row, counts, violations, cases, violated, began, ended }) => ({
    name: row.name,
    title: row.title,
    cases,
    counts,
    violations: violated,
    shown: violations,
    seconds: (ended - began) / 1000,
  }))
}

function* inGroups<T>(all: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = []
  for (const each of all) {
    group.push(each)
    if (group.length === size) {
      yield group
      group = []
    }
  }
  if (group.length > 0) yield group
}
