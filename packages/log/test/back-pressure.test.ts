import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const BUFFER_BYTES = 65_536

describe('a disk slower than those who append', () => {
  it.each<Durability>(['commit', { everyMs: 10 }, 'none'])(
    'has them wait: under %j never more is in memory than bufferBytes, and the order is kept',
    async (durability) => {
      const storage = observed()
      const log = await Log.open(dir(), { storage, durability, bufferBytes: BUFFER_BYTES })
      const sizes = Array.from({ length: 400 }, (_, at) => (at * 7_919) % 3_000)
      let most = 0
      storage.hold = (call) => isGroup(call)
      const appended = sizes.map((size, at) => {
        const index = at % 100 === 99 ? batch(log, at, size) : log.append(numbered(at, size))
        most = Math.max(most, log.stats().pendingBytes)
        return index
      })
      await sleep(5)
      storage.release()
      const watch = setInterval(() => {
        most = Math.max(most, log.stats().pendingBytes)
      }, 0)
      expect(await Promise.all(appended)).toEqual(sizes.map((_, at) => at + 1))
      clearInterval(watch)
      expect(most).toBeGreaterThan(BUFFER_BYTES * 0.9)
      expect(most).toBeLessThanOrEqual(BUFFER_BYTES)
      const read = await log.range(1, sizes.length)
      const expected = sizes.map((size, at) => digest(numbered(at, size)))
      expect(read.map(({ data }) => digest(data))).toEqual(expected)
      await log.close()
    },
  )

  it('takes one entry larger than bufferBytes when nothing else waits', async () => {
    const log = await Log.open(dir(), { bufferBytes: BUFFER_BYTES })
    const sizes = [10, 200_000, 10, 300_000, 65_536, 70_000, 0]
    const indexes = await Promise.all(sizes.map((size, at) => log.append(numbered(at, size))))
    expect(indexes).toEqual([1, 2, 3, 4, 5, 6, 7])
    const read = await log.range(1, 7)
    expect(read.map(({ data }) => digest(data))).toEqual(
      sizes.map((size, at) => digest(numbered(at, size))),
    )
    await log.close()
  })

  it('lets nobody overtake: what is small enough to fit waits behind what is not', async () => {
    const log = await Log.open(dir(), { bufferBytes: BUFFER_BYTES })
    const order = [
      log.append(new Uint8Array(40_000)),
      log.append(new Uint8Array(40_000)),
      log.append(new Uint8Array(1)),
      log.append('x'),
      log.stream('s').append('y'),
      log.append(new Uint8Array(1)),
    ]
    expect(await Promise.all(order)).toEqual([1, 2, 3, 4, 0, 5])
    expect((await log.get(3)).data).toEqual(new Uint8Array(1))
    await log.close()
  })

  it.each([
    ['a Uint8Array', new Uint8Array(50_000)],
    ['a Buffer', Buffer.alloc(50_000)],
  ])('leaves the payload to its owner: what waits has been copied: %s', async (_name, payload) => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, bufferBytes: BUFFER_BYTES })
    storage.hold = isGroup
    payload.fill(1)
    const appended: Promise<unknown>[] = [log.append(payload)]
    payload.fill(2)
    appended.push(log.append(payload))
    payload.fill(3)
    appended.push(log.appendBatch([payload.subarray(0, 2), { data: payload, term: 3n }]))
    payload.fill(4)
    appended.push(log.stream('s').append(payload))
    payload.fill(5)
    await sleep(1)
    storage.release()
    expect(await Promise.all(appended)).toEqual([1, 2, [3, 4], 0])
    const read = await log.range(1, 4)
    expect(read.map(({ data }) => new Set(data))).toEqual([1, 2, 3, 3].map((n) => new Set([n])))
    expect(new Set((await log.stream('s').get(0)).data)).toEqual(new Set([4]))
    await log.close()
  })
})

describe('giving up while waiting for room', () => {
  it('leaves nothing behind', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, bufferBytes: BUFFER_BYTES })
    storage.hold = isGroup
    const first = log.append(new Uint8Array(50_000))
    const stop = new AbortController()
    const why = new Error('the client has gone')
    const abandoned = [
      log.append(new Uint8Array(50_000), { signal: stop.signal }),
      log.appendBatch(['a', 'b'], { signal: stop.signal }),
    ]
    const behind = log.append('behind')
    setTimeout(() => stop.abort(why), 1)
    for (const append of abandoned) {
      await expect(append).rejects.toMatchObject({
        name: 'AbortError',
        code: 'WALRUS_ABORTED',
        cause: why,
        message: 'aborted; nothing was written',
      })
    }
    storage.release()
    expect(await first).toBe(1)
    expect(await behind).toBe(2)
    expect(await log.append('after')).toBe(3)
    const texts = (await log.range(2, 9)).map(({ data }) => Buffer.from(data).toString())
    expect(texts).toEqual(['behind', 'after'])
    await log.close()
  })

  it('lets a close that waited for it come to its end', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, bufferBytes: BUFFER_BYTES })
    storage.hold = isGroup
    const first = log.append(new Uint8Array(50_000))
    const abandoned = log.append(new Uint8Array(50_000), { timeoutMs: 5 })
    const closed = log.close()
    await expect(abandoned).rejects.toMatchObject({
      code: 'WALRUS_TIMEOUT',
      message: 'not acknowledged within 5 ms; nothing was written',
    })
    storage.release()
    expect(await first).toBe(1)
    await closed
    expect(log.lastIndex).toBe(1)
  })
})

describe('giving up while the disk writes', () => {
  it.each([
    ['a signal', () => ({ signal: AbortSignal.timeout(1) }), 'WALRUS_ABORTED'],
    ['a time limit', () => ({ timeoutMs: 1 }), 'WALRUS_TIMEOUT'],
  ])('by %s: the entry comes into the log all the same', async (_name, options, code) => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const given = log.append('given up', options())
    const batch = log.appendBatch(['too'], options())
    const kept = log.append('kept')
    await expect(given).rejects.toMatchObject({
      code,
      message: expect.stringContaining('what was appended may still become durable'),
    })
    await expect(batch).rejects.toMatchObject({ code })
    storage.release()
    expect(await kept).toBe(3)
    const texts = (await log.range(1, 3)).map(({ data }) => Buffer.from(data).toString())
    expect(texts).toEqual(['given up', 'too', 'kept'])
    await log.close()
  })
})

describe('a signal that has been aborted already', () => {
  it('has nothing written, whatever the call', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    const before = storage.calls.length
    const options = { signal: AbortSignal.abort('why') }
    const refusal = { name: 'AbortError', code: 'WALRUS_ABORTED', cause: 'why' }
    await expect(log.append('a', options)).rejects.toMatchObject(refusal)
    await expect(log.appendBatch(['a', 'b'], options)).rejects.toMatchObject(refusal)
    await expect(log.appendBatch([], options)).rejects.toMatchObject(refusal)
    await expect(log.stream('s').append('a', options)).rejects.toMatchObject(refusal)
    expect(() => log.appendSync('a', options)).toThrow(expect.objectContaining(refusal))
    expect(log.marks.sequenced).toBe(1)
    expect(storage.calls.slice(before).filter(({ what }) => what === 'write')).toEqual([])
    expect(await log.append('b', { signal: new AbortController().signal })).toBe(1)
    await log.close()
  })
})

async function batch(log: Log, number: number, size: number): Promise<number> {
  const [index] = await log.appendBatch([numbered(number, size)])
  return index!
}
