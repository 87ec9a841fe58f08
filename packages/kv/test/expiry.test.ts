/** Keys that live for some time. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Expiries } from '../src/expiries.ts'
import { contentsOf, openOn } from './simulated.ts'

describe('a key with a time to live', () => {
  it('is gone when that is over, everywhere, and after reopening', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('short', '1', { ttlMs: 60_000 })
    await kv.set('long', '2', { ttlMs: 600_000 })
    await kv.set('for ever', '3')
    const { expiresAt } = (await kv.entry('short'))!
    expect(expiresAt! - disk.now).toBeGreaterThan(59_000)
    expect((await kv.entry('for ever'))?.expiresAt).toBeUndefined()
    await disk.pass(50_000)
    expect(await contentsOf(kv)).toHaveLength(3)
    await disk.pass(10_001)
    expect([kv.has('short'), await kv.get('short'), kv.getSync('short')]).toEqual([
      false,
      undefined,
      undefined,
    ])
    expect(await contentsOf(kv)).toEqual([
      ['for ever', '3'],
      ['long', '2'],
    ])
    expect(await kv.delete('short')).toBe(false)
    await kv.close()
    const again = await openOn(disk)
    expect(again.size).toBe(2)
    await disk.pass(600_000)
    expect(await contentsOf(again)).toEqual([['for ever', '3']])
    await again.close()
  })

  it('is not there for those who compare, and may be set again, for ever', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.batch([{ type: 'set', key: 'lock', value: 'mine', ttlMs: 1000 }])
    expect(await kv.compareAndSet('lock', undefined, 'yours', { ttlMs: 1000 })).toBe(false)
    await disk.pass(1001)
    expect(await kv.compareAndSet('lock', 'mine', 'mine still')).toBe(false)
    expect(await kv.compareAndSet('lock', undefined, 'yours')).toBe(true)
    await disk.pass(10_000)
    expect(await contentsOf(kv)).toEqual([['lock', 'yours']])
    await kv.close()
  })

  it('lives anew when it is set again before', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    for (let n = 0; n < 5; n++) {
      await kv.set('session', `${n}`, { ttlMs: 1000 })
      await disk.pass(900)
    }
    expect(await kv.get('session')).toBe('4')
    await disk.pass(200)
    expect(kv.size).toBe(0)
    await kv.close()
  })

  it('leaves memory and the tables when nobody asks', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('k', 'v', { ttlMs: 5000 })
    const snapshot = kv.snapshot()
    await disk.pass(10_000)
    expect([...snapshot.entriesSync()]).toEqual([['k', 'v']])
    snapshot.close()
    expect(kv.stats().keys).toBe(0)
    await kv.close()
  })
})

describe('the queue of what expires', () => {
  it('gives what is due, in order, and nothing that was replaced; it does not grow with replacing', () => {
    const holds = new Map<string, number>()
    const queue = new Expiries(({ key, at }) => holds.get(key) === at)
    let longest = 0
    for (let n = 0; n < 20_000; n++) {
      const key = `${n % 100}`
      if (holds.has(key)) queue.dropped()
      holds.set(key, n)
      queue.add({ key, at: n })
      longest = Math.max(longest, queue.length)
    }
    expect(longest).toBeLessThan(1200)
    const due: number[] = []
    for (let next = queue.take(19_950); next !== undefined; next = queue.take(19_950))
      due.push(next.at)
    expect(due).toEqual(Array.from({ length: 51 }, (_, at) => 19_900 + at))
    expect(queue.next).toBe(19_951)
  })
})
