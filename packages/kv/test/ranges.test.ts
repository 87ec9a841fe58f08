/** Iterating over ranges, forward and backwards, as of the time it was asked for; clearing ranges. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { Kv, KeyRange, ScanOptions } from '../src/index.ts'
import { contentsOf, openOn } from './simulated.ts'

const KEYS = ['a', 'ab', 'abc', 'b', 'ba', 'c', 'ÿ', 'ÿÿ']

async function allOf<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of iterable) all.push(each)
  return all
}

async function filled(disk?: SimulatedDisk): Promise<Kv> {
  const kv = await openOn(disk, { cacheBytes: 0 })
  await kv.batch(KEYS.map((key) => ({ type: 'set', key, value: `of ${key}` })))
  return kv
}

const ranges: [ScanOptions, string[]][] = [
  [{}, KEYS],
  [{ reverse: true }, KEYS.toReversed()],
  [{ limit: 3 }, ['a', 'ab', 'abc']],
  [{ limit: 3, reverse: true }, ['ÿÿ', 'ÿ', 'c']],
  [{ limit: 0 }, []],
  [{ gte: 'ab', lte: 'ba' }, ['ab', 'abc', 'b', 'ba']],
  [{ gt: 'ab', lt: 'ba' }, ['abc', 'b']],
  [{ gt: 'ab', lt: 'ba', reverse: true }, ['b', 'abc']],
  [{ gte: 'ab', gt: 'b', lt: 'b', lte: 'ba' }, ['ab', 'abc', 'b', 'ba']],
  [{ gt: 'aa', lt: 'bb', reverse: true }, ['ba', 'b', 'abc', 'ab']],
  [{ prefix: 'a' }, ['a', 'ab', 'abc']],
  [{ prefix: 'a', gt: 'a' }, ['ab', 'abc']],
  [{ prefix: 'a', lt: 'abc', reverse: true }, ['ab', 'a']],
  [{ prefix: Uint8Array.of(0xc3) }, ['ÿ', 'ÿÿ']],
  [{ prefix: Uint8Array.of(0xff) }, []],
  [{ prefix: '' }, KEYS],
  [{ gt: 'ÿÿ' }, []],
  [{ lt: 'a' }, []],
  [{ lt: 'a', reverse: true }, []],
  [{ gte: 'b', lt: 'a' }, []],
  [{ gte: 'b', lt: 'a', reverse: true }, []],
]

it.each(ranges)('iterating over %j', async (options, expected) => {
  const kv = await filled()
  const pairs = expected.map((key) => [key, `of ${key}`])
  expect([...kv.keys(options)]).toEqual(expected)
  expect([...kv.entriesSync(options)]).toEqual(pairs)
  const iterated: unknown[] = []
  for await (const pair of kv.entries(options)) iterated.push(pair)
  expect(iterated).toEqual(pairs)
  const many: unknown[] = []
  const scan = kv.entries(options)
  for (let some = await scan.nextMany(2); some.length > 0; some = await scan.nextMany(2)) {
    expect(some.length).toBeLessThanOrEqual(2)
    many.push(...some)
  }
  expect(many).toEqual(pairs)
  await kv.close()
})

it('an empty store has nothing in any range', async () => {
  const kv = await openOn()
  for (const [options] of ranges) expect([...kv.entriesSync(options)]).toEqual([])
  await kv.close()
})

it.each<[KeyRange, string[]]>([
  [{}, []],
  [{ prefix: 'a' }, ['b', 'ba', 'c', 'ÿ', 'ÿÿ']],
  [{ gt: 'ab', lte: 'c' }, ['a', 'ab', 'ÿ', 'ÿÿ']],
  [{ gte: 'b' }, ['a', 'ab', 'abc']],
  [{ gte: 'x', lt: 'a' }, KEYS],
])('clearing %j, also after reopening', async (range, expected) => {
  const disk = new SimulatedDisk()
  const kv = await filled(disk)
  const cleared = kv.clear(range)
  const after = kv.set('z', 'behind it')
  await Promise.all([cleared, after])
  const left = [...expected, 'z'].sort()
  expect([...kv.keys()]).toEqual(left)
  await kv.close()
  const again = await openOn(disk)
  expect((await contentsOf(again)).map(([key]) => key)).toEqual(left)
  await again.close()
})

describe('an iteration', () => {
  it('shows the store as it was when it was asked for, whatever comes', async () => {
    const kv = await filled()
    const before = await contentsOf(kv)
    const scans = [kv.entries(), kv.entries({ reverse: true })]
    const sync = kv.entriesSync()
    const keys = kv.keys()
    const first = await scans[0]!.next()
    await kv.set('a', 'changed')
    await kv.delete('b')
    await kv.set('aa', 'new')
    await kv.set('aa', 'newer')
    await kv.clear({ gte: 'c' })
    await kv.set('c', 'again')
    expect(first.value).toEqual(before[0])
    expect(await allOf(scans[0]!)).toEqual(before.slice(1))
    expect(await allOf(scans[1]!)).toEqual(before.toReversed())
    expect([...sync]).toEqual(before)
    expect([...keys]).toEqual(KEYS)
    expect(await contentsOf(kv)).toEqual([
      ['a', 'changed'],
      ['aa', 'newer'],
      ['ab', 'of ab'],
      ['abc', 'of abc'],
      ['ba', 'of ba'],
      ['c', 'again'],
    ])
    await kv.close()
  })

  it('answers calls that do not wait for one another in order', async () => {
    const kv = await filled()
    const scan = kv.entries()
    const calls = await Promise.all([
      scan.next(),
      scan.next(),
      scan.nextMany(3),
      scan.next(),
      scan.return(),
      scan.next(),
    ])
    expect(
      calls.map((call) => (Array.isArray(call) ? call.map(([k]) => k) : call.value?.[0])),
    ).toEqual(['a', 'ab', ['abc', 'b', 'ba'], 'c', undefined, undefined])
    await kv.close()
  })

  it('can be left early, and begun while others run', async () => {
    const kv = await filled()
    for await (const [outer] of kv.entries({ limit: 2 })) {
      for await (const [inner] of kv.entries()) {
        if (inner === outer) break
      }
      await kv.set(`${outer}+`, '')
    }
    expect([...kv.keys({ prefix: 'a' })]).toEqual(['a', 'a+', 'ab', 'ab+', 'abc'])
    await kv.close()
  })
})

describe('a snapshot', () => {
  it('is the store as it was, for single keys and ranges, until it is closed', async () => {
    const kv = await filled()
    const before = await contentsOf(kv)
    const snapshot = kv.snapshot()
    await kv.set('a', 'changed')
    await kv.set('new', '')
    const later = kv.snapshot()
    await kv.clear()
    expect(await snapshot.get('a')).toBe('of a')
    expect(snapshot.getSync('abc')).toBe('of abc')
    expect((await snapshot.entry('c'))?.version).toBe(5)
    expect([snapshot.has('new'), later.has('new'), kv.has('new')]).toEqual([false, true, false])
    expect(await later.get('a')).toBe('changed')
    expect([...snapshot.keys()]).toEqual(KEYS)
    expect([...snapshot.entriesSync()]).toEqual(before)
    const scan = snapshot.entries()
    snapshot.close()
    snapshot.close()
    expect(await allOf(scan)).toEqual(before)
    await expect(snapshot.get('a')).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    expect(() => snapshot.keys()).toThrow('the snapshot is closed')
    later.close()
    await kv.close()
  })
})
