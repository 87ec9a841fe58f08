import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const DURABILITIES: Durability[] = ['commit', { everyMs: 10 }, 'none']

describe.each(DURABILITIES)('append under %j', (durability) => {
  it('gives indexes from 1, in the order of the calls', async () => {
    const log = await Log.open(dir(), { durability })
    const appended = Array.from({ length: 1_000 }, (_, at) => log.append(numbered(at, at % 50)))
    expect(await Promise.all(appended)).toEqual(Array.from({ length: 1_000 }, (_, at) => at + 1))
    expect([log.firstIndex, log.lastIndex]).toEqual([1, 1_000])
    const read = await log.range(1, 1_000)
    expect(read.map(({ data }) => digest(data))).toEqual(
      Array.from({ length: 1_000 }, (_, at) => digest(numbered(at, at % 50))),
    )
    await log.close()
  })

  it('resolves in the order of the indexes', async () => {
    const log = await Log.open(dir(), { durability, segmentBytes: 65_536 })
    const resolved: number[] = []
    const calls = Array.from({ length: 200 }, async (_, at) => {
      if (at % 17 === 0) await sleep(1)
      resolved.push(await log.append(numbered(at, 1_000)))
    })
    await Promise.all(calls)
    expect(resolved).toEqual(Array.from({ length: 200 }, (_, at) => at + 1))
    await log.close()
  })

  it('refuses memory that was taken away, and takes what is empty', async () => {
    const log = await Log.open(dir(), { durability })
    const gone = new Uint8Array(100)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    const refusal = expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' })
    await expect(log.append(gone)).rejects.toThrow(refusal)
    await expect(log.appendBatch([gone])).rejects.toThrow(refusal)
    await expect(log.appendBatch([{ data: gone }])).rejects.toThrow(refusal)
    expect(() => log.appendSync(gone)).toThrow(refusal)
    expect(() => log.stream('s').appendSync(gone)).toThrow(refusal)
    expect(await log.append(new Uint8Array(0))).toBe(1)
    expect(log.appendSync(Buffer.alloc(0))).toBe(2)
    expect(log.appendSync('')).toBe(3)
    await log.close()
  })

  it('copies the payload before it returns', async () => {
    const log = await Log.open(dir(), { durability })
    const payload = Buffer.from('as it was')
    const appended = [
      log.append(payload),
      log.appendBatch([payload]),
      log.append(payload, { term: 1n }),
      log.stream('s').append(payload),
    ]
    if (durability === 'none') log.appendSync(payload)
    payload.fill(0)
    await Promise.all(appended)
    const read = [...(await log.range(1, 9)), await log.stream('s').get(0)]
    for (const { data } of read) expect(Buffer.from(data).toString()).toBe('as it was')
    expect(read).toHaveLength(durability === 'none' ? 5 : 4)
    await log.close()
  })

  it('takes no bytes, every byte, and views into larger buffers', async () => {
    const log = await Log.open(dir(), { durability })
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    for (const payload of [new Uint8Array(0), every, every.subarray(3, 7), Buffer.from('')]) {
      const index = await log.append(payload)
      expect((await log.get(index)).data).toEqual(new Uint8Array(payload))
    }
    await log.close()
  })
})

describe('a string', () => {
  it('is stored as UTF-8', async () => {
    const log = await Log.open(dir())
    for (const text of ['', 'plain', 'naïve ☃ 🐋', '\0\n', '\uFEFFbom', 'x'.repeat(100_000)]) {
      const index = await log.append(text)
      expect((await log.get(index)).data).toEqual(new Uint8Array(Buffer.from(text)))
    }
    await log.close()
  })

  it.each(['\ud83d', 'a\udc00b', '\udc00\ud83d'])(
    'that no UTF-8 can tell is refused',
    async (text) => {
      const log = await Log.open(dir())
      const refusal = { code: 'WALRUS_INVALID_OPTION' }
      await expect(log.append(text)).rejects.toMatchObject(refusal)
      await expect(log.appendBatch(['fine', text])).rejects.toMatchObject(refusal)
      expect(() => log.appendSync(text)).toThrow(expect.objectContaining(refusal))
      expect(log.marks.sequenced).toBe(1)
      await log.close()
    },
  )
})

describe('time', () => {
  it('is that of the commit, and never runs backwards, whatever the clock does', async () => {
    const storage = observed()
    let now = 1_700_000_000_000
    storage.env.now = () => now
    const log = await Log.open(dir(), { storage, segmentBytes: 65_536 })
    const times: number[] = []
    for (const step of [0, 5, -60_000, 1, 86_400_000, -3, 2 ** 31, 7, -1]) {
      now += step
      times.push((await log.get(await log.append(new Uint8Array(15_000)))).time)
    }
    expect(times.slice(0, 3)).toEqual([1_700_000_000_000, 1_700_000_000_005, 1_700_000_000_005])
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    await log.close()
    now = 1_600_000_000_000
    const again = await Log.open(dir(), { storage })
    const last = await again.get(await again.append('x'))
    expect(last.time).toBeGreaterThanOrEqual(times.at(-1)!)
    await again.close()
  })
})
