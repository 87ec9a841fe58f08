/** Appends, moves of cursors and what others put into it, as one commit. */

import type { SimulatedStorage } from '@walrus/storage-sim'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { numbered, openOn, openWith, text, texts } from './simulated.ts'

describe('a transaction', () => {
  it('appends to several topics and moves cursors', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const source = topics.topic('in')
    await source.appendBatch(numbered(5))
    const cursor = source.cursor('worker')
    const done = await topics.transaction(async (tx) => {
      const first = await tx.next(cursor)
      const more = await tx.read(cursor, { maxEntries: 2 })
      tx.append('out', `got ${text(first)}`)
      tx.append(topics.topic('log'), `${more.length} more`)
      // Nothing of it is there before it is committed.
      expect(topics.list()).toEqual(['in'])
      expect(cursor.position).toBe(0)
      return 'done'
    })
    expect(done).toBe('done')
    const afterKill = await openOn(disk.copy())
    for (const each of [topics, afterKill]) {
      expect(text(await each.topic('out').peek())).toBe('got e0')
      expect(text(await each.topic('log').peek())).toBe('2 more')
      expect(text(await each.topic('in').cursor('worker').next())).toBe('e3')
      expect(await each.topic('out').bytes()).toBe(6)
      await each.close()
    }
  })

  it('leaves nothing when it throws', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('in')
    await topic.appendBatch(numbered(3))
    const failing = topics.transaction(async (tx) => {
      await tx.next(topic.cursor())
      tx.append('out', 'never')
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(topics.list()).toEqual(['in'])
    expect(text(await topic.next())).toBe('e0')
    await topics.close()
  })

  it('is refused when somebody else has moved its cursor, and can be tried again', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('in')
    await topic.appendBatch(numbered(5))
    const cursor = topic.cursor()
    const twice = [1, 2].map((n) =>
      topics.transaction(async (tx) => {
        tx.append('out', `${n} has ${text(await tx.next(cursor))}`)
      }),
    )
    const [first, second] = await Promise.allSettled(twice)
    expect(first!.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'WALRUS_CONFLICT' } })
    await topics.transaction(async (tx) => {
      tx.append('out', `again has ${text(await tx.next(cursor))}`)
    })
    expect(texts(await topics.topic('out').read())).toEqual(['1 has e0', 'again has e1'])
    await topics.close()
  })

  it('shares its commit with what others put into it', async () => {
    const topics = await openOn(new SimulatedDisk())
    await topics.topic('in').appendBatch(numbered(3))
    await topics.topic('in').createCursor('c')
    const batch = topics.log.batch()
    batch.append('another view', 'its own')
    const writes = topics.within(batch)
    writes.append('out', 'one')
    writes.commit(topics.topic('in').cursor('c'), 2)
    expect(() => writes.commit(topics.topic('in').cursor('d'), 2)).toThrow(
      expect.objectContaining({ code: 'WALRUS_CURSOR_NOT_FOUND' }),
    )
    const before = topics.log.marks.durable
    await topics.log.commit(batch)
    expect(topics.log.marks.durable).toBe(before + 5)
    expect(topics.topic('in').cursor('c').lag).toBe(1)
    expect(text(await topics.topic('out').next())).toBe('one')
    await topics.close()
  })
})

it('exactly once: whenever it crashes, each entry has one result', async () => {
  const work = async (storage: SimulatedStorage): Promise<string[]> => {
    const topics = await openWith(storage)
    const source = topics.topic('in')
    if (!source.exists) await source.appendBatch(numbered(8))
    for (;;) {
      const entry = await topics.transaction(async (tx) => {
        const next = await tx.next(source.cursor())
        if (next !== undefined) tx.append('out', `of ${text(next)}`)
        return next
      })
      if (entry === undefined) break
    }
    const results = texts(await topics.topic('out').read({ from: 0 }))
    await topics.close()
    return results as string[]
  }
  for (let call = 0; ; call++) {
    const disk = new SimulatedDisk({ seed: call })
    disk.crashAt(call)
    const { ended } = await disk.run(work)
    if (ended === 'returned') {
      expect(call).toBeGreaterThan(20)
      return
    }
    const { value } = await disk.run(work)
    expect(value).toEqual(numbered(8).map((each) => `of ${each}`))
  }
})
