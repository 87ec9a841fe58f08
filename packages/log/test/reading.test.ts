import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Durability, Log, type LogEntry } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const indexes = (entries: readonly LogEntry[]): number[] => entries.map(({ index }) => index)
const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('an empty log', () => {
  it('has no indexes, gives nothing, and says so', async () => {
    const log = await Log.open(dir())
    expect([log.firstIndex, log.lastIndex]).toEqual([0, 0])
    await expect(log.get(1)).rejects.toMatchObject({
      code: 'WALRUS_INDEX_OUT_OF_RANGE',
      index: 1,
      message: 'no entry has index 1: it is empty',
    })
    expect(() => log.getSync(0)).toThrow('no entry has index 0: it is empty')
    expect(await log.range(1, 100)).toEqual([])
    expect(await log.range(0, 0)).toEqual([])
    expect(await log.read()).toEqual([])
    expect(await log.read({ from: 17 })).toEqual([])
    expect(await log.entries().next()).toEqual({ done: true, value: undefined })
    const stream = log.stream('nobody wrote to it')
    expect([stream.first, stream.next]).toEqual([0, 0])
    await expect(stream.get(0)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })
    expect(await stream.range(0, 9)).toEqual([])
    expect(await stream.read()).toEqual([])
    expect(await stream.entries().next()).toEqual({ done: true, value: undefined })
    expect(log.streams()).toEqual([])
    await log.close()
  })
})

describe('get and getSync', () => {
  it('give what was appended under an index', async () => {
    const log = await Log.open(dir(), { segmentBytes: 65_536 })
    const before = Date.now()
    await log.appendBatch(upTo(1, 200).map((index) => numbered(index, index * 10)))
    const after = Date.now()
    for (const index of [200, 1, 100, 7, 199]) {
      const entry = await log.get(index)
      expect(entry.index).toBe(index)
      expect(digest(entry.data)).toBe(digest(numbered(index, index * 10)))
      expect(entry.time).toBeGreaterThanOrEqual(before)
      expect(entry.time).toBeLessThanOrEqual(after)
      expect(digest(log.getSync(index).data)).toBe(digest(entry.data))
    }
    await log.close()
  })

  it('refuse indexes outside first..last, and name the range', async () => {
    const log = await Log.open(dir())
    await log.appendBatch(['a', 'b', 'c'])
    for (const index of [0, 4, 1_000, Number.MAX_SAFE_INTEGER]) {
      const refusal = {
        code: 'WALRUS_INDEX_OUT_OF_RANGE',
        index,
        message: `no entry has index ${index}: it holds 1 to 3`,
      }
      await expect(log.get(index)).rejects.toMatchObject(refusal)
      expect(() => log.getSync(index)).toThrow(expect.objectContaining(refusal))
    }
    const stream = log.stream('s')
    await stream.append('zero')
    expect(Buffer.from((await stream.get(0)).data).toString()).toBe('zero')
    await expect(stream.get(1)).rejects.toThrow('no entry has index 1: it holds 0 to 0')
    await log.close()
  })
})

describe('range', () => {
  it('gives both ends and what lies between, cut to what there is', async () => {
    const log = await Log.open(dir(), { segmentBytes: 65_536 })
    await log.appendBatch(upTo(1, 3).map(() => new Uint8Array(30_000)))
    await log.appendBatch(upTo(4, 10).map(() => new Uint8Array(20_000)))
    expect(indexes(await log.range(2, 9))).toEqual(upTo(2, 9))
    expect(indexes(await log.range(5, 5))).toEqual([5])
    expect(indexes(await log.range(0, 2))).toEqual([1, 2])
    expect(indexes(await log.range(9, 1_000_000))).toEqual([9, 10])
    expect(indexes(await log.range(0, Number.MAX_SAFE_INTEGER))).toEqual(upTo(1, 10))
    expect(await log.range(11, 20)).toEqual([])
    expect(await log.range(0, 0)).toEqual([])
    await log.close()
  })

  it('refuses a beginning beyond its end', async () => {
    const log = await Log.open(dir())
    await expect(log.range(5, 4)).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
      message: 'to must be an integer from 5 to 9007199254740991, got 4',
    })
    await log.close()
  })
})

describe('read', () => {
  it('gives the next entries, and [] only at the end', async () => {
    const log = await Log.open(dir(), { segmentBytes: 65_536 })
    await log.appendBatch(upTo(1, 500).map((index) => numbered(index, 400)))
    await log.append(numbered(501, 70_000))
    await log.append('last')
    const read: LogEntry[] = []
    for (;;) {
      const batch = await log.read({ from: read.length + 1, maxEntries: 60 })
      if (batch.length === 0) break
      expect(batch.length).toBeLessThanOrEqual(60)
      read.push(...batch)
    }
    expect(indexes(read)).toEqual(upTo(1, 502))
    expect(digest(read[500]!.data)).toBe(digest(numbered(501, 70_000)))
    await log.close()
  })

  it('gives no more than maxEntries, and no more data than maxBytes, but always one', async () => {
    const log = await Log.open(dir())
    await log.appendBatch(upTo(1, 50).map(() => new Uint8Array(100)))
    await log.append(new Uint8Array(500_000))
    await log.appendBatch(upTo(52, 651).map(() => new Uint8Array(1_000)))
    expect(indexes(await log.read({ maxEntries: 1 }))).toEqual([1])
    expect(indexes(await log.read({ maxEntries: 7, from: 3 }))).toEqual(upTo(3, 9))
    expect(indexes(await log.read({ maxBytes: 1 }))).toEqual([1])
    expect(indexes(await log.read({ maxBytes: 99 }))).toEqual([1])
    expect(indexes(await log.read({ maxBytes: 200 }))).toEqual([1, 2])
    expect(indexes(await log.read({ maxBytes: 299 }))).toEqual([1, 2])
    expect(indexes(await log.read({ from: 50, maxBytes: 1_000 }))).toEqual([50])
    expect(indexes(await log.read({ from: 51, maxBytes: 1_000 }))).toEqual([51])
    const many = await log.read({ from: 52, maxBytes: 500_999 })
    expect(many.length).toBeGreaterThan(400)
    expect(many.length).toBeLessThanOrEqual(500)
    expect(indexes(await log.read({ from: 52, maxBytes: 2 ** 30 }))).toEqual(upTo(52, 651))
    expect((await log.read({ from: 52 })).length).toBeLessThanOrEqual(262)
    await log.close()
  })

  it('takes an index below the first for the first, and gives nothing from beyond the last', async () => {
    const log = await Log.open(dir())
    await log.appendBatch(['a', 'b'])
    expect(indexes(await log.read({ from: 0 }))).toEqual([1, 2])
    expect(await log.read({ from: 3 })).toEqual([])
    expect(await log.read({ from: Number.MAX_SAFE_INTEGER })).toEqual([])
    await log.close()
  })
})

describe('what was read', () => {
  it('stays as it is while the log goes on, and when it is closed', async () => {
    const log = await Log.open(dir(), { segmentBytes: 65_536 })
    await log.appendBatch(upTo(1, 20).map((index) => numbered(index, 2_000)))
    const entries = await log.range(1, 20)
    const one = log.getSync(3)
    for (let at = 0; at < 100; at++) await log.append(numbered(1_000 + at, 2_000))
    await log.close()
    const expected = upTo(1, 20).map((index) => digest(numbered(index, 2_000)))
    expect(entries.map(({ data }) => digest(data))).toEqual(expected)
    expect(digest(one.data)).toBe(expected[2])
  })

  it.each<Durability>(['commit', { everyMs: 5 }, 'none'])(
    'is never less than what was acknowledged before, under %j',
    async (durability) => {
      const log = await Log.open(dir(), { durability, segmentBytes: 65_536 })
      let acknowledged = 0
      const writing = (async () => {
        for (let at = 1; at <= 300; at++) acknowledged = await log.append(numbered(at, 900))
      })()
      while (acknowledged < 300) {
        await turn()
        const known = acknowledged
        const read = await log.range(1, 300)
        expect(read.length).toBeGreaterThanOrEqual(known)
        expect(indexes(read)).toEqual(upTo(1, read.length))
        if (known > 0)
          expect(digest((await log.get(known)).data)).toBe(digest(numbered(known, 900)))
      }
      await writing
      await log.close()
    },
  )

  it('is not checked when that was not asked for', async () => {
    const log = await Log.open(dir(), { verifyReads: false })
    await log.appendBatch(['a', 'b'])
    expect(indexes(await log.range(1, 2))).toEqual([1, 2])
    expect(log.getSync(2).data).toEqual(new Uint8Array(Buffer.from('b')))
    await log.close()
  })
})
