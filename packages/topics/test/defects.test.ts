/** What earlier topic engines did wrong, each by its number; each of these tests fails on one with the same fault. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it, vi } from 'vitest'
import { Topics } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { numbered, openOn, openWith, QUIET, text, texts } from './simulated.ts'

const dir = freshDirectory()

describe('T1: polling at the end rewinds the cursor', () => {
  it('the cursor stays at the end, over restarts, however often it is polled', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    await topic.appendBatch(numbered(5))
    await topic.read()
    for (let n = 0; n < 10; n++) expect(await topic.next()).toBeUndefined()
    for (let n = 0; n < 10; n++) expect(await topic.read()).toEqual([])
    const afterKill = await openOn(disk.copy())
    expect(await afterKill.topic('t').next()).toBeUndefined()
    expect(afterKill.topic('t').unread).toBe(0)
    await afterKill.close()
    await topics.close()
  })
})

describe('T2: an empty batch, or a name that is too long, leaves a hole', () => {
  it('neither writes anything, and everything behind is recovered', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    await topics.topic('t').append('before')
    const { sequenced } = topics.log.marks
    expect(await topics.topic('t').appendBatch([])).toEqual([])
    const long = 'é'.repeat(513)
    expect(() => topics.topic(long)).toThrow(
      expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }),
    )
    expect(() => topics.topic('t').cursor(long)).toThrow('1024 bytes')
    expect(topics.log.marks.sequenced).toBe(sequenced)
    await topics.topic('t').append('behind')
    await topics.topic('é'.repeat(512)).append('the longest name')
    const afterKill = await openOn(disk.copy())
    expect(texts(await afterKill.topic('t').read())).toEqual(['before', 'behind'])
    expect(text(await afterKill.topic('é'.repeat(512)).next())).toBe('the longest name')
    await afterKill.close()
    await topics.close()
  })
})

describe('T3: a batch read with a small byte limit skips', () => {
  it.each([1, 10, 99, 1_000, 5_000])(
    'every entry is delivered once, %i bytes at a time',
    async (maxBytes) => {
      const topics = await openOn(new SimulatedDisk(), {
        segmentBytes: 65_536,
        consistency: { persistEvery: 1_000 },
      })
      const topic = topics.topic('t')
      const sizes = Array.from({ length: 1_000 }, (_, n) => (n * 37) % 300)
      await topic.appendBatch(sizes.map((size, n) => Buffer.alloc(size, n)))
      const seen: number[] = []
      for (;;) {
        const entries = await topic.read({ maxBytes })
        if (entries.length === 0) break
        const bytes = entries.reduce((sum, { data }) => sum + data.length, 0)
        expect(entries.length === 1 || bytes <= maxBytes).toBe(true)
        for (const { index, data } of entries) {
          expect(data.length).toBe(sizes[index])
          seen.push(index)
        }
      }
      expect(seen).toEqual(sizes.map((_, n) => n))
      await topics.close()
    },
  )
})

describe('T4: peeking counts as consuming', () => {
  it('after any number of looks everything is there, also where segments have become old', async () => {
    const topics = await openOn(new SimulatedDisk(), { segmentBytes: 65_536 })
    const topic = topics.topic('t')
    const all = Array.from({ length: 300 }, (_, n) => `${n}`.padEnd(1_000))
    await topic.appendBatch(all)
    for (let n = 0; n < 120; n++) await topic.peek()
    for (let n = 0; n < 10; n++) await topic.read({ checkpoint: false, maxEntries: 300 })
    await topics.reclaim()
    expect(texts(await topic.read())).toEqual(all)
    await topics.close()
  })
})

describe('T5: instances share what is the process’s', () => {
  it('each has its own data, durability, cursors and clean-up', async () => {
    const options = { segmentBytes: 65_536, logger: QUIET }
    const one = await Topics.open(join(dir(), 'one'), { ...options, durability: 'none' })
    const two = await Topics.open(join(dir(), 'two'), options)
    const kb = new Uint8Array(1_000)
    for (const topics of [one, two]) {
      await topics.topic('t').appendBatch(Array.from({ length: 300 }, () => kb))
    }
    expect(two.log.marks.durable).toBe(two.log.marks.sequenced)
    while ((await one.topic('t').read()).length > 0) continue
    await one.topic('t').cursor().commit()
    await one.reclaim()
    expect([one.topic('t').entries, two.topic('t').entries]).toEqual([0, 300])
    expect([one.topic('t').unread, two.topic('t').unread]).toEqual([0, 300])
    await one.close()
    expect((await two.topic('t').read()).length).toBe(300)
    await two.topic('t').append('after the other was closed')
    await two.close()
  })
})

describe('T6: an entry larger than a block breaks recovery', () => {
  it('is recovered, and what follows, and other topics', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { segmentBytes: 65_536 })
    const large = Buffer.alloc(200_000, 'large')
    await topics.topic('t').append(large)
    await topics.topic('t').append('behind')
    await topics.topic('u').append('other')
    const afterKill = await openOn(disk.copy())
    const [first, second] = await afterKill.topic('t').read()
    expect(large.equals(first!.data)).toBe(true)
    expect(text(second)).toBe('behind')
    expect(text(await afterKill.topic('u').next())).toBe('other')
    await afterKill.close()
    await topics.close()
  })
})

describe('T7: a failed batch leaves the topic unreadable', () => {
  it('nothing of it is there, and the topic goes on', async () => {
    const disk = new SimulatedDisk({ capacity: 400_000 })
    const topics = await openOn(disk, { segmentBytes: 65_536 })
    const topic = topics.topic('t')
    await topic.append('before')
    const batch = Array.from({ length: 50 }, () => new Uint8Array(10_000))
    await expect(topic.appendBatch(batch)).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    expect(topic.entries).toBe(1)
    disk.capacity = 4_000_000
    await topic.append('behind')
    expect(texts(await topic.read())).toEqual(['before', 'behind'])
    const afterKill = await openOn(disk.copy())
    expect(texts(await afterKill.topic('t').read({ from: 0 }))).toEqual(['before', 'behind'])
    await afterKill.close()
    await topics.close()
  })

  it('a batch is there as a whole or not at all, wherever power is lost', async () => {
    for (let call = 0; ; call++) {
      const disk = new SimulatedDisk({ seed: call })
      disk.crashAt(call)
      const { ended } = await disk.run(async (storage) => {
        const topics = await openWith(storage)
        await topics.topic('t').appendBatch(numbered(100))
        await topics.topic('t').appendBatch(numbered(100, 100))
        await topics.close()
      })
      await disk.run(async (storage) => {
        const topics = await openWith(storage)
        expect([0, 100, 200]).toContain(topics.topic('t').entries)
        expect(texts(await topics.topic('t').read())).toEqual(numbered(topics.topic('t').entries))
        await topics.close()
      })
      if (ended === 'returned') return
    }
  })
})

describe('T8: write errors are ignored', () => {
  it('on a full disk every append that is answered can be read, and the others are refused', async () => {
    const disk = new SimulatedDisk({ capacity: 600_000 })
    const topics = await openOn(disk, { segmentBytes: 65_536 })
    const topic = topics.topic('t')
    const answered: number[] = []
    const refused: unknown[] = []
    for (let n = 0; n < 150; n++) {
      await topic.append(`${n} `.padEnd(10_000)).then(
        () => answered.push(n),
        (error: unknown) => refused.push((error as { code: string }).code),
      )
    }
    expect(answered.length).toBeGreaterThan(10)
    expect(new Set(refused)).toEqual(new Set(['WALRUS_DISK_FULL']))
    const read = await topic.read({ checkpoint: false, maxBytes: 10_000_000 })
    expect(read.map((entry) => Number.parseInt(text(entry)!, 10))).toEqual(answered)
    await topics.close().catch(() => {})
  })

  it('a failed write fails the append, and everything after', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    await topics.topic('t').append('before')
    disk.fault = ({ kind }) => (kind === 'durable write' ? 'EIO' : undefined)
    await expect(topics.topic('t').append('lost')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    disk.fault = () => undefined
    await expect(topics.topic('u').append('too')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(topics.topic('t').mark(true)).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(topics.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })
})

describe('T9: a failure to create a file leaves a lock held', () => {
  it('the append that failed is answered, so are all others, on any topic; reopening heals', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { segmentBytes: 65_536 })
    disk.fault = ({ kind, path }) =>
      kind === 'create' && path.includes('.seg') ? 'EACCES' : undefined
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        topics.topic(`t${n % 3}`).append(new Uint8Array(20_000)),
      ),
    )
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
    await Promise.allSettled([topics.topic('t0').append('x'), topics.topic('new').append('y')])
    await topics.close().catch(() => {})
    disk.fault = () => undefined
    const again = await openOn(disk)
    await again.topic('new').append('works')
    await again.close()
  })
})

describe('T10: nothing is ever synced, and nobody is told', () => {
  it('what is acknowledged survives a loss of power; a failed sync is everybody’s error', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    await topics.topic('t').append('acknowledged')
    const left = disk.copy()
    left.losePower()
    const after = await openOn(left)
    expect(text(await after.topic('t').next())).toBe('acknowledged')
    await after.close()
    disk.fault = ({ kind }) => (kind === 'durable write' || kind === 'sync' ? 'EIO' : undefined)
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((t) => topics.topic(t).append(t)))
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'WALRUS_FAILED' } })
    }
    await topics.close().catch(() => {})
  })
})

describe('T11: at least once has no bound', () => {
  it.each([1, 5, 20])('at most %i come again after a kill', async (persistEvery) => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { consistency: { persistEvery } })
    await topics.topic('t').appendBatch(numbered(50))
    for (let n = 1; n <= 50; n++) {
      await topics.topic('t').next()
      const afterKill = await openOn(disk.copy())
      const { position } = afterKill.topic('t').cursor()
      expect(n - position).toBeLessThanOrEqual(persistEvery)
      await afterKill.close()
    }
    await topics.close()
  })
})

describe('T12: at a corrupt entry a read gives nothing for ever', () => {
  it('is an error that names the entry, each time; the cursor stays, and other topics go on', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    for (const each of ['good', 'evil', 'behind']) await topics.topic('t').append(each)
    await topics.topic('u').append('fine')
    await topics.close()
    for (const [path, bytes] of [...disk.files()]) {
      const at = Buffer.from(bytes).indexOf('evil')
      if (at < 0) continue
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      disk.put(path, changed)
    }
    const again = await openOn(disk)
    const topic = again.topic('t')
    expect(text(await topic.next())).toBe('good')
    for (let n = 0; n < 3; n++) {
      await expect(topic.next()).rejects.toMatchObject({ code: 'WALRUS_CORRUPT', index: 1 })
    }
    expect(topic.unread).toBe(2)
    expect(text(await again.topic('u').next())).toBe('fine')
    await topic.cursor().seek({ position: 2 })
    expect(text(await topic.next())).toBe('behind')
    await again.close()
  })
})

describe('T13: a refused entry damages state; empty payloads are dropped', () => {
  it('what is too large leaves everything as it was', async () => {
    const topics = await openOn(new SimulatedDisk(), { maxEntryBytes: 100, maxBatchBytes: 1_000 })
    const topic = topics.topic('t')
    await topic.append('one')
    expect(text(await topic.next())).toBe('one')
    const large = new Uint8Array(101)
    const tooLarge = { code: 'WALRUS_ENTRY_TOO_LARGE' }
    await expect(topic.append(large)).rejects.toMatchObject(tooLarge)
    await expect(topic.appendBatch(['x', large])).rejects.toMatchObject(tooLarge)
    const many = Array.from({ length: 11 }, () => new Uint8Array(100))
    const batchTooLarge = { code: 'WALRUS_BATCH_TOO_LARGE' }
    await expect(topic.appendBatch(many)).rejects.toMatchObject(batchTooLarge)
    const count = Array.from({ length: 2_001 }, () => '')
    await expect(topic.appendBatch(count)).rejects.toMatchObject(batchTooLarge)
    expect([topic.entries, topic.unread, await topic.bytes()]).toEqual([1, 0, 3])
    await topic.append('two')
    expect(text(await topic.next())).toBe('two')
    expect(await topic.next()).toBeUndefined()
    await topics.close()
  })

  it('an empty payload is an entry like any other', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    await topics.topic('t').append('')
    await topics.topic('t').appendBatch(['', 'x', new Uint8Array(0)])
    const afterKill = await openOn(disk.copy())
    expect(texts(await afterKill.topic('t').read({ maxBytes: 1 }))).toEqual(['', '', 'x', ''])
    await afterKill.close()
    await topics.close()
  })
})

describe('T14: keys that leave the data directory, or collide', () => {
  it('`..` stays in it, and `a/b` and `a:b` are two', async () => {
    const data = join(dir(), 'data')
    const keys = ['..', '.', 'a/b', 'a:b', 'a_b', '../../x']
    for (const key of keys) {
      const topics = await Topics.open(data, { key, logger: QUIET })
      await topics.topic('t').append(key)
      await topics.close()
    }
    expect(readdirSync(dir())).toEqual(['data'])
    expect(readdirSync(data).length).toBe(keys.length)
    for (const key of keys) {
      const topics = await Topics.open(data, { key, logger: QUIET })
      expect(texts(await topics.topic('t').read())).toEqual([key])
      await topics.close()
    }
  })

  it('names of topics are no paths', async () => {
    const topics = await Topics.open(join(dir(), 'log'), { logger: QUIET })
    const names = [
      '../escaped',
      '/tmp/walrus-escaped',
      'a/../../b',
      '\0',
      '',
      '.',
      'topics',
      '__proto__',
    ]
    for (const name of names) await topics.topic(name).append(name)
    expect(topics.list()).toEqual(names)
    for (const name of names) expect(text(await topics.topic(name).next())).toBe(name)
    await topics.close()
    expect(readdirSync(dir())).toEqual(['log'])
    expect(existsSync('/tmp/walrus-escaped')).toBe(false)
  })
})

describe('T15: restarts leave files behind although everything was consumed', () => {
  it('five restarts take no more space than one', async () => {
    const disk = new SimulatedDisk()
    const sizes: number[] = []
    for (let restart = 0; restart < 5; restart++) {
      await disk.run(async (storage) => {
        const topics = await openWith(storage, { segmentBytes: 65_536 })
        const kb = new Uint8Array(1_000)
        await topics.topic('t').appendBatch(Array.from({ length: 500 }, () => kb))
        while ((await topics.topic('t').read()).length > 0) continue
        await disk.pass(3_000)
        await topics.close()
      })
      sizes.push([...disk.files()].reduce((sum, [, bytes]) => sum + bytes.length, 0))
    }
    expect(Math.max(...sizes)).toBeLessThan(4 * 65_536)
    expect(sizes[4]).toBeLessThan(1.5 * sizes[0]!)
  })
})

describe('T16: reading from an offset skips small entries and moves the shared cursor', () => {
  it('gives every entry from the position on, and moves nothing', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    const all = numbered(500)
    await topic.appendBatch(all)
    await topic.next()
    for (const from of [0, 1, 250, 499]) {
      const seen: (string | undefined)[] = []
      while (from + seen.length < 500) {
        seen.push(...texts(await topic.read({ from: from + seen.length, maxBytes: 50 })))
      }
      expect(seen).toEqual(all.slice(from))
    }
    expect(topic.unread).toBe(499)
    expect(text(await topic.next())).toBe('e1')
    await topics.close()
  })
})

describe('T17: cursors are durable before their entry is handed over, and renumbered on restart', () => {
  it('an entry that was not handed over is never passed over, wherever it crashes', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    await topics.topic('t').appendBatch(numbered(10))
    let handedOver = 0
    const ahead: number[] = []
    let looking = false
    const copies: { disk: SimulatedDisk; handedOver: number }[] = []
    disk.fault = () => {
      if (!looking) copies.push({ disk: disk.copy(), handedOver })
      return undefined
    }
    for (; handedOver < 10; handedOver++) {
      if ((await topics.topic('t').next()) === undefined) throw new Error('too few entries')
    }
    looking = true
    for (const copy of copies) {
      const after = await openOn(copy.disk)
      const { position } = after.topic('t').cursor()
      if (position > copy.handedOver) ahead.push(position)
      await after.close()
    }
    expect(copies.length).toBeGreaterThan(9)
    expect(ahead).toEqual([])
    await topics.close()
  })

  it.each(['strict', { persistEvery: 4, everyMs: 100 }] as const)(
    'the entry in hand comes again, however long it is in hand: %j',
    async (consistency) => {
      const disk = new SimulatedDisk()
      const topics = await openOn(disk, { consistency })
      await topics.topic('t').appendBatch(numbered(10))
      for (let n = 0; n < 5; n++) await topics.topic('t').next()
      await disk.pass(1_000)
      const afterKill = await openOn(disk.copy())
      expect(text(await afterKill.topic('t').next())).toBe('e4')
      await afterKill.close()
      await topics.close()
    },
  )

  it('positions are the same after a restart, and the reading of one cursor writes that one only', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { segmentBytes: 65_536 })
    for (let n = 0; n < 100; n++) await topics.topic(`t${n}`).appendBatch(numbered(3))
    for (let n = 0; n < 100; n++) await topics.topic(`t${n}`).read({ maxEntries: 2 })
    const records = topics.log.stream('topics')
    const before = records.next
    await topics.topic('t7').next()
    await topics.topic('t7').cursor().commit()
    for (const { data } of await records.read({ from: before })) {
      expect(data.length).toBeLessThan(20)
    }
    await topics.close()
    const again = await openOn(disk)
    const entry = await again.topic('t9').next()
    expect([entry!.index, text(entry)]).toEqual([2, 'e2'])
    await again.close()
  })
})

describe('T18: order by the wall clock; no close and no sync', () => {
  it('a clock that runs backwards changes no order', async () => {
    const disk = new SimulatedDisk()
    const storage = disk.process()
    let hour = 100
    vi.spyOn(storage.env, 'now').mockImplementation(() => 1.7e12 + --hour * 3_600_000)
    const topics = await openWith(storage, { segmentBytes: 65_536 })
    for (let n = 0; n < 20; n++) await topics.topic('t').append(`${n}`.padEnd(10_000))
    expect(topics.log.stats().segments).toBeGreaterThan(2)
    await topics.close()
    const again = await openOn(disk)
    const order = (await again.topic('t').read()).map((entry) => Number(text(entry)))
    expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n))
    await again.close()
  })

  it('close may be called twice, makes durable what was appended, and settles', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { durability: 'none' })
    const appended = topics.topic('t').append('last')
    await Promise.all([topics.close(), topics.close()])
    await appended
    const left = disk.copy()
    left.losePower()
    const again = await openOn(left)
    expect(text(await again.topic('t').next())).toBe('last')
    await again.close()
  })
})
