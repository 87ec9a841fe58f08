import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { bulk, expectEntries } from '../src/walrus.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'walrus-bench-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

it.each([
  // 1,024 entries of 1 KiB: one in 97 is timed, or every batch of 64.
  ['appendSync', 11],
  ['appendBatch', 16],
] as const)('a run of %s writes what it was told, and leaves nothing', async (how, timed) => {
  const subject = await bulk(directory, 'fd', how, 1 << 20)
  const { values, latencies } = await subject.run()
  expect(latencies?.length).toBe(timed)
  expect(values['gigabytesPerSecond']).toBeGreaterThan(0)
  expect(await readdir(directory)).toEqual([])
})

it('a rate without its entries is refused', () => {
  expect(() => expectEntries(99, 100)).toThrow('found 99 entries where there should be 100')
})
