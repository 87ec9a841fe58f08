import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readStages, summarize } from '../summary.js'

const report = (
  name: string,
  passed: number,
  more: { failed?: string[]; skipped?: string[] } = {},
) => ({
  package: name,
  node: 'v20.20.2',
  passed,
  failed: more.failed ?? [],
  skipped: (more.skipped ?? []).map((each) => ({ name: each, reason: 'no ring here' })),
})

test('tests of all runs and stages without tests are added up', () => {
  const { lines, ok } = summarize(
    [
      { name: 'format', ok: true },
      { name: 'turbo test', ok: true, reports: [report('codec', 10), report('log', 5)] },
      { name: 'tests on Node 24', ok: true, reports: [report('codec', 10), report('log', 5)] },
    ],
    ['codec', 'log'],
  )
  expect(lines).toEqual(['31 passed, 0 failed'])
  expect(ok).toBe(true)
})

test('a failed stage and a failed test are named, and counted', () => {
  const { lines, ok } = summarize(
    [
      { name: 'format', ok: false },
      { name: 'turbo test', ok: false, reports: [report('log', 5, { failed: ['a.test.ts > a'] })] },
    ],
    ['log'],
  )
  expect(lines).toEqual([
    'FAILED   format',
    'FAILED   turbo test: log: a.test.ts > a',
    '5 passed, 2 failed',
  ])
  expect(ok).toBe(false)
})

test('a package whose tests left no report is a failure, even where the stage passed', () => {
  const { lines } = summarize(
    [{ name: 'turbo test', ok: true, reports: [report('log', 5)] }],
    ['codec', 'log'],
  )
  expect(lines).toEqual([
    'FAILED   turbo test: codec: its tests did not run to the end',
    '5 passed, 1 failed',
  ])
})

test('of a run that tested some packages only those must have left a report', () => {
  const root = mkdtempSync(join(tmpdir(), 'walrus-summary-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const name of ['packages/log', 'packages/kv', 'tools/ci']) {
    write(`${name}/package.json`, JSON.stringify({ name, scripts: { test: 'vitest' } }))
  }
  write('stages', 'ok\tturbo test\nok\ttests on Node 24\n')
  for (const run of ['turbo test', 'tests on Node 24']) {
    write(`reports/${run}/log.json`, JSON.stringify(report('packages/log', 5)))
  }
  write('reports/tests on Node 24/groups', 'packages apps\n')
  const stages = readStages(join(root, 'stages'), join(root, 'reports'), root)
  rmSync(root, { recursive: true })
  const { lines } = summarize(stages, ['packages/log', 'packages/kv', 'tools/ci'])
  expect(lines).toEqual([
    'FAILED   turbo test: packages/kv: its tests did not run to the end',
    'FAILED   turbo test: tools/ci: its tests did not run to the end',
    'FAILED   tests on Node 24: packages/kv: its tests did not run to the end',
    '10 passed, 3 failed',
  ])
})

test('a run that failed without a failed test is a failure', () => {
  const { lines } = summarize(
    [{ name: 'turbo test', ok: false, reports: [report('log', 5)] }],
    ['log'],
  )
  expect(lines).toEqual(['FAILED   turbo test: failed, but no test did', '5 passed, 1 failed'])
})

test('a skipped test is listed once with its reason and the runs that skipped it', () => {
  const skipping = [report('log', 5, { skipped: ['ring.test.ts > reads'] })]
  const { lines, ok } = summarize(
    [
      { name: 'turbo test', ok: true, reports: skipping },
      { name: 'tests on Node 24', ok: true, reports: skipping },
    ],
    ['log'],
  )
  expect(lines).toEqual([
    'skipped  log: ring.test.ts > reads: no ring here (turbo test, tests on Node 24)',
    '10 passed, 0 failed, 2 skipped',
  ])
  expect(ok).toBe(true)
})

test('nothing that ran is not a success', () => {
  expect(summarize([], [])).toEqual({ lines: ['0 passed, 0 failed'], ok: false })
})
