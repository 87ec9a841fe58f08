/** A transaction far larger than what may be in memory is committed in bounded memory. */

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const packageDir = fileURLToPath(new URL('..', import.meta.url))

const MiB = 2 ** 20

it('of 500 MiB takes less than 192 MiB beyond what an open log takes', () => {
  const program = `
    import { Log } from '@walrus/log'
    const log = await Log.open(${JSON.stringify(dir())}, {
      transactionMemoryBytes: 2 ** 20, maxTransactionEntries: 2_000, segmentBytes: 2 ** 24, durability: 'none',
    })
    await log.append('first')
    const before = process.memoryUsage.rss()
    const bytes = new Uint8Array(2 ** 18)
    const transaction = log.begin()
    for (let n = 0; n < 2_000; n++) {
      bytes.fill(n)
      transaction.add(bytes)
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const { length } = await transaction.commit()
    const most = process.resourceUsage().maxRSS * 1024
    const last = await log.get(2_001)
    console.log(JSON.stringify({ length, last: last.data[0], more: most - before }))
    await log.close()
  `
  const args = ['--input-type=module', '--eval', program]
  const printed = execFileSync(process.execPath, args, { cwd: packageDir, encoding: 'utf8' })
  const { length, last, more } = JSON.parse(printed) as Record<string, number>
  expect([length, last]).toEqual([2_000, 1_999 % 256])
  // What is garbage, Node collects when it likes: newer versions later.
  expect(more! / MiB).toBeLessThan(192)
}, 60_000)
