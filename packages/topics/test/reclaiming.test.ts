/** What every cursor has passed goes, by segment, in the background and after a restart; nothing else does. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { Topics, TopicsOptions } from '../src/index.ts'
import { openOn, openWith, text } from './simulated.ts'

const SEGMENT = 65_536
const OPTIONS: TopicsOptions = { segmentBytes: SEGMENT, consistency: { persistEvery: 50 } }
const KB = new Uint8Array(1_000)

async function fill(topics: Topics, count: number, name = 't'): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => topics.topic(name).append(KB)))
}

async function consume(topics: Topics, count: number, cursor = ''): Promise<void> {
  const from = topics.topic('t').cursor(cursor)
  for (let n = 0; n < count; n++) await from.next()
  await from.commit()
}

/** Bytes of all files on a disk. */
function bytesOn(disk: SimulatedDisk): number {
  return [...disk.files()].reduce((sum, [, bytes]) => sum + bytes.length, 0)
}

describe('data that every cursor has passed', () => {
  it('goes in the background, while others write and read', async () => {
    const disk = new SimulatedDisk()
    await disk.run(async (storage) => {
      const topics = await openWith(storage, OPTIONS)
      for (let round = 0; round < 10; round++) {
        await fill(topics, 200)
        await consume(topics, 200)
        await disk.pass(2_000)
      }
      expect(topics.upkeepFailure).toBeUndefined()
      expect(topics.topic('t').first).toBe(2_000)
      expect(topics.log.stats().segments).toBeLessThan(6)
      await topics.close()
    })
    expect(bytesOn(disk)).toBeLessThan(10 * SEGMENT)
  })

  it('goes after a restart, where nobody came to it before', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, OPTIONS)
    await fill(topics, 1_000)
    await consume(topics, 1_000)
    const left = disk.copy()
    const before = bytesOn(left)
    await left.run(async (storage) => {
      const again = await openWith(storage, OPTIONS)
      await left.pass(5_000)
      expect(again.topic('t').entries).toBe(0)
      await again.close()
    })
    expect(bytesOn(left)).toBeLessThan(before / 4)
  })

  it('stays as long as one cursor needs it, whatever the others have read', async () => {
    const topics = await openOn(new SimulatedDisk(), OPTIONS)
    await fill(topics, 500)
    await topics.topic('t').createCursor('slow')
    await consume(topics, 500)
    await consume(topics, 100, 'slow')
    await topics.reclaim()
    expect(topics.topic('t').first).toBe(100)
    expect(await topics.topic('t').bytes()).toBe(400_000)
    await topics.topic('t').deleteCursor('slow')
    await topics.reclaim()
    expect(topics.topic('t').entries).toBe(0)
    expect(await topics.topic('t').bytes()).toBe(0)
    await topics.close()
  })

  it('is all of a topic without a cursor, and what was only looked at', async () => {
    const topics = await openOn(new SimulatedDisk(), OPTIONS)
    await fill(topics, 300)
    const topic = topics.topic('t')
    for (let n = 0; n < 50; n++) await topic.peek()
    await topic.read({ checkpoint: false })
    for await (const _ of topic.scan()) continue
    topics.list()
    await topic.info()
    await topics.reclaim()
    expect([topic.first, topic.entries]).toEqual([0, 300])
    await topics.close()
  })

  it('is not what a group has acknowledged out of order', async () => {
    const topics = await openOn(new SimulatedDisk(), OPTIONS)
    await fill(topics, 10)
    const all = await topics.topic('t').group('g').read()
    for (const delivery of all.slice(1)) await delivery.ack()
    await topics.reclaim()
    expect(topics.topic('t').first).toBe(0)
    await all[0]!.ack()
    await topics.reclaim()
    expect(topics.topic('t').first).toBe(10)
    expect(await topics.topic('t').bytes()).toBe(0)
    await topics.close()
  })
})

it('the state of topics is written anew, so that its records keep no segment', async () => {
  const disk = new SimulatedDisk()
  const topics = await openOn(disk, { ...OPTIONS, reclaimEveryMs: 60_000 })
  await topics.topic('other').append('kept', { producer: 'p', sequence: 3 })
  await topics.topic('other').createCursor('c', 'end')
  const big = new Uint8Array(500_000)
  for (let n = 0; n < 160; n++) {
    await topics.topic('t').append(big)
    await topics.topic('t').next()
  }
  await topics.topic('t').cursor().commit()
  await topics.reclaim()
  // The first entry of the other topic is in the first segment: it keeps that, and all behind it.
  expect(topics.log.stream('topics').first).toBeGreaterThan(0)
  await topics.topic('other').cursor('c').seek('end')
  await topics.close()
  const again = await openOn(disk)
  expect(again.topic('other').cursors()).toMatchObject([{ name: 'c', position: 1 }])
  expect(await again.topic('other').append('kept', { producer: 'p', sequence: 3 })).toBe(0)
  expect(again.topic('t').cursor().position).toBe(160)
  await again.close()
})

describe('deleting a topic', () => {
  it('takes its entries, cursors and marks, at once and for good', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    await topic.append('old', { producer: 'p', sequence: 0 })
    await topic.createCursor('c', 'end')
    const reader = topic.cursor('c')
    expect(await topics.delete('t')).toBe(true)
    expect(await topics.delete('t')).toBe(false)
    expect(await topics.delete('unknown')).toBe(false)
    expect([topics.list(), topic.exists, topic.entries, topic.unread]).toEqual([[], false, 0, 0])
    await expect(reader.next()).rejects.toMatchObject({ code: 'WALRUS_CURSOR_NOT_FOUND' })
    const afterKill = await openOn(disk.copy())
    expect([afterKill.list(), afterKill.topic('t').cursors()]).toEqual([[], []])
    // A position is never given again.
    expect(await topic.append('new', { producer: 'p', sequence: 0 })).toBe(1)
    expect(text(await topic.next())).toBe('new')
    expect(await topic.bytes()).toBe(3)
    expect(topics.list()).toEqual(['t'])
    await topics.close()
    await afterKill.close()
  })

  it('is done again where a crash came in between', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, OPTIONS)
    await fill(topics, 300)
    const before = topics.log.marks.durable
    const deleting = topics.delete('t')
    // The record is durable, and the truncation is not.
    let left: SimulatedDisk | undefined
    disk.fault = () => {
      if (left === undefined && topics.log.marks.durable > before) left = disk.copy()
      return undefined
    }
    await deleting
    await left!.run(async (storage) => {
      const again = await openWith(storage, OPTIONS)
      expect(again.list()).toEqual([])
      expect(again.log.stream('topic:t').first).toBe(0)
      await left!.pass(5_000)
      expect(again.log.stream('topic:t').first).toBe(300)
      await again.close()
    })
    await topics.close()
  })
})
