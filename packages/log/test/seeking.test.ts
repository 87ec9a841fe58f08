/** From a time to an index. */

import { SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { DIR, openOn, runOn } from './simulated.ts'

const dir = freshDirectory()

function pass(storage: SimulatedStorage, ms: number): Promise<void> {
  return new Promise((resolve) => storage.env.after(ms, resolve))
}

describe('seek', () => {
  it('finds the first entry of a time or later, over segments and streams', async () => {
    const disk = new SimulatedDisk({ seed: 1 })
    await disk.run(async (storage) => {
      const log = await Log.open(DIR, { storage, segmentBytes: 65_536 })
      const stream = log.stream('named')
      for (let n = 0; n < 120; n++) {
        await log.append(new Uint8Array(2000))
        if (n % 3 === 0) await stream.append('x')
        await pass(storage, n % 7 === 0 ? 20 : 1)
      }
      expect(log.stats().segments).toBeGreaterThan(3)
      for (const [each, first, next] of [
        [log, 1, 121],
        [stream, 0, 40],
      ] as const) {
        const times = []
        for (let index = first; index < next; index++) times.push(each.getSync(index).time)
        for (let time = times[0]! - 2; time <= times.at(-1)! + 2; time++) {
          const at = times.findIndex((committed) => committed >= time)
          expect(await each.seek(time)).toBe(at < 0 ? next : first + at)
        }
        expect(await each.seek(new Date(times[5]!))).toBe(await each.seek(times[5]!))
        expect(await each.seek(Number.NEGATIVE_INFINITY)).toBe(first)
      }
      await log.close()
    })
  })

  it('is the index that comes next where there is nothing, or nothing so late', async () => {
    const log = await Log.open(dir())
    expect(await log.seek(0)).toBe(1)
    expect(await log.stream('none').seek(0)).toBe(0)
    await log.append('x')
    expect(await log.seek(Number.POSITIVE_INFINITY)).toBe(2)
    await log.close()
  })

  it('keeps to what a truncation has left', async () => {
    const disk = new SimulatedDisk({ seed: 2 })
    await runOn(disk, async (storage) => {
      const log = await openOn(disk, { storage })
      for (let n = 0; n < 20; n++) {
        await log.append('x')
        await pass(storage, 10)
      }
      await log.truncateFront(5)
      await log.truncate(15)
      expect(await log.seek(0)).toBe(5)
      expect(await log.seek(log.getSync(10).time)).toBe(10)
      expect(await log.seek(Number.POSITIVE_INFINITY)).toBe(16)
      await log.close()
    })
  })

  it('looks at few entries', async () => {
    const filling = await Log.open(dir(), { durability: 'none' })
    for (let n = 0; n < 4096; n++) filling.appendSync(new Uint8Array(3000))
    await filling.close()
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.calls.length = 0
    await log.seek(Date.now() - 1)
    const reads = storage.calls.filter(({ what, file }) => what === 'read' && file.endsWith('.seg'))
    // Twice for an entry that is longer than what is read at first.
    expect(reads.length).toBeLessThanOrEqual(2 * 13)
    await log.close()
  })

  it('refuses what is no time', async () => {
    const log = await Log.open(dir())
    for (const time of [Number.NaN, new Date('x'), '2026-01-01', undefined, 1n]) {
      await expect(log.seek(time as number)).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
      })
    }
    await log.close()
  })
})
