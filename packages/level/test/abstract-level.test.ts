/**
 * abstract-level's own test suite, as it is published. It is written for tape, which counts its assertions; a case
 * that a missing capability skips does not run, so the number of assertions is pinned.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type tapeModule from 'tape'
import { expect, it } from 'vitest'
import { WalrusLevel } from '../src/index.ts'

const require = createRequire(import.meta.url)
const suite = require('abstract-level/test') as (options: {
  test: typeof tapeModule
  factory: (options?: object) => WalrusLevel
}) => void

it('passes the suite of abstract-level', { timeout: 300_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'walrus-level-'))
  const tape = (require('tape') as typeof tapeModule).createHarness()
  const failures: string[] = []
  let passed = 0
  const ended = new Promise<void>((resolve) => {
    let name = ''
    const results = tape.createStream({ objectMode: true })
    results.on('data', (row: { type: string; name?: string; ok?: boolean; actual?: unknown }) => {
      if (row.type === 'test') name = row.name ?? ''
      if (row.type !== 'assert') return
      if (row.ok === true) passed++
      else failures.push(`${name}: ${row.name}: ${String(row.actual)}`)
    })
    results.on('end', resolve)
  })
  let databases = 0
  suite({
    test: tape as unknown as typeof tapeModule,
    factory: (options = {}) => new WalrusLevel(join(root, `${databases++}`), options),
  })
  await ended
  rmSync(root, { recursive: true })
  console.log(`abstract-level's suite: ${passed} assertions passed, ${failures.length} failed`)
  expect(failures).toEqual([])
  expect(passed).toBe(5168)
})
