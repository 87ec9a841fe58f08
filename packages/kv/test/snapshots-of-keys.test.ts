/** Snapshots that the store makes of its keys: opening reads them instead of all records. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { badSnapshot } from '../src/errors.ts'
import type { Kv } from '../src/index.ts'
import { decodeRow, encodeRows } from '../src/snapshot-rows.ts'
import { State } from '../src/state.ts'
import { contentsOf, inOrder, openOn } from './simulated.ts'

const SNAPSHOTS = 'kv\0snapshots'

async function fill(kv: Kv, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n += 1000) {
    const sets = Array.from({ length: 1000 }, (_, at) => kv.set(`key ${n + at}`, `${n + at}`))
    await Promise.all(sets)
  }
}

describe('a store', () => {
  it('is restored from the snapshot made when it was closed, and what came after', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await fill(kv, 5000)
    await kv.delete('key 7')
    await kv.clear({ prefix: 'key 4' })
    await kv.set('expires', 'v', { ttlMs: 3_600_000 })
    const contents = await contentsOf(kv)
    await kv.close()
    const again = await openOn(disk)
    expect(again.log.streams()).toContain(SNAPSHOTS)
    expect(await contentsOf(again)).toEqual(contents)
    expect((await again.entry('expires'))?.expiresAt).toBeGreaterThan(disk.now)
    await again.set('more', '1')
    disk.losePower('kept')
    const third = await openOn(disk)
    expect(await contentsOf(third)).toEqual(inOrder([...contents, ['more', '1']]))
    await third.close()
  })

  it('makes one in the background while others write, and is the same after any crash', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk, { cacheBytes: 0 })
    // While one waits for the disk, others are sequenced: a snapshot that is begun then must have those, too.
    const writer = async (id: number): Promise<void> => {
      for (let n = 0; n < 24_000; n += 400) {
        const calls = Array.from({ length: 400 }, (_, at) =>
          kv.set(`${(n + at) % 900}`, `${id} ${n}`),
        )
        if (n % 4000 === 0) calls.push(kv.clear({ gte: `${id}`, lt: `${id}5` }))
        await Promise.all(calls)
      }
    }
    await Promise.all([1, 2, 3, 4].map(writer))
    expect(kv.log.stream(SNAPSHOTS).next).toBeGreaterThan(2)
    const contents = await contentsOf(kv)
    disk.losePower('kept')
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual(contents)
    expect(again.stats()).toEqual({ keys: contents.length, snapshotFailure: undefined })
    await again.close()
  })

  it('closes without one where there is no room for it, and loses nothing', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await fill(kv, 5000)
    disk.fault = ({ kind }) => (kind.endsWith('write') ? 'ENOSPC' : undefined)
    await kv.close().catch(({ code }) => expect(code).toBe('WALRUS_DISK_FULL'))
    disk.fault = undefined
    const again = await openOn(disk)
    expect(again.log.streams()).toEqual(['kv'])
    expect(again.size).toBe(5000)
    await again.close()
  })
})

describe('rows', () => {
  it('hold every key, where it is, and when it expires', () => {
    const state = new State(() => 0)
    const keys = ['', 'a', '\xff'.repeat(65_535), 'b'.repeat(40_000), 'c']
    keys.forEach((key, at) => state.set(key, 2 ** 40 + at, at % 2 === 0 ? 0 : 2 ** 46 + at, -1, 0))
    const rows = [...encodeRows(state.entries())]
    expect(rows.length).toBeGreaterThan(1)
    const restored: [string, number, number][] = []
    for (const row of rows) decodeRow(row, (...each) => void restored.push(each))
    const expected = keys.map((key, at) => [key, 2 ** 40 + at, at % 2 === 0 ? 0 : 2 ** 46 + at])
    expect(new Set(restored)).toEqual(new Set(expected))
  })

  it.each([
    ['an unknown kind', [7]],
    ['nothing', []],
    ['half a head', [1, 1, 0, 0]],
    ['a key that ends early', [1, 3, 0, 0, 0, 0, 0, 0, 0, 65]],
  ])('of %s are refused', (_, bytes) => {
    expect(() => decodeRow(Uint8Array.from(bytes), () => {})).toThrow(
      expect.objectContaining({ code: badSnapshot('').code }) as Error,
    )
  })

  it('of a later version are refused by name', () => {
    expect(() => decodeRow(Uint8Array.of(0, 2), () => {})).toThrow(
      expect.objectContaining({ code: 'WALRUS_UNSUPPORTED_FORMAT' }) as Error,
    )
  })
})
