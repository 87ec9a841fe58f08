/** The table of counts, and each violation with the one command that replays it. */

import type { Numbers } from './plan.ts'

export interface Shown {
  readonly plan: string
  readonly what: string
}

/** What a row came to. */
export interface Line {
  readonly name: string
  readonly title: string
  readonly cases: number
  readonly counts: Numbers
  /** Cases with violations. */
  readonly violations: number
  /** The first of the violations. */
  readonly shown: readonly Shown[]
  readonly seconds: number
}

const HEADS = [
  'row',
  '',
  'cases',
  'workloads',
  'crash points',
  'recoveries',
  'seeds',
  'faults',
  'violations',
  'seconds',
]

export function tableOf(lines: readonly Line[]): string {
  const total = lines.reduce((sum, line) => sum + line.seconds, 0)
  const sum = (of: (line: Line) => number): number => lines.reduce((all, line) => all + of(line), 0)
  const rows = lines.map((line) => [
    line.name,
    line.title,
    line.cases,
    ...numbersOf((count) => line.counts[count]),
    line.violations,
    line.seconds.toFixed(0),
  ])
  const last = [
    'all',
    '',
    sum(({ cases }) => cases),
    ...numbersOf((count) => sum(({ counts }) => counts[count])),
    sum(({ violations }) => violations),
    total.toFixed(0),
  ]
  return aligned([HEADS, ...rows, last].map((row) => row.map(printed)))
}

export function violationsOf(lines: readonly Line[]): string {
  return lines
    .flatMap(({ name, shown, violations }) => [
      ...shown.map(({ plan, what }) => `VIOLATION ${what}\n  pnpm crash --replay "${plan}"`),
      ...(shown.length > 0 && violations > shown.length
        ? [`… ${name}: ${violations} cases with violations in all`]
        : []),
    ])
    .join('\n')
}

/** Columns of text, the first two to the left. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function numbersOf(count: (name: keyof Numbers) => number): number[] {
  return (['workloads', 'crashPoints', 'recoveries', 'seeds', 'faults'] as const).map(count)
}

function printed(cell: string | number): string {
  return typeof cell === 'string' ? cell : cell.toLocaleString('en-US')
}
