import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const MiB = 2 ** 20

describe('an entry larger than a segment', () => {
  it.each<Durability>(['commit', { everyMs: 10 }, 'none'])(
    'works, under %j',
    async (durability) => {
      const options = { durability, segmentBytes: 65_536, bufferBytes: 65_536 }
      const log = await Log.open(dir(), options)
      const sizes = [10, MiB, 10, 10, 65_536, 3 * MiB, 2 * MiB, 0]
      const payloads = sizes.map((size, at) => numbered(at, size))
      const appended = payloads.map((payload) => log.append(payload))
      expect(await Promise.all(appended)).toEqual(sizes.map((_, at) => at + 1))
      expect(log.appendSync(payloads[1]!)).toBe(9)
      expect(log.appendSync('behind')).toBe(10)
      const expected = [...payloads, payloads[1]!, Buffer.from('behind')].map(digest)
      expect((await log.range(1, 10)).map(({ data }) => digest(data))).toEqual(expected)
      await log.close()
      const again = await Log.open(dir(), options)
      expect((await again.range(1, 10)).map(({ data }) => digest(data))).toEqual(expected)
      expect(digest(again.getSync(6).data)).toBe(expected[5])
      await again.close()
    },
  )
})

describe('maxEntryBytes', () => {
  it('is the largest entry taken; a larger one is refused before anything is written', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, maxEntryBytes: 1_000 })
    expect(await log.append(new Uint8Array(1_000))).toBe(1)
    const before = storage.calls.length
    const refusal = {
      code: 'WALRUS_ENTRY_TOO_LARGE',
      message: 'an entry of 1001 bytes is larger than maxEntryBytes, 1000; nothing was written',
    }
    const large = new Uint8Array(1_001)
    await expect(log.append(large)).rejects.toMatchObject(refusal)
    await expect(log.append(large, { term: 1n })).rejects.toMatchObject(refusal)
    await expect(log.append('é'.repeat(500) + 'x')).rejects.toMatchObject(refusal)
    await expect(log.appendBatch(['a', large])).rejects.toMatchObject(refusal)
    await expect(log.stream('s').append(large)).rejects.toMatchObject(refusal)
    expect(() => log.appendSync(large)).toThrow(expect.objectContaining(refusal))
    expect(storage.calls.slice(before)).toEqual([])
    expect(log.marks.sequenced).toBe(2)
    expect(await log.append('é'.repeat(500), { transactionId: 'not counted' })).toBe(2)
    await log.close()
  })

  it('concerns what is appended, not what is there', async () => {
    const log = await Log.open(dir())
    await log.append(new Uint8Array(5_000))
    await log.close()
    const small = await Log.open(dir(), { maxEntryBytes: 1 })
    expect((await small.get(1)).data).toHaveLength(5_000)
    expect(await small.append('x')).toBe(2)
    await small.close()
  })
})
