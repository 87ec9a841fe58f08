import { expect, it } from 'vitest'

import { type Result, short, subjectTable, summarize, table, targetTable } from '../src/report.ts'
import type { Measured } from '../src/subject.ts'

it.each([
  [12_489, '12.5k'],
  [1_358_000, '1.36M'],
  [27_000_000, '27.0M'],
  [999, '999'],
  [0.214, '0.21'],
  [-23_600, '-23.6k'],
])('%d is written as %s', (value, text) => {
  expect(short(value)).toBe(text)
})

it('lines up columns and leaves no space at the end of a line', () => {
  expect(table([['path', 'rate'], ['append', '1'], ['x']])).toBe('path    rate\nappend  1\nx\n')
})

it('widens no column for a long reason at the end of a row', () => {
  const rows = [
    ['path', 'rate', 'p50'],
    ['append', '1', '2'],
    ['x', 'forbidden here'],
  ]
  expect(table(rows)).toBe('path    rate  p50\nappend  1     2\nx       forbidden here\n')
})

const target = {
  path: 'scan',
  ours: 'walrus',
  comparisons: [
    {
      reference: 'memory',
      subjects: ['C'],
      metric: 'gigabytesPerSecond',
      kind: 'ratio',
      bound: 0.25,
      unit: '×',
    },
  ],
} as const

function rate(gigabytesPerSecond: number, more: Record<string, number> = {}): Measured {
  const latencies = Float64Array.of(0.25, 40, 123.4)
  return { samples: [{ values: { gigabytesPerSecond, ...more }, latencies }] }
}

function resultOf(walrus: Measured): Result {
  const measured = new Map([
    ['walrus', walrus],
    ['C', rate(10)],
  ])
  return summarize(target, measured)
}

it('gives rates their unit, and the ratio its own', () => {
  expect(targetTable([resultOf(rate(4))], 1).split('\n')[1]).toMatch(
    /^scan +memory +4\.00 GB\/s +10\.0 GB\/s +0\.40 × +0\.40 to 0\.40 +at least 0\.25 × +met$/,
  )
})

it('tells a latency once, below a microsecond too, and what the device wrote under it', () => {
  const [, first = '', second = ''] = subjectTable([
    resultOf(rate(4, { deviceBytesPerSync: 4096 })),
  ]).split('\n')
  expect(first).toMatch(/4\.00 GB\/s +4\.00 to 4\.00 +40\.0 +123 +123$/)
  expect(second).toMatch(/4\.10k deviceBytesPerSync +4\.10k to 4\.10k$/)
})

it('names the reason of what was not run', () => {
  const result = resultOf({ missing: 'a sysctl forbids io_uring', failed: false })
  expect(targetTable([result], 1)).toContain('not run')
  expect(subjectTable([result])).toContain('a sysctl forbids io_uring')
})
