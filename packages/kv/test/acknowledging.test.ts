/** What readers see and when: acknowledged changes only; and closing, reading only, full and failing disks. */

import { Log } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Kv } from '../src/index.ts'
import { contentsOf, DIR, openOn } from './simulated.ts'

describe('a change', () => {
  it.each(['commit', { everyMs: 10 }] as const)(
    'is seen once it is acknowledged, and not before, under %j',
    async (durability) => {
      const kv = await openOn(undefined, { durability })
      await kv.set('k', '1')
      const set = kv.set('k', '2')
      const added = kv.set('l', '2')
      expect([kv.getSync('k'), kv.has('l'), kv.size]).toEqual(['1', false, 1])
      await Promise.all([set, added])
      expect([await kv.get('k'), kv.has('l'), kv.size]).toEqual(['2', true, 2])
      kv.setSync('k', '3')
      expect(kv.getSync('k')).toBe('3')
      await kv.close()
    },
  )

  it('is seen under none as soon as a call has returned', async () => {
    const kv = await openOn(undefined, { durability: 'none' })
    for (let n = 0; n < 10; n++) {
      kv.setSync('k', `${n}`)
      expect(kv.getSync('k')).toBe(`${n}`)
      kv.setSync(`${n}`, '')
      expect(kv.has(`${n}`)).toBe(true)
      expect(kv.deleteSync(`${n}`)).toBe(true)
      expect([...kv.keys()]).toEqual(['k'])
    }
    await kv.close()
  })
})

describe('commit', () => {
  it('has everything on disk when it returns, whatever the durability', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk, { durability: 'none' })
    const set = kv.set('a', '1')
    kv.setSync('b', '2')
    await kv.commit()
    await set
    disk.losePower('lost')
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
    await again.close()
  })
})

describe('close', () => {
  it('acknowledges what was called for before, and refuses what comes after', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk, { durability: 'none' })
    const sets = [kv.set('a', '1'), kv.set('b', '2')]
    const closing = kv.close()
    expect(kv.close()).toBe(closing)
    const closed = { code: 'WALRUS_CLOSED' }
    await expect(kv.set('c', '3')).rejects.toMatchObject(closed)
    await Promise.all([...sets, closing])
    await expect(kv.get('a')).rejects.toMatchObject(closed)
    await expect(kv.commit()).rejects.toMatchObject(closed)
    await expect(kv.delete('a')).rejects.toMatchObject(closed)
    expect(() => kv.size).toThrow('the store is closed')
    expect(() => kv.setSync('a', '')).toThrow('the store is closed')
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
    await again.close()
  })

  it('leaves a log that is not its own open', async () => {
    const log = await Log.open(DIR, { storage: new SimulatedDisk().process() })
    {
      await using kv = await Kv.open(log)
      await kv.set('a', '1')
    }
    await log.append('still open')
    const again = await Kv.open(log)
    expect(await contentsOf(again)).toEqual([['a', '1']])
    await again.close()
    await log.close()
  })
})

describe('a store opened for reading', () => {
  it('sees what is durable, more after refresh, and changes nothing', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('a', '1')
    await kv.set('b', '1')
    const reader = await openOn(disk, { readOnly: true })
    await disk.pass(100)
    await reader.refresh()
    expect(await contentsOf(reader)).toEqual([
      ['a', '1'],
      ['b', '1'],
    ])
    await kv.set('a', '2')
    await kv.delete('b')
    await disk.pass(100)
    await reader.refresh()
    expect(await contentsOf(reader)).toEqual([['a', '2']])
    const refused = { code: 'WALRUS_READ_ONLY' }
    await expect(reader.set('a', '3')).rejects.toMatchObject(refused)
    await expect(reader.delete('a')).rejects.toMatchObject(refused)
    await expect(reader.clear()).rejects.toMatchObject(refused)
    await expect(reader.commit()).rejects.toMatchObject(refused)
    await reader.close()
    await kv.close()
  })
})

it('a reader that has fallen behind all that is left begins again from the newest snapshot', async () => {
  const disk = new SimulatedDisk()
  const retention = { maxSegments: 2 }
  const kv = await openOn(disk, { durability: 'none', segmentBytes: 65_536, retention })
  await kv.set('a', 'before')
  await kv.commit()
  await disk.pass(100)
  const reader = await openOn(disk, { readOnly: true })
  expect(await contentsOf(reader)).toEqual([['a', 'before']])
  for (let n = 0; n < 70_000; n += 1000) {
    await Promise.all(Array.from({ length: 1000 }, (_, at) => kv.set('abc'[at % 3]!, `${n + at}`)))
  }
  await kv.commit()
  await kv.log.retain()
  await disk.pass(100)
  expect(kv.log.stream('kv').first).toBeGreaterThan(1)
  const contents = await contentsOf(kv)
  await Promise.all([reader.refresh(), reader.refresh()])
  expect(await contentsOf(reader)).toEqual(contents)
  await reader.close()
  await kv.close()
})

describe('a full disk', () => {
  it('takes back what it refuses: readers never see it, and the store goes on', async () => {
    const disk = new SimulatedDisk({ capacity: 400_000 })
    const kv = await openOn(disk, { segmentBytes: 65_536, cacheBytes: 0 })
    const model = new Map<string, string>()
    let refused = 0
    for (let n = 0; refused < 5; n++) {
      const [a, b] = [`${n % 7}`, `${n % 5}`]
      const value = `${n}`.padEnd(5000)
      const outcomes = await Promise.allSettled([
        kv.set(a, value),
        kv.compareAndSet(b, model.get(b), value),
      ])
      if (outcomes[0].status === 'rejected') {
        expect(outcomes[0].reason).toMatchObject({ code: 'WALRUS_DISK_FULL' })
        refused++
      } else {
        model.set(a, value)
      }
      if (outcomes[1].status === 'fulfilled' && outcomes[1].value) model.set(b, value)
      expect(new Map(kv.entriesSync())).toEqual(new Map(model))
    }
    disk.capacity = 10_000_000
    await kv.set('after', 'it')
    model.set('after', 'it')
    expect(new Map(await contentsOf(kv))).toEqual(model)
    await kv.close()
    const again = await openOn(disk)
    expect(new Map(await contentsOf(again))).toEqual(model)
    await again.close()
  })
})

describe('a log that has failed', () => {
  it('refuses changes, shows what was acknowledged, and opens again', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('a', '1')
    disk.fault = ({ change }) => (change === undefined ? undefined : 'EIO')
    await expect(kv.set('a', '2')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(kv.delete('a')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(kv.commit()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    expect(await kv.get('a')).toBe('1')
    await expect(kv.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    disk.fault = undefined
    const again = await openOn(disk)
    expect(['1', '2']).toContain(await again.get('a'))
    await again.close()
  })
})
