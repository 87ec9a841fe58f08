/** Reading: the default cursor, named ones, peeking, batches, positions. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { Topics, TopicsOptions } from '../src/index.ts'
import { numbered, openOn, text, texts } from './simulated.ts'

async function withEntries(count: number, options?: TopicsOptions): Promise<Topics> {
  const topics = await openOn(new SimulatedDisk(), { maxBatchEntries: 10_000, ...options })
  if (count > 0) await topics.topic('t').appendBatch(numbered(count))
  return topics
}

async function rest(topics: Topics, cursor = ''): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = []
  for await (const entry of topics.topic('t').cursor(cursor).consume()) all.push(text(entry))
  return all
}

describe.each([
  ['strictly at once', 'strict'],
  ['at least once', { persistEvery: 7 }],
] as const)('%s', (_name, consistency) => {
  it('next gives each entry once, in order, and nothing at the end', async () => {
    const topics = await withEntries(3_000, { consistency })
    const topic = topics.topic('t')
    for (const expected of numbered(3_000)) expect(text(await topic.next())).toBe(expected)
    expect(await topic.next()).toBeUndefined()
    await topic.append('one more')
    expect(text(await topic.next())).toBe('one more')
    expect(topic.unread).toBe(0)
    await topics.close()
  })

  it('single and batch reads share the cursor', async () => {
    const topics = await withEntries(50, { consistency })
    const topic = topics.topic('t')
    expect(text(await topic.next())).toBe('e0')
    expect(texts(await topic.read({ maxEntries: 3 }))).toEqual(['e1', 'e2', 'e3'])
    expect(text(await topic.peek())).toBe('e4')
    expect(texts(await topic.read({ maxBytes: 1 }))).toEqual(['e4'])
    expect(topic.unread).toBe(45)
    expect(await rest(topics)).toEqual(numbered(45, 5))
    expect(await topic.read()).toEqual([])
    await topics.close()
  })

  it('what was handed over before a clean close does not come again', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { consistency })
    await topics.topic('t').appendBatch(numbered(10))
    await topics.topic('t').read({ maxEntries: 4 })
    await topics.topic('t').next()
    await topics.close()
    const again = await openOn(disk, { consistency })
    expect(again.topic('t').unread).toBe(5)
    expect(text(await again.topic('t').next())).toBe('e5')
    await again.close()
  })

  it('calls are answered in their order, each with an entry of its own', async () => {
    const topics = await withEntries(100, { consistency })
    const topic = topics.topic('t')
    const all = await Promise.all(Array.from({ length: 100 }, () => topic.next()))
    expect(all.map(text)).toEqual(numbered(100))
    await topics.close()
  })
})

describe('looking without consuming', () => {
  it('moves nothing, and makes no cursor', async () => {
    const topics = await withEntries(5)
    const topic = topics.topic('t')
    for (let n = 0; n < 3; n++) {
      expect(text(await topic.peek())).toBe('e0')
      expect(text(await topic.next({ checkpoint: false }))).toBe('e0')
      expect(texts(await topic.read({ maxEntries: 2, checkpoint: false }))).toEqual(['e0', 'e1'])
      expect(texts(await topic.read({ from: 3 }))).toEqual(['e3', 'e4'])
      expect(topic.unread).toBe(5)
    }
    expect(topic.cursors()).toEqual([])
    await topics.close()
  })

  it('from a position gives what is there, moves no cursor, and cannot consume', async () => {
    const topics = await withEntries(5)
    const topic = topics.topic('t')
    expect(text(await topic.next())).toBe('e0')
    expect(texts(await topic.read({ from: 1, maxEntries: 2 }))).toEqual(['e1', 'e2'])
    expect(await topic.read({ from: 5 })).toEqual([])
    await expect(topic.read({ from: 1, checkpoint: true })).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
    })
    expect(text(await topic.next())).toBe('e1')
    await topics.close()
  })

  it('scans without a cursor', async () => {
    const topics = await withEntries(3)
    const seen: (string | undefined)[] = []
    for await (const entry of topics.topic('t').scan({ from: 1 })) seen.push(text(entry))
    expect(seen).toEqual(['e1', 'e2'])
    await topics.close()
  })
})

describe('named cursors', () => {
  it('are created at a place, each with a position of its own', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    await topic.appendBatch(numbered(5))
    await disk.pass(1_000)
    await topic.append('e5')
    const { time } = (await topic.read({ from: 5 }))[0]!
    await topic.createCursor('start')
    await topic.createCursor('end', 'end')
    await topic.createCursor('third', { position: 2 })
    await topic.createCursor('later', { time })
    expect(topic.cursors().map(({ name, position, lag }) => [name, position, lag])).toEqual([
      ['start', 0, 6],
      ['end', 6, 0],
      ['third', 2, 4],
      ['later', 5, 1],
    ])
    expect(text(await topic.cursor('third').next())).toBe('e2')
    expect(topic.cursor('third').lag).toBe(3)
    expect(topic.cursor('start').lag).toBe(6)
    await topics.close()
    const again = await openOn(disk)
    expect(
      again
        .topic('t')
        .cursors()
        .map(({ position }) => position),
    ).toEqual([0, 6, 3, 5])
    await again.close()
  })

  it('are made once', async () => {
    const topics = await withEntries(1)
    const topic = topics.topic('t')
    const made = await Promise.allSettled([topic.createCursor('c'), topic.createCursor('c')])
    expect(made.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await expect(topic.createCursor('c')).rejects.toMatchObject({ code: 'WALRUS_CURSOR_EXISTS' })
    await topics.close()
  })

  it('seek in both directions, durably', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const cursor = topics.topic('t').cursor('c')
    await topics.topic('t').appendBatch(numbered(10))
    await cursor.seek({ position: 7 })
    expect(text(await cursor.next())).toBe('e7')
    await cursor.seek('start')
    expect(text(await cursor.next())).toBe('e0')
    await cursor.seek('end')
    expect(await cursor.next()).toBeUndefined()
    await cursor.seek({ position: 3 })
    const afterKill = await openOn(disk.copy())
    expect(text(await afterKill.topic('t').cursor('c').next())).toBe('e3')
    await expect(cursor.seek({ position: 11 })).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
    })
    await afterKill.close()
    await topics.close()
  })

  it('commit what was peeked at', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const cursor = topics.topic('t').cursor('c')
    await topics.topic('t').appendBatch(numbered(10))
    const seen = await cursor.read({ maxEntries: 4, checkpoint: false })
    await cursor.commit(seen.at(-1)!.index + 1)
    const afterKill = await openOn(disk.copy())
    expect(text(await afterKill.topic('t').cursor('c').next())).toBe('e4')
    expect(text(await cursor.next())).toBe('e4')
    await expect(cursor.commit(2)).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
    await afterKill.close()
    await topics.close()
  })

  it('are deleted: whoever has one is told, and a new one begins anew', async () => {
    const topics = await withEntries(3)
    const topic = topics.topic('t')
    const cursor = topic.cursor('c')
    await cursor.next()
    await topic.deleteCursor('c')
    await expect(cursor.next()).rejects.toMatchObject({ code: 'WALRUS_CURSOR_NOT_FOUND' })
    await expect(topic.deleteCursor('c')).rejects.toMatchObject({ code: 'WALRUS_CURSOR_NOT_FOUND' })
    expect(topic.cursors()).toEqual([])
    expect(text(await topic.cursor('c').next())).toBe('e0')
    await topics.close()
  })
})

describe('consuming in a loop', () => {
  it('an entry that is in hand when the loop is left comes again, unless it was committed', async () => {
    const topics = await withEntries(5)
    const topic = topics.topic('t')
    for await (const entry of topic.consume()) if (entry.index === 1) break
    expect(text(await topic.peek())).toBe('e1')
    for await (const entry of topic.consume()) {
      if (entry.index < 3) continue
      await topic.cursor().commit(entry.index + 1)
      break
    }
    expect(await rest(topics)).toEqual(['e4'])
    await topics.close()
  })

  it('follows what is appended later, until it is aborted', async () => {
    const topics = await withEntries(1)
    const topic = topics.topic('t')
    const controller = new AbortController()
    const seen: (string | undefined)[] = []
    const loop = (async () => {
      for await (const entry of topic.consume({ follow: true, signal: controller.signal })) {
        seen.push(text(entry))
        if (seen.length < 3) await topic.append(`after ${seen.length}`)
        else controller.abort()
      }
    })()
    await expect(loop).rejects.toMatchObject({ name: 'AbortError', code: 'WALRUS_ABORTED' })
    expect(seen).toEqual(['e0', 'after 1', 'after 2'])
    await topics.close()
  })
})

describe('waiting for an entry', () => {
  it('ends with it, or with the time', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    let ended = false
    const waiting = topic.next({ timeoutMs: 500 }).finally(() => {
      ended = true
    })
    await disk.pass(490)
    expect(ended).toBe(false)
    await disk.pass(20)
    expect(await waiting).toBeUndefined()
    const [entry] = await Promise.all([topic.next({ timeoutMs: 60_000 }), topic.append('now')])
    expect(text(entry)).toBe('now')
    await topics.close()
  })

  it('ends when the topics are closed', async () => {
    const topics = await withEntries(0)
    const waiting = topics.topic('t').next({ follow: true })
    const refused = expect(waiting).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await topics.topic('u').append('something')
    await topics.close()
    await refused
    await expect(topics.topic('t').next()).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
  })
})

it('reads on over the ends of segments, without a skip or a repeat', async () => {
  const topics = await withEntries(0, { segmentBytes: 65_536, consistency: { persistEvery: 100 } })
  const topic = topics.topic('t')
  const all = Array.from({ length: 300 }, (_, n) => `${n} `.padEnd(2_000, '.'))
  for (const each of all) await topic.append(each)
  expect(topics.log.stats().segments).toBeGreaterThan(5)
  const seen: (string | undefined)[] = []
  while (seen.length < 100) seen.push(text(await topic.next()))
  while (seen.length < 250) seen.push(...texts(await topic.read({ maxBytes: 7_000 })))
  seen.push(...(await rest(topics)))
  expect(seen).toEqual(all)
  await topics.close()
})
