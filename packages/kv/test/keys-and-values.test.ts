/** Single keys: set, read, delete, in every encoding; what is refused. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Kv } from '../src/index.ts'
import { contentsOf, DIR, openOn } from './simulated.ts'

/** 100 bytes beyond what the cache takes. */
const LARGE = 'x'.repeat(4196)

describe.each([
  { from: 'the cache', cacheBytes: 2 ** 20 },
  { from: 'the log', cacheBytes: 0 },
])('values read from $from', ({ cacheBytes }) => {
  it('come back as they were set, before and after reopening', async () => {
    const disk = new SimulatedDisk()
    const values = { a: '1', b: '', ü: 'ümläut €', '': 'of the empty key', big: LARGE }
    const kv = await openOn(disk, { cacheBytes })
    for (const [key, value] of Object.entries(values)) await kv.set(key, value)
    await kv.set('a', '2')
    const check = async (store: Kv): Promise<void> => {
      for (const [key, value] of Object.entries({ ...values, a: '2' })) {
        expect(await store.get(key)).toBe(value)
        expect(store.getSync(key)).toBe(value)
        expect(store.has(key)).toBe(true)
        expect((await store.entry(key))?.value).toBe(value)
      }
      expect(await store.get('c')).toBeUndefined()
      expect(store.getSync('c')).toBeUndefined()
      expect(await store.entry('c')).toBeUndefined()
      expect(store.has('c')).toBe(false)
      expect(await contentsOf(store)).toHaveLength(5)
    }
    await check(kv)
    await kv.close()
    const again = await openOn(disk, { cacheBytes })
    await check(again)
    await again.close()
  })

  it('are those of their key when the cache has gone round many times', async () => {
    const kv = await openOn(undefined, { cacheBytes: cacheBytes === 0 ? 0 : 5000 })
    const value = (key: number, round: number): string => `${key}.${round} `.repeat(key % 90)
    for (let round = 0; round < 3; round++) {
      const sets = Array.from({ length: 300 }, (_, key) => kv.set(`${key}`, value(key, round)))
      await Promise.all(sets)
      for (let key = 0; key < 300; key += 7) {
        expect(await kv.get(`${key}`)).toBe(value(key, round))
        expect(kv.getSync(`${key}`)).toBe(value(key, round))
      }
    }
    await kv.close()
  })
})

describe('deleting', () => {
  it('says whether the key was there, and leaves nothing of it, also after reopening', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('a', '1')
    await kv.set('b', '2')
    expect(await Promise.all([kv.delete('a'), kv.delete('a'), kv.delete('c')])).toEqual([
      true,
      false,
      false,
    ])
    expect([kv.deleteSync('b'), kv.deleteSync('b')]).toEqual([true, false])
    kv.setSync('d', '4')
    expect(await contentsOf(kv)).toEqual([['d', '4']])
    await kv.close()
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual([['d', '4']])
    await again.close()
  })
})

describe('encodings', () => {
  it('gives bytes where bytes are asked for, and the caller may change them', async () => {
    const storage = new SimulatedDisk().process()
    const kv = await Kv.open(DIR, { storage, keyEncoding: 'bytes', valueEncoding: 'bytes' })
    const key = Uint8Array.of(0, 255, 10)
    const given = Buffer.from([1, 2, 3])
    const set = kv.set(key, given)
    given.fill(9)
    key.fill(7)
    await set
    const wanted = Uint8Array.of(0, 255, 10)
    for (const read of [await kv.get(wanted), kv.getSync(wanted)]) {
      expect(read).toEqual(Uint8Array.of(1, 2, 3))
      read!.fill(8)
    }
    expect(await kv.get(wanted)).toEqual(Uint8Array.of(1, 2, 3))
    expect([...kv.keys()]).toEqual([wanted])
    expect(await kv.get('no text')).toBeUndefined()
    await kv.set('text', 'is its UTF-8: ü')
    expect(Buffer.from((await kv.get(Buffer.from('text')))!).toString()).toBe('is its UTF-8: ü')
    await kv.close()
  })

  it('gives JSON as it was given, and refuses what JSON has not', async () => {
    const storage = new SimulatedDisk().process()
    const kv = await Kv.open(DIR, { storage, valueEncoding: 'json' })
    for (const value of [null, 0, 'ü', [], { a: [1, { b: 'c' }] }]) {
      await kv.set('k', value)
      expect(await kv.get('k')).toEqual(value)
    }
    await expect(kv.set('k', undefined)).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
    await kv.close()
  })

  it('never gives text for what is no text', async () => {
    const disk = new SimulatedDisk()
    const bytes = await Kv.open(DIR, { storage: disk.process(), valueEncoding: 'bytes' })
    await bytes.set('bad', Uint8Array.of(0xff))
    await bytes.set('replaced', '\ufffd')
    await bytes.set(Uint8Array.of(0xfe), 'bad key')
    await bytes.close()
    const text = await openOn(disk)
    await expect(text.get('bad')).rejects.toMatchObject({ code: 'WALRUS_VALUE_NOT_UTF8' })
    expect(await text.get('replaced')).toBe('\ufffd')
    expect(() => [...text.keys()]).toThrow(
      expect.objectContaining({ code: 'WALRUS_KEY_NOT_UTF8' }) as Error,
    )
    await text.close()
    const json = await Kv.open(DIR, { storage: disk.process(), valueEncoding: 'json' })
    await expect(json.get(Uint8Array.of(0xfe))).rejects.toMatchObject({
      code: 'WALRUS_VALUE_NOT_JSON',
    })
    await json.close()
  })

  it('takes keys of up to 65,535 bytes, in the order of their bytes', async () => {
    const kv = await openOn()
    const keys = ['', '\0', 'a', 'a\0', 'a'.repeat(65_535), 'b', 'é', '￿', '😀']
    for (const key of keys.toReversed()) await kv.set(key, 'v')
    expect([...kv.keys()]).toEqual(keys)
    expect([...kv.keys()]).toEqual(
      keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
    const tooLarge = { code: 'WALRUS_KEY_TOO_LARGE' }
    await expect(kv.set('é'.repeat(32_768), 'v')).rejects.toMatchObject(tooLarge)
    await kv.close()
  })
})

describe('what is wrong is refused, and nothing comes of it', () => {
  it.each<[string, (kv: Kv) => Promise<unknown>]>([
    ['a key that is a number', (kv) => kv.set(1 as never, '')],
    ['a key that is null', (kv) => kv.get(null as never)],
    ['a value that is a number', (kv) => kv.set('k', 1 as never)],
    ['a value that is undefined', (kv) => kv.set('k', undefined as never)],
    ['a key that is no well-formed text', (kv) => kv.set('\ud800', '')],
    ['a value that is no well-formed text', (kv) => kv.set('k', '\ud800')],
    ['an option that is misspelt', (kv) => kv.set('k', '', { ttl: 1 } as never)],
    ['a time to live of nothing', (kv) => kv.set('k', '', { ttlMs: 0 })],
    [
      'a batch with a bad operation behind a good one',
      (kv) =>
        kv.batch([
          { type: 'set', key: 'k', value: '' },
          { type: 'put' as 'set', key: 'k', value: '' },
        ]),
    ],
    [
      'a batch with a bad value behind a good one',
      (kv) =>
        kv.batch([
          { type: 'set', key: 'k', value: '' },
          { type: 'set', key: 'k', value: 7 as never },
        ]),
    ],
    ['a batch that is none', (kv) => kv.batch({} as never)],
    ['a bound that is misspelt', (kv) => kv.clear({ start: 'a' } as never)],
    ['a watch of a key and a prefix', async (kv) => kv.watch({ key: 'a', prefix: 'a' })],
    ['a limit below zero', async (kv) => kv.entries({ limit: -1 })],
  ])('%s', async (_, wrong) => {
    const kv = await openOn()
    await kv.set('there', 'before')
    await expect(wrong(kv)).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
    expect(await contentsOf(kv)).toEqual([['there', 'before']])
    expect(kv.log.stream('kv').next).toBe(1)
    await kv.close()
  })

  it('options of opening', async () => {
    const storage = new SimulatedDisk().process()
    for (const wrong of [
      { keyEncoding: 'hex' },
      { valueEncoding: 'text' },
      { cacheBytes: -1 },
      { segmentBytes: 1 },
      { durabilty: 'none' },
      { env: {} },
      { stream: '' },
    ]) {
      await expect(Kv.open(DIR, { storage, ...wrong } as never)).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
      })
    }
    const kv = await Kv.open(DIR, { storage })
    await expect(Kv.open(kv.log)).rejects.toMatchObject({ code: 'WALRUS_STREAM_IN_USE' })
    const other = await Kv.open(kv.log, { stream: 'other' })
    await other.set('k', 'of the other')
    expect(await kv.get('k')).toBeUndefined()
    await other.close()
    await (await Kv.open(kv.log, { stream: 'other' })).close()
    await kv.close()
  })
})
