/** The result as a table for people and as plain data for programs. */

import type { Conditions } from './conditions.ts'
import { type Latency, latency, type Spread, spread } from './statistics.ts'
import type { Measured } from './subject.ts'
import type { Target } from './target.ts'
import { type Comparison, judge, type Verdict } from './verdict.ts'

/** A target, judged. */
export interface Result {
  readonly path: string
  readonly lines: readonly Line[]
  readonly subjects: Readonly<Record<string, SubjectSummary>>
}

export interface Line {
  readonly comparison: Comparison
  readonly verdict: Verdict
}

export type SubjectSummary =
  | {
      readonly values: Readonly<Record<string, Spread & { readonly runs: readonly number[] }>>
      /** Microseconds. */
      readonly latency?: Latency
    }
  | { readonly missing: string; readonly failed: boolean }

export function summarize(target: Target, measured: ReadonlyMap<string, Measured>): Result {
  return {
    path: target.path,
    lines: target.comparisons.map((comparison) => ({
      comparison,
      verdict: judge(comparison, target.ours, measured),
    })),
    subjects: Object.fromEntries([...measured].map(([name, one]) => [name, summary(one)])),
  }
}

export function summary(measured: Measured): SubjectSummary {
  if ('missing' in measured) return measured
  const { samples } = measured
  const metrics = Object.keys(samples[0]?.values ?? {})
  const values = Object.fromEntries(
    metrics.map((metric) => {
      const runs = samples.map((sample) => sample.values[metric] ?? Number.NaN)
      return [metric, { ...spread(runs), runs }]
    }),
  )
  const timed = samples.flatMap((sample) => sample.latencies ?? [])
  return timed.length === 0 ? { values } : { values, latency: latency(timed) }
}

/** `12,400,000` as `12.4M`: three significant figures, which is more than any of this is exact to. */
export function short(value: number): string {
  for (const [unit, size] of [
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (Math.abs(value) >= size) return `${digits(value / size)}${unit}`
  }
  return digits(value)
}

function digits(value: number): string {
  const before = Math.trunc(Math.abs(value)).toString().length
  return value.toFixed(Math.max(0, 3 - before))
}

/** Columns as wide as their widest cell, two spaces apart. The last cell of a row may reach into the next column. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) {
      widths[i] = Math.max(widths[i] ?? 0, cell.length)
    }
  }
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** The verdicts, ratio and spread first. */
export function targetTable(results: readonly Result[], runs: number): string {
  const rows = [['path', 'reference', 'ours', 'reference', 'figure', 'range', 'target', 'verdict']]
  for (const { path, lines } of results) {
    for (const { comparison, verdict } of lines)
      rows.push([path, ...cells(comparison, verdict, runs)])
  }
  return table(rows)
}

/** Units of the metrics whose ratios have none. */
const UNITS: Readonly<Record<string, string>> = { perSecond: '/s', gigabytesPerSecond: ' GB/s' }

function cells(comparison: Comparison, verdict: Verdict, runs: number): string[] {
  const { reference, unit } = comparison
  const target = targetText(comparison)
  if ('reason' in verdict) {
    return [reference, '', '', '', '', target, `${verdict.verdict}: ${verdict.reason}`]
  }
  const { agreeing, figure, ours, against } = verdict
  const perRun = UNITS[comparison.metric] ?? ` ${unit}`
  return [
    reference,
    `${short(ours.median)}${perRun}`,
    against === undefined ? '' : `${short(against.values.median)}${perRun}`,
    `${short(figure.median)} ${unit}`,
    `${short(figure.least)} to ${short(figure.most)}`,
    target,
    agreeing === runs ? verdict.verdict : `${verdict.verdict} in ${agreeing} of ${runs} runs`,
  ]
}

function targetText({ kind, bound, unit }: Comparison): string {
  if (bound === undefined) return ''
  return kind === 'difference' ? `at most +${bound} ${unit}` : `at least ${bound} ${unit}`
}

/** Everything that was measured, variants of a reference too, with latencies where they were taken. */
export function subjectTable(results: readonly Result[]): string {
  const rows = [['path', 'measured', 'median', 'range', 'p50 µs', 'p99 µs', 'p99.9 µs']]
  for (const { path, subjects } of results) {
    for (const [name, one] of Object.entries(subjects)) {
      if ('missing' in one) {
        rows.push([path, name, one.failed ? 'failed' : 'not run', one.missing])
        continue
      }
      for (const [number, [metric, value]] of Object.entries(one.values).entries()) {
        const label = UNITS[metric] ?? ` ${metric}`
        const range = `${short(value.least)} to ${short(value.most)}`
        rows.push([
          path,
          name,
          `${short(value.median)}${label}`,
          range,
          ...(number === 0 ? latencyCells(one.latency) : []),
        ])
      }
    }
  }
  return table(rows)
}

function latencyCells(of: Latency | undefined): string[] {
  if (of === undefined) return []
  return [of.p50, of.p99, of.p999].map((value) => (value < 100 ? digits(value) : value.toFixed(0)))
}

/** The machine, and the sync latency of its disk before and after. */
export function conditionLines(at: Conditions, device: readonly SubjectSummary[]): string {
  const lines = [
    `Node ${at.node}, ${at.kernel}, ${at.cores} × ${at.cpu}, ${at.memoryGiB} GiB, load ${at.load.toFixed(2)} at the start`,
    `data on ${at.filesystem}; ${at.started}`,
  ]
  if (at.load > at.cores / 4)
    lines.push('Something else was running at the start: do not rely on this.')
  for (const [i, one] of device.entries()) {
    const when = i === 0 ? 'before' : 'after'
    lines.push(`device's own sync, ${when}: ${deviceText(one)}`)
  }
  return `${lines.join('\n')}\n`
}

function deviceText(one: SubjectSummary): string {
  if ('missing' in one) return `not run: ${one.missing}`
  const rate = one.values['perSecond']
  if (rate === undefined || one.latency === undefined) {
    throw new Error('the C loop gave no latencies')
  }
  const [p50, p99, p999] = latencyCells(one.latency)
  return `${short(rate.median)}/s, p50 ${p50} µs, p99 ${p99} µs, p99.9 ${p999} µs`
}
