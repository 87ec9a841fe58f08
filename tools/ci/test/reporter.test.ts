import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readStages } from '../summary.js'

// Runs the real vitest on a package made of one file, from a folder beside the shared configuration.
async function reportOf(source: string) {
  const dir = mkdtempSync(join(import.meta.dirname, '../.reporter-test-'))
  const reports = mkdtempSync(join(tmpdir(), 'walrus-reports-'))
  onTestFinished(() => {
    rmSync(dir, { recursive: true })
    rmSync(reports, { recursive: true })
  })
  mkdirSync(join(dir, 'test'))
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: '@walrus/example' }))
  writeFileSync(join(dir, 'test/a.test.ts'), source)
  const vitest = join(
    dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
    'vitest.mjs',
  )
  const env = { ...process.env, WALRUS_TEST_REPORTS: join(reports, 'stage') }
  await new Promise((resolve) => {
    execFile(process.execPath, [vitest, 'run', '--root', dir], { cwd: dir, env }, resolve)
  })
  writeFileSync(join(reports, 'stages'), 'ok\tstage\n')
  return readStages(join(reports, 'stages'), reports, dir)
}

test('a run is reported with every outcome a test can have', async () => {
  const stages = await reportOf(`
    import { describe, expect, test } from 'vitest'
    test('passes', () => {})
    test('fails', () => expect(1).toBe(2))
    test('gives up', (context) => context.skip('no ring here'))
    test.skip('is skipped', () => {})
    test.todo('is to do')
    describe('inside', () => test('passes too', () => {}))
  `)
  const name = (title: string) => `test/a.test.ts > ${title}`
  expect(stages).toEqual([
    {
      name: 'stage',
      ok: true,
      reports: [
        {
          package: '@walrus/example',
          node: process.version,
          passed: 2,
          failed: [name('fails')],
          skipped: [
            { name: name('gives up'), reason: 'no ring here' },
            { name: name('is skipped'), reason: 'no reason given' },
            { name: name('is to do'), reason: 'to do' },
          ],
        },
      ],
    },
  ])
})

test('a file that cannot be loaded is reported as failed', async () => {
  const [stage] = await reportOf(`throw new Error('cannot load')`)
  expect(stage?.reports?.[0]?.failed).toEqual(['test/a.test.ts: cannot load'])
})

test('an error outside any test is reported as failed', async () => {
  const [stage] = await reportOf(`
    import { test } from 'vitest'
    test('passes', async () => {
      Promise.reject(new Error('nobody waits'))
      await new Promise((resolve) => setTimeout(resolve, 100))
    })
  `)
  expect(stage?.reports?.[0]?.failed).toEqual(['error outside a test: nobody waits'])
})
