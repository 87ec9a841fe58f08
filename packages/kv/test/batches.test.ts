/** All or nothing: batches of the store, and changes in batches and transactions of the log. */

import { Log } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Kv } from '../src/index.ts'
import { contentsOf, DIR, openOn } from './simulated.ts'

it('a batch is applied in its order, as one', async () => {
  const kv = await openOn()
  await kv.set('old', '1')
  const done = kv.batch([
    { type: 'set', key: 'a', value: '1' },
    { type: 'set', key: 'a', value: '2' },
    { type: 'clear', prefix: 'o' },
    { type: 'set', key: 'old', value: '2' },
    { type: 'set', key: 'gone', value: '' },
    { type: 'delete', key: 'gone' },
  ])
  expect(kv.has('a')).toBe(false)
  await done
  expect(await contentsOf(kv)).toEqual([
    ['a', '2'],
    ['old', '2'],
  ])
  await kv.batch([])
  await kv.close()
})

it('calls take their order from being called, whichever they are', async () => {
  const kv = await openOn()
  const calls = [
    kv.set('a', '1'),
    kv.batch([{ type: 'set', key: 'a', value: '2' }]),
    kv.set('a', '3', { timeoutMs: 1000 }),
    kv.clear(),
    kv.set('a', '4'),
    kv.set('b', '5'),
    kv.delete('b'),
  ]
  kv.setSync('c', '6')
  calls.push(kv.set('c', '7'))
  await Promise.all(calls)
  expect(await contentsOf(kv)).toEqual([
    ['a', '4'],
    ['c', '7'],
  ])
  await kv.close()
})

describe('in a batch of the log', () => {
  it('keys and entries of streams are committed as one', async () => {
    const disk = new SimulatedDisk()
    const log = await Log.open(DIR, { storage: disk.process() })
    const kv = await Kv.open(log)
    const batch = log.batch()
    kv.in(batch).set('order', 'paid').delete('basket')
    batch.append('events', 'order paid')
    kv.in(batch).set('order', 'sent')
    expect(kv.has('order')).toBe(false)
    await kv.set('order', 'before the commit')
    await log.commit(batch)
    expect([...kv.entriesSync()]).toEqual([['order', 'sent']])
    await log.commit(batch)
    batch.clear()
    batch.append('events', 'alone')
    await log.commit(batch)
    expect(log.stream('events').next).toBe(3)
    expect(kv.position).toBe(7)
    await kv.close()
    await log.close()
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual([['order', 'sent']])
    await again.close()
  })

  it('nothing comes of a transaction that is rolled back, or whose expectation does not hold', async () => {
    const log = await Log.open(DIR, { storage: new SimulatedDisk().process() })
    const kv = await Kv.open(log)
    await kv.set('stock', '1')
    const { version } = (await kv.entry('stock'))!
    const rolledBack = log.begin()
    kv.in(rolledBack).set('stock', '0')
    rolledBack.rollback()
    const sale = (): Promise<void> =>
      log.transaction(async (transaction) => {
        kv.in(transaction).expect('stock', version).expect('sold', undefined).set('stock', '0')
        transaction.append('sales', 'one')
      })
    const sales = await Promise.allSettled([sale(), sale(), sale()])
    expect(sales.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(sales[1]).toMatchObject({ reason: { code: 'WALRUS_CONFLICT' } })
    expect(await kv.get('stock')).toBe('0')
    expect(log.stream('sales').next).toBe(1)
    await kv.close()
    await log.close()
  })

  it('a transaction larger than memory sets keys, too', async () => {
    const disk = new SimulatedDisk()
    const log = await Log.open(DIR, {
      storage: disk.process(),
      transactionMemoryBytes: 65_536,
      segmentBytes: 65_536,
    })
    const kv = await Kv.open(log)
    await log.transaction(async (transaction) => {
      for (let n = 0; n < 200; n++) kv.in(transaction).set(`${n % 150}`, `${n}`.repeat(1000))
    })
    expect(kv.size).toBe(150)
    expect(await kv.get('49')).toBe('199'.repeat(1000))
    await kv.close()
    await log.close()
    const again = await openOn(disk)
    expect(again.size).toBe(150)
    expect(await again.get('49')).toBe('199'.repeat(1000))
    await again.close()
  })
})

describe('compare and set', () => {
  it('of any number that expect the same, one does it', async () => {
    const kv = await openOn()
    expect(await kv.compareAndSet('n', '0', '1')).toBe(false)
    expect(await kv.compareAndSet('n', undefined, '0')).toBe(true)
    expect(await kv.compareAndSet('n', undefined, '1')).toBe(false)
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, at) => kv.compareAndSet('n', '0', `by ${at}`)),
    )
    expect(tries.filter((done) => done)).toHaveLength(1)
    const winner = `by ${tries.indexOf(true)}`
    expect(await kv.get('n')).toBe(winner)
    expect(await kv.compareAndSet('n', winner, undefined)).toBe(true)
    expect(kv.has('n')).toBe(false)
    await kv.close()
  })

  it('counts what is sequenced before it and not acknowledged yet', async () => {
    const kv = await openOn(undefined, { cacheBytes: 0 })
    await kv.set('a', '1')
    const outcomes = await Promise.all([
      kv.set('a', '2'),
      kv.compareAndSet('a', '1', 'lost'),
      kv.set('b', '1'),
      kv.clear({ prefix: 'b' }),
      kv.compareAndSet('b', undefined, 'free'),
      kv.delete('a'),
      kv.compareAndSet('a', '1', 'lost, too'),
    ])
    expect(outcomes).toEqual([undefined, false, undefined, undefined, true, true, false])
    expect([...kv.entriesSync()]).toEqual([['b', 'free']])
    await kv.close()
  })

  it('counters that race lose nothing', async () => {
    const kv = await openOn()
    const increment = async (): Promise<void> => {
      for (;;) {
        const now = await kv.get('n')
        if (await kv.compareAndSet('n', now, `${Number(now ?? 0) + 1}`)) return
      }
    }
    await Promise.all(Array.from({ length: 30 }, increment))
    expect(await kv.get('n')).toBe('30')
    await kv.close()
  })
})
