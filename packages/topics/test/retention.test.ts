/** Retention by name: by size, count and age; what is unread stays unless it was said that it may go. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { numbered, openOn, openWith, text } from './simulated.ts'

describe('retain', () => {
  it('keeps as many entries, or bytes, as it says, and counts what goes', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    await topic.appendBatch(numbered(10))
    expect(await topic.retain({ maxEntries: 6 })).toEqual({
      topic: 't',
      dryRun: false,
      first: 0,
      end: 4,
      entries: 4,
      bytes: 8,
      unread: [],
      heldBy: [],
    })
    expect([topic.first, await topic.bytes()]).toEqual([4, 12])
    expect(await topic.retain({ maxBytes: 5 })).toMatchObject({ first: 4, end: 8, bytes: 8 })
    expect([topic.first, await topic.bytes()]).toEqual([8, 4])
    expect(await topic.retain({ maxBytes: 5 })).toMatchObject({ first: 8, end: 8, entries: 0 })
    await topics.close()
  })

  it('lets go what is older than it says', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    await topic.appendBatch(numbered(3))
    await disk.pass(10_000)
    await topic.append('young')
    expect(await topic.retain({ maxAgeMs: 5_000 })).toMatchObject({ end: 3, entries: 3 })
    expect(text(await topic.next())).toBe('young')
    await topics.close()
  })

  it('says in a dry run what it would drop, unread too, and changes nothing', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    await topic.appendBatch(numbered(10))
    await topic.createCursor('slow', { position: 2 })
    await topic.createCursor('quick', { position: 9 })
    const policy = { maxEntries: 4, dryRun: true }
    expect(await topic.retain(policy)).toMatchObject({ end: 2, unread: [], heldBy: ['slow'] })
    expect(await topic.retain({ ...policy, dropUnread: true })).toMatchObject({
      dryRun: true,
      end: 6,
      entries: 6,
      unread: [{ cursor: 'slow', entries: 4 }],
      heldBy: [],
    })
    expect([topic.first, topic.cursor('slow').lag]).toEqual([0, 8])
    await topic.retain({ maxEntries: 4, dropUnread: true })
    expect([topic.first, topic.cursor('slow').lag]).toEqual([6, 4])
    expect(text(await topic.cursor('slow').next())).toBe('e6')
    await topics.close()
  })
})

it('a policy by name is kept in the background, and only for that topic', async () => {
  const disk = new SimulatedDisk()
  await disk.run(async (storage) => {
    const topics = await openWith(storage, { retention: { logs: { maxEntries: 5 } } })
    await topics.topic('logs').appendBatch(numbered(20))
    await topics.topic('other').appendBatch(numbered(20))
    await disk.pass(3_000)
    expect([topics.topic('logs').first, topics.topic('other').first]).toEqual([15, 0])
    await topics.close()
  })
})

it.each([
  { maxEntries: -1 },
  { maxBytes: 1.5 },
  { maxAgeMs: 0 },
  { dropUnread: 1 },
  { maxSegments: 3 },
  5,
])('refuses %j', async (policy) => {
  const topics = await openOn(new SimulatedDisk())
  await expect(topics.topic('t').retain(policy as never)).rejects.toMatchObject({
    code: 'WALRUS_INVALID_OPTION',
  })
  await topics.close()
  await expect(
    openOn(new SimulatedDisk(), { retention: { t: policy as never } }),
  ).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
})
