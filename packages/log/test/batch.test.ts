import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()

describe.each<Durability>(['commit', { everyMs: 10 }, 'none'])(
  'appendBatch under %j',
  (durability) => {
    it('gives the indexes of its entries, which follow one another', async () => {
      const log = await Log.open(dir(), { durability })
      const calls = [
        log.append('a'),
        log.appendBatch(['b', Uint8Array.of(1), { data: 'd' }]),
        log.append('e'),
        log.appendBatch(['']),
      ]
      expect(await Promise.all(calls)).toEqual([1, [2, 3, 4], 5, [6]])
      expect(Buffer.from((await log.get(4)).data).toString()).toBe('d')
      expect((await log.get(6)).data).toHaveLength(0)
      await log.close()
    })

    it('of nothing gives [] and writes nothing', async () => {
      const storage = observed()
      const log = await Log.open(dir(), { storage, durability })
      expect(await log.appendBatch([])).toEqual([])
      expect(await log.stream('s').appendBatch([])).toEqual([])
      expect(log.marks.sequenced).toBe(1)
      expect(storage.groups()).toEqual([])
      expect(log.streams()).toEqual([])
      await log.close()
    })
  },
)

describe('a batch', () => {
  it('is written as one commit group, however large it is beside the segment', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, segmentBytes: 65_536 })
    await log.append('before')
    const sizes = Array.from({ length: 300 }, (_, at) => (at * 331) % 4_000)
    const indexes = await log.appendBatch(sizes.map((size, at) => numbered(at, size)))
    await log.append('after')
    const groups = storage.groups()
    expect(groups).toHaveLength(3)
    expect(groups[1]!.length).toBeGreaterThan(500_000)
    expect(new Set(groups.map(({ file }) => file)).size).toBe(3)
    const read = await log.range(indexes[0]!, indexes.at(-1)!)
    const expected = sizes.map((size, at) => digest(numbered(at, size)))
    expect(read.map(({ data }) => digest(data))).toEqual(expected)
    await log.close()
    const again = await Log.open(dir())
    expect((await again.range(1, 400)).slice(1, -1).map(({ data }) => digest(data))).toEqual(
      expected,
    )
    await again.close()
  })

  it('is visible as a whole or not at all', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await log.append('first')
    storage.hold = isGroup
    const batch = log.appendBatch(['a', 'b', 'c'])
    await expect.poll(() => storage.held.length).toBe(1)
    expect(log.lastIndex).toBe(1)
    storage.release()
    let seen = log.lastIndex
    while (seen === 1) {
      await new Promise((resolve) => setImmediate(resolve))
      seen = log.lastIndex
    }
    expect(seen).toBe(4)
    expect(await batch).toEqual([2, 3, 4])
    await log.close()
  })

  it('keeps what it was given when its array is changed afterwards', async () => {
    const log = await Log.open(dir())
    const entries = ['a', 'b']
    const appended = log.appendBatch(entries)
    entries.push('c')
    entries[0] = 'z'
    expect(await appended).toEqual([1, 2])
    const texts = (await log.range(1, 9)).map(({ data }) => Buffer.from(data).toString())
    expect(texts).toEqual(['a', 'b'])
    await log.close()
  })

  it('with one bad entry is refused as a whole', async () => {
    const log = await Log.open(dir(), { maxEntryBytes: 10 })
    const good = 'x'.repeat(10)
    const refusals: [unknown, string][] = [
      [`${good}x`, 'WALRUS_ENTRY_TOO_LARGE'],
      [5, 'WALRUS_INVALID_OPTION'],
      [null, 'WALRUS_INVALID_OPTION'],
      [{ data: 5 }, 'WALRUS_INVALID_OPTION'],
      [{}, 'WALRUS_INVALID_OPTION'],
      [{ data: 'a', index: 1 }, 'WALRUS_INVALID_OPTION'],
      [{ data: 'a', term: -1n }, 'WALRUS_INVALID_OPTION'],
    ]
    for (const [bad, code] of refusals) {
      await expect(log.appendBatch([good, bad as string, good])).rejects.toMatchObject({ code })
    }
    expect(log.marks.sequenced).toBe(1)
    expect(await log.appendBatch([good, good])).toEqual([1, 2])
    await log.close()
  })

  it('may not have more entries, or more bytes, than a commit group can hold', async () => {
    const log = await Log.open(dir())
    const refusal = { code: 'WALRUS_ENTRY_TOO_LARGE' }
    await expect(log.appendBatch(Array.from({ length: 2 ** 24 + 1 }))).rejects.toMatchObject({
      ...refusal,
      message: 'a batch of 16777217 entries is larger than 16777216; nothing was written',
    })
    const quarter = new Uint8Array(2 ** 28)
    const tooMuch = [quarter, quarter, quarter, quarter, 'x']
    await expect(log.appendBatch(tooMuch)).rejects.toMatchObject({
      ...refusal,
      message: 'a batch of 1073741825 bytes is larger than 1073741824; nothing was written',
    })
    expect(log.marks.sequenced).toBe(1)
    await log.close()
  })

  it.each([undefined, null, 'abc', { 0: 'a', length: 1 }, Uint8Array.of(1), new Set(['a'])])(
    'must be an array',
    async (given) => {
      const log = await Log.open(dir())
      await expect(log.appendBatch(given as unknown as string[])).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
        message: 'a batch must be an array of entries',
      })
      await log.close()
    },
  )
})
