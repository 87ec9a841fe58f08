import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { type Call, isGroup, observed } from './observed-storage.ts'

const dir = freshDirectory()

/** Whether a promise has been kept by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  promise.then(note, note)
  await sleep(5)
  return settled
}

describe('under commit', () => {
  it('an append is acknowledged after its group has been written durably, and not before', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const appended = log.append('a')
    await expect.poll(() => storage.held.length).toBe(1)
    expect(await isSettled(appended)).toBe(false)
    expect(storage.held.map(({ durable }) => durable)).toEqual([true])
    expect(log.marks).toEqual({ sequenced: 2, written: 1, durable: 1 })
    storage.release()
    expect(await appended).toBe(1)
    expect(log.marks).toEqual({ sequenced: 2, written: 2, durable: 2 })
    await log.close()
  })

  it('nothing unacknowledged is ever visible', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await log.append('acknowledged')
    storage.hold = isGroup
    const appended = [log.append('a'), log.appendBatch(['b', 'c'])]
    for (let look = 0; look < 5; look++) {
      expect(log.lastIndex).toBe(1)
      await expect(log.get(2)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })
      expect(() => log.getSync(2)).toThrow('no entry has index 2: it holds 1 to 1')
      expect(await log.range(1, 9)).toHaveLength(1)
      expect(await log.read({ from: 2 })).toEqual([])
      expect(await log.entries({ from: 2 }).next()).toEqual({ done: true, value: undefined })
      await sleep(1)
    }
    storage.release()
    await Promise.all(appended)
    expect(log.lastIndex).toBe(4)
    await log.close()
  })

  it('a new segment is durable, its name too, before anything in it is acknowledged', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, segmentBytes: 65_536 })
    await log.append(new Uint8Array(40_000))
    storage.hold = ({ what }) => what === 'syncDir'
    const appended = log.append(new Uint8Array(40_000))
    await expect.poll(() => storage.held.length).toBe(1)
    expect(await isSettled(appended)).toBe(false)
    const [named] = storage.held
    const since = storage.calls.slice(0, storage.calls.indexOf(named!))
    const head = since.findLast(
      ({ bytes }) => Buffer.from(bytes).toString('latin1', 1, 5) === 'WLRS',
    )
    expect(head).toMatchObject({ what: 'write', at: 0, durable: true })
    const renamed = since.findIndex(
      ({ what, file }) => what === 'rename' && file === '000000000002.seg',
    )
    expect(renamed).toBeGreaterThan(since.indexOf(head!))
    expect(storage.groups()).toHaveLength(1)
    storage.release()
    expect(await appended).toBe(2)
    await log.close()
  })

  it('any number of concurrent appends, to any streams, share a few durable writes', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    const streams = ['a', 'b', 'c'].map((name) => log.stream(name))
    for (let round = 0; round < 5; round++) {
      const appended = Array.from({ length: 600 }, (_, at) => (streams[at % 4] ?? log).append('x'))
      await Promise.all(appended)
    }
    expect(log.marks.durable).toBe(1 + 3_000 + 3)
    expect(storage.groups().length).toBeLessThanOrEqual(10)
    await log.close()
  })

  it('the next group fills while one is being written', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const first = log.append('first')
    await sleep(2)
    const during = Array.from({ length: 100 }, (_, at) => log.append(`${at}`))
    expect(log.marks).toEqual({ sequenced: 102, written: 1, durable: 1 })
    storage.release()
    await first
    await Promise.all(during)
    expect(storage.groups()).toHaveLength(2)
    await log.close()
  })
})

describe('under an interval', () => {
  it('an append is acknowledged once it is written, and a sync follows within the interval', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: { everyMs: 30 } })
    storage.hold = ({ what }) => what === 'sync'
    expect(await log.append('a')).toBe(1)
    expect(storage.groups().map(({ durable }) => durable)).toEqual([false])
    expect(log.lastIndex).toBe(1)
    expect(log.marks).toEqual({ sequenced: 2, written: 2, durable: 1 })
    expect(storage.held).toEqual([])
    await expect.poll(() => storage.held.length).toBe(1)
    expect(log.marks.durable).toBe(1)
    storage.release()
    await expect.poll(() => log.marks.durable).toBe(2)
    await log.close()
  })

  it('an append is not acknowledged before it is written', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: { everyMs: 5 } })
    storage.hold = isGroup
    // Large enough for the write to be handed to a thread.
    const appended = log.append(new Uint8Array(300_000))
    expect(await isSettled(appended)).toBe(false)
    expect(log.marks.written).toBe(1)
    expect(log.lastIndex).toBe(0)
    storage.release()
    expect(await appended).toBe(1)
    await log.close()
  })

  it('what comes while a sync runs is covered by the next one only', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: { everyMs: 5 } })
    storage.hold = ({ what }) => what === 'sync'
    await log.append('before')
    await expect.poll(() => storage.held.length).toBe(1)
    await log.append('during')
    const [sync] = storage.held
    storage.release()
    await expect.poll(() => log.marks.durable).toBeGreaterThan(1)
    await expect.poll(() => log.marks.durable).toBe(3)
    const after = storage.calls.slice(storage.calls.indexOf(sync!) + 1)
    const group = after.findIndex(isGroup)
    expect(after.slice(group).filter(({ what }) => what === 'sync')).toHaveLength(1)
    await log.close()
  })

  it('an idle log does not sync', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: { everyMs: 1 } })
    await log.append('x')
    await expect.poll(() => log.marks.durable).toBe(2)
    await sleep(10)
    const before = storage.calls.length
    await sleep(20)
    expect(storage.calls.slice(before)).toEqual([])
    await log.close()
  })
})

describe('under none', () => {
  const syncs = (calls: readonly Call[]): number =>
    calls.filter(({ what, durable }) => what === 'sync' || durable).length

  it('nothing is synced but by rotation, sync() and close()', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: 'none', segmentBytes: 65_536 })
    const opened = storage.calls.length
    for (let at = 0; at < 50; at++) await log.append('x')
    await sleep(20)
    expect(syncs(storage.calls.slice(opened))).toBe(0)
    expect(log.marks).toEqual({ sequenced: 51, written: 51, durable: 1 })

    await log.append(new Uint8Array(65_000))
    await expect.poll(() => log.marks.durable).toBe(51)
    expect(log.marks.written).toBe(52)

    await log.sync()
    expect(log.marks.durable).toBe(52)

    await log.append('last')
    expect(log.marks.durable).toBe(52)
    await log.close()
    expect(log.marks.durable).toBe(53)
  })

  it('an append is acknowledged once it is written', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability: 'none' })
    storage.hold = isGroup
    const appended = log.append(new Uint8Array(300_000))
    expect(await isSettled(appended)).toBe(false)
    storage.release()
    expect(await appended).toBe(1)
    await log.close()
  })
})

describe('sync', () => {
  it.each(['commit', { everyMs: 60_000 }, 'none'] as const)(
    'makes durable all that was appended before it, under %j',
    async (durability) => {
      const log = await Log.open(dir(), { durability, segmentBytes: 65_536 })
      const appended = Array.from({ length: 20 }, () => log.append(new Uint8Array(10_000)))
      await log.sync()
      expect(log.marks.durable).toBe(21)
      expect(await Promise.all(appended)).toHaveLength(20)
      if (durability === 'none') log.appendSync('in memory')
      await Promise.all([log.sync(), log.sync()])
      expect(log.marks.durable).toBe(log.marks.sequenced)
      await log.close()
    },
  )

  it('of a log that is durable already costs nothing', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await log.append('x')
    await sleep(15)
    const before = storage.calls.length
    await log.sync()
    expect(storage.calls.slice(before)).toEqual([])
    await log.close()
  })
})
