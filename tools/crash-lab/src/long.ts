/**
 * Long runs, in parts of some thousand seeds. What a part came to is noted in `long-runs.json`, which is committed:
 * a run that is stopped goes on with the first part that is not noted, and the counts of all runs add up.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Numbers, Row } from './plan.ts'
import type { Pool } from './pool.ts'
import { runRows } from './run-rows.ts'
import type { Line } from './table.ts'

const FILE = new URL('../long-runs.json', import.meta.url)
const PART_SEEDS = 10_000

/** Seeds of a row, from `from` up to, and without, `to`, all without a violation. */
export interface LongRun extends Numbers {
  readonly row: string
  readonly from: number
  readonly to: number
  readonly cases: number
  /** The last commit that was in what ran. */
  readonly commit: string
}

export function readLongRuns(): LongRun[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as LongRun[]
}

/** Runs what is not noted, and stops after a part with violations. */
export async function runLong(
  pool: Pool,
  rows: readonly Row[],
  from: number,
  to: number,
  progress: (line: string) => void,
): Promise<Line[]> {
  const lines: Line[] = []
  for (const row of rows) {
    for (const part of missing(readLongRuns(), row.name, from, to)) {
      progress(`${row.name}: seeds ${part.from} to ${part.to}`)
      const plans = row.longPlans(part.from, part.to)
      const [line] = await runRows(pool, [{ row, plans }], progress)
      if (line === undefined) break
      lines.push({ ...line, title: `seeds ${part.from} to ${part.to}` })
      if (line.violations > 0) return lines
      note({ row: row.name, ...part, cases: line.cases, ...line.counts, commit: commit() })
    }
  }
  return lines
}

/** The parts of a range that are in no run. */
export function missing(
  runs: readonly LongRun[],
  row: string,
  from: number,
  to: number,
): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = []
  const own = runs.filter((run) => run.row === row).toSorted((a, b) => a.from - b.from)
  for (let at = from; at < to; ) {
    const covering = own.find((run) => run.from <= at && at < run.to)
    if (covering !== undefined) {
      at = covering.to
      continue
    }
    const next = own.find((run) => run.from > at)?.from ?? to
    const end = Math.min(to, next, at + PART_SEEDS)
    parts.push({ from: at, to: end })
    at = end
  }
  return parts
}

/** Adds a run to those noted; one that goes on where another of the same commit ended becomes one with it. */
export function merged(runs: readonly LongRun[], run: LongRun): LongRun[] {
  const before = runs.find(
    ({ row, to, commit: of }) => row === run.row && to === run.from && of === run.commit,
  )
  if (before === undefined) return [...runs, run]
  const whole: LongRun = {
    ...run,
    from: before.from,
    cases: before.cases + run.cases,
    workloads: before.workloads + run.workloads,
    crashPoints: before.crashPoints + run.crashPoints,
    recoveries: before.recoveries + run.recoveries,
    seeds: before.seeds + run.seeds,
    faults: before.faults + run.faults,
  }
  return runs.map((each) => (each === before ? whole : each))
}

function note(run: LongRun): void {
  writeFileSync(FILE, `${JSON.stringify(merged(readLongRuns(), run), undefined, 2)}\n`)
}

function commit(): string {
  return execFileSync('git', ['log', '-1', '--format=%h', '--', 'packages'], {
    cwd: new URL('../../..', import.meta.url),
    encoding: 'utf8',
  }).trim()
}
