/** Counts of entries and bytes, clean marks, lists: right at any time, and again after a restart. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { numbered, openOn } from './simulated.ts'

describe('counts', () => {
  it('are 0 for what is unknown, and asking makes nothing', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('unknown')
    expect([topic.entries, topic.unread, await topic.bytes(), topics.unread()]).toEqual([
      0, 0, 0, 0,
    ])
    expect(await topic.next()).toBeUndefined()
    await topic.cursor('c').peek()
    expect(topics.topic('other').exists).toBe(false)
    await topics.close()
  })

  it('are right after a restart, whether it was closed or killed, and whoever appended', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    await topic.append('four')
    await topic.append('é')
    await topic.appendBatch(['', Buffer.from('abc'), { data: 'xy', term: 3n }])
    await topic.append('with', { timeoutMs: 1_000 })
    await topic.append('by', { producer: 'p', sequence: 1 })
    await topics.transaction(async (tx) => tx.append('t', 'in'))
    await topics.topic('u').append('other')
    await topic.next()
    await topic.next()
    const counts = async (of: typeof topics): Promise<number[]> => [
      of.topic('t').entries,
      of.topic('t').unread,
      await of.topic('t').bytes(),
      of.unread(),
    ]
    // Of what was handed over, the second is not known to be done.
    expect(await counts(topics)).toEqual([8, 6, 19, 7])
    const afterKill = await openOn(disk.copy())
    expect(await counts(afterKill)).toEqual([8, 7, 19, 8])
    await afterKill.close()
    await topics.close()
    const afterClose = await openOn(disk)
    expect(await counts(afterClose)).toEqual([8, 6, 19, 7])
    await afterClose.close()
  })

  it('leave out what was refused', async () => {
    const disk = new SimulatedDisk({ capacity: 400_000 })
    const topics = await openOn(disk, { segmentBytes: 65_536 })
    const topic = topics.topic('t')
    let bytes = 0
    for (let n = 0; n < 100; n++) {
      await topic.append(new Uint8Array(10_000)).then(
        () => (bytes += 10_000),
        () => {},
      )
    }
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(1_000_000)
    expect(await topic.bytes()).toBe(bytes)
    expect(topic.entries).toBe(bytes / 10_000)
    disk.capacity = 4_000_000
    await topics.close()
    const again = await openOn(disk)
    expect(await again.topic('t').bytes()).toBe(bytes)
    await again.close()
  })
})

describe('a mark', () => {
  it('is clean until something is appended, and survives a restart', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    expect(topic.clean).toBe(true)
    await topic.append('x')
    expect(topic.clean).toBe(false)
    await topic.mark(true)
    expect(topic.clean).toBe(true)
    const clean = await openOn(disk.copy())
    expect(clean.topic('t').clean).toBe(true)
    await clean.topic('t').append('y')
    expect(clean.topic('t').clean).toBe(false)
    await clean.close()
    await topic.mark(false)
    const dirty = await openOn(disk.copy())
    expect(dirty.topic('t').clean).toBe(false)
    await dirty.close()
    await topics.close()
  })
})

it('the list has topics in the order they appeared, and those that only have cursors', async () => {
  const disk = new SimulatedDisk()
  const topics = await openOn(disk)
  await topics.topic('b').append('x')
  await topics.topic('a').append('x')
  await topics.topic('only a cursor').createCursor('c')
  topics.topic('nothing')
  const names = ['b', 'a', 'only a cursor']
  expect(topics.list()).toEqual(names)
  await topics.close()
  const again = await openOn(disk)
  expect(again.list()).toEqual(names)
  await again.close()
})

it('a topic says everything about itself', async () => {
  const topics = await openOn(new SimulatedDisk())
  const topic = topics.topic('t')
  await topic.appendBatch(numbered(3))
  await topic.createCursor('c', { position: 2 })
  const { lastAppend, ...info } = await topic.info()
  expect(lastAppend).toBeTypeOf('number')
  expect(info).toEqual({
    name: 't',
    first: 0,
    end: 3,
    entries: 3,
    unread: 3,
    bytes: 6,
    clean: false,
    cursors: [{ name: 'c', position: 2, lag: 1, pending: 0 }],
  })
  await topics.close()
})

it('bytes are right where a crash came between dropping entries and writing down what they came to', async () => {
  const disk = new SimulatedDisk()
  const topics = await openOn(disk, { reclaimEveryMs: 60_000 })
  const topic = topics.topic('t')
  await topic.appendBatch(['abc', 'de'])
  await topic.next()
  await topic.cursor().commit()
  await topic.retain({ maxEntries: 1 })
  const afterKill = await openOn(disk.copy())
  expect(await afterKill.topic('t').bytes()).toBe(2)
  await afterKill.close()
  await topics.close()
})
