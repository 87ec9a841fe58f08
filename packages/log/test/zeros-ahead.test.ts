import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fd } from '@walrus/segment'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { type Call, isGroup, observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'
import { openOn } from './simulated.ts'

const dir = freshDirectory()
const isZeros = ({ what, bytes }: Call): boolean =>
  what === 'write' && bytes.length >= 4_096 && bytes.every((byte) => byte === 0)

describe('zeros written ahead', () => {
  it('lie before the groups, are synced first, and never run over one', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, segmentBytes: 2 ** 20 })
    for (let at = 0; at < 300; at++) await log.append(numbered(at, 2_000))
    const { calls } = storage
    const zeros = calls.filter((call) => isZeros(call) && call.file === '000000000001.seg')
    expect(zeros.length).toBeGreaterThan(1)
    for (const call of zeros) {
      const earlier = calls.slice(0, calls.indexOf(call)).filter(isGroup)
      const end = Math.max(0, ...earlier.map(({ at, length }) => at + length))
      expect(call.at).toBeGreaterThanOrEqual(end)
    }
    const zeroedBefore = (group: Call): boolean => {
      const synced = calls
        .slice(0, calls.indexOf(group))
        .findLastIndex(({ what }) => what === 'sync')
      const ahead = calls.slice(0, Math.max(0, synced)).filter((call) => zeros.includes(call))
      return ahead.some(
        ({ at, length }) => group.at >= at && group.at + group.length <= at + length,
      )
    }
    const groups = storage.groups().filter(({ file }) => file === '000000000001.seg')
    expect(groups.filter(zeroedBefore).length).toBeGreaterThan(groups.length / 2)
    await log.close()
    const again = await Log.open(dir())
    const read = await again.range(1, 300)
    expect(read.map(({ data }) => digest(data))).toEqual(
      Array.from({ length: 300 }, (_, at) => digest(numbered(at, 2_000))),
    )
    await again.close()
  })

  it('never run over a group that waits while the next segment is planned already', async () => {
    const payloads = [100, 75_000, 60_000].map((size, at) => numbered(at, size))
    for (let seed = 0; seed < 30; seed++) {
      const disk = new SimulatedDisk({ seed })
      const log = await openOn(disk, { segmentBytes: 100_000 })
      const first = log.append(payloads[0]!)
      // Under way: what comes now goes into groups behind it, the last one in a segment of its own.
      await Promise.resolve()
      await Promise.resolve()
      await Promise.all([first, log.append(payloads[1]!), log.append(payloads[2]!)])
      await log.close()
      const again = await openOn(disk)
      const read = await again.range(1, 3)
      expect(read.map(({ data }) => digest(data))).toEqual(payloads.map(digest))
    }
  })

  it('make the next segment ready before it is needed', async () => {
    const log = await Log.open(dir(), { segmentBytes: 2 ** 20 })
    for (let at = 0; at < 300; at++) await log.append(numbered(at, 2_000))
    const ready = (): string[] => readdirSync(dir()).filter((name) => name.endsWith('.new'))
    await expect
      .poll(() => ready().map((name) => statSync(join(dir(), name)).size))
      .toEqual([262_144])
    for (let at = 300; at < 600; at++) await log.append(numbered(at, 2_000))
    expect(log.stats().segments).toBe(2)
    await log.close()
    expect(ready()).toEqual([])
  })

  it.each<[string, Durability, boolean]>([
    ['under an interval', { everyMs: 1 }, true],
    ['under none', 'none', true],
    ['where the storage says they gain nothing', 'commit', false],
  ])('are not written %s', async (_name, durability, zeroAhead) => {
    const storage = observed(fd({ zeroAhead }))
    const log = await Log.open(dir(), { storage, durability })
    for (let at = 0; at < 50; at++) await log.append('x')
    await sleep(10)
    expect(storage.calls.filter(isZeros)).toEqual([])
    await log.close()
  })
})

describe('a segment that ends while zeros are being written to it', () => {
  it('is sealed once they are, and ends with its seal', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, segmentBytes: 2 ** 20 })
    storage.hold = isZeros
    await log.append('first')
    await expect.poll(() => storage.held.length).toBe(1)
    await log.append(numbered(1, 2 ** 20))
    expect(log.stats().segments).toBe(2)
    await sleep(10)
    storage.release()
    await log.close()
    const bytes = readFileSync(join(dir(), '000000000001.seg'))
    expect(bytes.subarray(-64, -60).toString()).toBe('WSEL')
    expect(bytes.length).toBeLessThan(1000)
  })
})

describe('an append that comes to zeros still being written', () => {
  it('waits for them, and goes on in the same segment', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isZeros
    await log.append('first')
    await expect.poll(() => storage.held.length).toBe(1)
    const resolved: number[] = []
    const appended = [numbered(1, 100_000), numbered(2, 10)].map(async (payload) => {
      resolved.push(await log.append(payload))
    })
    await sleep(10)
    expect(resolved).toEqual([])
    storage.release()
    await Promise.all(appended)
    expect(resolved).toEqual([2, 3])
    expect(log.stats().segments).toBe(1)
    await log.close()
  })

  it('is acknowledged by close', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isZeros
    await log.append('first')
    await expect.poll(() => storage.held.length).toBe(1)
    const appended = log.append(numbered(1, 100_000))
    await sleep(5)
    const closed = log.close()
    setTimeout(() => storage.release(), 5)
    expect(await appended).toBe(2)
    await closed
    expect(log.lastIndex).toBe(2)
  })

  it('begins the next segment when an appendSync comes behind it', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isZeros
    await log.append('first')
    await expect.poll(() => storage.held.length).toBe(1)
    const appended = log.append(numbered(1, 100_000))
    await sleep(5)
    expect(log.appendSync('behind it')).toBe(3)
    expect(await appended).toBe(2)
    expect(log.stats().segments).toBe(2)
    storage.release()
    await log.close()
    const again = await Log.open(dir())
    const read = await again.range(1, 3)
    expect(read.map(({ data }) => data.length)).toEqual([5, 100_000, 9])
    await again.close()
  })
})
