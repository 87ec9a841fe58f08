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

it('a run writes as much as it was told, and leaves nothing for the next', async () => {
  const subject = await bulk(directory, 'fd', 1 << 20)
  const { values, latencies } = await subject.run()
  // 1,024 entries of 1 KiB, one in 97 timed.
  expect(latencies?.length).toBe(11)
  expect(values['gigabytesPerSecond']).toBeGreaterThan(0)
  expect(await readdir(directory)).toEqual([])
})

it('a rate without its entries is refused', () => {
  expect(() => expectEntries(99, 100)).toThrow('found 99 entries where there should be 100')
})
