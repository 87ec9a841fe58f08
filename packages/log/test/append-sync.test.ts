import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'

const dir = freshDirectory()
const DURABILITIES: Durability[] = ['commit', { everyMs: 20 }, 'none']

describe.each(DURABILITIES)('appendSync under %j', (durability) => {
  it('gives indexes from 1, and what it appended can be read at once', async () => {
    const log = await Log.open(dir(), { durability })
    expect([log.appendSync('a'), log.appendSync(''), log.appendSync(Uint8Array.of(7))]).toEqual([
      1, 2, 3,
    ])
    expect(log.lastIndex).toBe(3)
    expect(log.getSync(1).data).toEqual(new Uint8Array(Buffer.from('a')))
    expect((await log.get(2)).data).toHaveLength(0)
    expect((await log.read()).map(({ index }) => index)).toEqual([1, 2, 3])
    await log.close()
  })

  it('goes over many segments without the event loop turning', async () => {
    const log = await Log.open(dir(), { durability, segmentBytes: 65_536 })
    for (let i = 1; i <= 100; i++) expect(log.appendSync(Buffer.alloc(10_000, i))).toBe(i)
    expect(log.stats().segments).toBeGreaterThan(10)
    await log.close()
    const again = await Log.open(dir())
    const read = await again.range(1, 100)
    expect(read.map(({ data }) => data[9_999])).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    )
    await again.close()
  })

  it('keeps the order among appends that nobody has waited for', async () => {
    const log = await Log.open(dir(), { durability, bufferBytes: 65_536 })
    const order: Promise<number>[] = []
    for (let round = 0; round < 20; round++) {
      order.push(
        log.append(Buffer.alloc(30_000)),
        log.append('x'),
        log.appendBatch(['y', 'z']).then((b) => b[0]!),
      )
      order.push(Promise.resolve(log.appendSync('sync')))
    }
    const indexes = await Promise.all(order)
    const expected = Array.from({ length: 20 }, (_, round) =>
      [1, 2, 3, 5].map((i) => round * 5 + i),
    )
    expect(indexes).toEqual(expected.flat())
    await log.close()
  })
})

describe('appendSync while a group is under way', () => {
  it('writes that group itself, the same bytes in the same place, and then its own', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const first = log.append('first')
    await sleep(1)
    expect(storage.held).toHaveLength(1)
    expect(log.appendSync('second')).toBe(2)
    const [held, again, own] = storage.groups()
    expect(again).toEqual(held)
    expect(own!.at).toBe(held!.at + held!.length)
    expect(own!.durable).toBe(true)
    expect(await first).toBe(1)
    storage.release()
    await log.close()
  })

  it('leaves the bytes of that group alone until its own write has come back', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const first = log.append('first')
    await sleep(1)
    log.appendSync('second')
    expect(await first).toBe(1)
    // These fill buffers anew. The first group's write reads its buffer only when it is let go.
    const later = [log.append('third')]
    await sleep(1)
    storage.release()
    for (let i = 4; i < 20; i++) later.push(log.append(`number ${i}`))
    await Promise.all(later)
    await log.close()
    const reopened = await Log.open(dir())
    const texts = (await reopened.read()).map(({ data }) => Buffer.from(data).toString())
    expect(texts.slice(0, 4)).toEqual(['first', 'second', 'third', 'number 4'])
    expect(texts).toHaveLength(19)
    await reopened.close()
  })

  it('lets a sync that waited for it come to its end', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const first = log.append('first')
    await sleep(1)
    const synced = log.sync()
    await sleep(1)
    log.appendSync('second')
    await first
    await synced
    expect(log.marks.durable).toBe(3)
    storage.release()
    await log.close()
  })
})

describe('what appendSync promises', () => {
  it('under commit: the entry has been written durably when it returns', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    log.appendSync('a')
    expect(storage.groups().map(({ durable }) => durable)).toEqual([true])
    expect(log.marks).toEqual({ sequenced: 2, written: 2, durable: 2 })
    await log.close()
  })

  it('under an interval: the entry has been written when it returns, and is synced later', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: { everyMs: 10 } })
    log.appendSync('a')
    expect(storage.groups().map(({ durable }) => durable)).toEqual([false])
    expect(log.marks).toEqual({ sequenced: 2, written: 2, durable: 1 })
    await expect.poll(() => log.marks.durable).toBe(2)
    await log.close()
  })

  it('under none: the entry is in memory when it returns, and written when the event loop has turned', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: 'none' })
    log.appendSync('a')
    expect(storage.groups()).toEqual([])
    expect(log.marks).toEqual({ sequenced: 2, written: 1, durable: 1 })
    expect(log.stats().pendingBytes).toBeGreaterThan(0)
    await sleep(5)
    expect(storage.groups().map(({ durable }) => durable)).toEqual([false])
    expect(log.marks).toEqual({ sequenced: 2, written: 2, durable: 1 })
    await log.close()
  })

  it('under none: never leaves more than 256 KiB in memory, however long the event loop stands', async () => {
    const log = await Log.open(dir(), { durability: 'none' })
    let most = 0
    for (let i = 0; i < 2_000; i++) {
      log.appendSync(Buffer.alloc(i))
      most = Math.max(most, log.stats().pendingBytes)
    }
    expect(most).toBeGreaterThan(200_000)
    expect(most).toBeLessThanOrEqual(262_144 + 2_100)
    await log.close()
  })
})
