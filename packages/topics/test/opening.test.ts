/** Opening: on a directory or a log, for writing or reading, with options that are right or wrong. */

import { Log } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Topics, type TopicsOptions } from '../src/index.ts'
import { numbered, openOn, QUIET, text, texts } from './simulated.ts'

describe('topics on a log that is given', () => {
  it('share it with others, and leave it open', async () => {
    const log = await Log.open('/log', { storage: new SimulatedDisk().process() })
    await log.append('plain')
    await log.stream('orders').append('a stream')
    const topics = await Topics.open(log)
    await topics.topic('orders').append('a topic')
    expect(topics.list()).toEqual(['orders'])
    expect(log.streams()).toEqual(['orders', 'topic:orders'])
    await topics.topic('orders').next()
    await topics.close()
    await log.append('goes on')
    const again = await Topics.open(log)
    expect(again.topic('orders').unread).toBe(0)
    await again.close()
    await log.close()
  })

  it('are one instance at a time, and say nothing of the log', async () => {
    const log = await Log.open('/log', { storage: new SimulatedDisk().process() })
    const topics = await Topics.open(log)
    await expect(Topics.open(log)).rejects.toMatchObject({ code: 'WALRUS_ALREADY_ATTACHED' })
    await topics.close()
    for (const options of [{ durability: 'none' }, { key: 'k' }] as TopicsOptions[]) {
      await expect(Topics.open(log, options)).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
      })
    }
    await log.close()
  })

  it('what a cursor still needs is kept from the log’s own retention', async () => {
    const storage = new SimulatedDisk().process()
    const log = await Log.open('/log', {
      storage,
      segmentBytes: 65_536,
      retention: { maxSegments: 2 },
    })
    const topics = await Topics.open(log)
    const topic = topics.topic('t')
    await topic.createCursor('slow')
    for (let n = 0; n < 300; n++) await topic.append(`${n}`.padEnd(1_000))
    await log.retain()
    expect(topic.cursor('slow').lag).toBe(300)
    expect(text(await topic.cursor('slow').next())).toMatch(/^0 /)
    await topics.close()
    await log.close()
  })
})

describe('topics for reading, beside a writer', () => {
  it('see what is durable, consume nothing, and follow', async () => {
    const disk = new SimulatedDisk()
    const writer = await openOn(disk)
    await writer.topic('t').appendBatch(numbered(3))
    await writer.topic('t').next()
    await writer.topic('t').cursor().commit()
    await disk.pass(100)
    const reader = await openOn(disk, { readOnly: true })
    expect([reader.list(), reader.topic('t').unread]).toEqual([['t'], 2])
    expect(text(await reader.topic('t').peek())).toBe('e1')
    for (const refused of [
      () => reader.topic('t').append('x'),
      () => reader.topic('t').next(),
      () => reader.topic('u').next(),
      () => reader.topic('t').mark(true),
      () => reader.topic('t').createCursor('c'),
      () => reader.delete('t'),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: 'WALRUS_READ_ONLY' })
    }
    await writer.topic('t').append('e3')
    await writer.topic('t').next()
    await writer.topic('t').cursor().commit()
    await disk.pass(100)
    await reader.refresh()
    expect(texts(await reader.topic('t').read({ checkpoint: false }))).toEqual(['e2', 'e3'])
    expect((await reader.topic('t').info()).bytes).toBe(8)
    const waiting = reader.topic('t').next({ checkpoint: false, follow: true })
    expect(text(await waiting)).toBe('e2')
    await reader.close()
    await writer.close()
  })

  it('wait for what the other process appends', async () => {
    const disk = new SimulatedDisk()
    const writer = await openOn(disk)
    await writer.topic('t').append('e0')
    await disk.pass(100)
    const reader = await openOn(disk, { readOnly: true })
    const found = reader.topic('u').next({ checkpoint: false, follow: true })
    await writer.topic('u').append('at last')
    await disk.pass(500)
    expect(text(await found)).toBe('at last')
    await reader.close()
    await writer.close()
  })
})

describe('options', () => {
  it.each([
    [{ consistencie: 'strict' }, 'consistencie'],
    [{ consistency: 'once' }, 'consistency'],
    [{ consistency: { persistEvery: 0 } }, 'persistEvery'],
    [{ consistency: { persistEvery: 5, everyMs: 0 } }, 'everyMs'],
    [{ consistency: { persistEvery: 5, every: 5 } }, '"every"'],
    [{ maxBatchEntries: 0 }, 'maxBatchEntries'],
    [{ maxBatchBytes: '1' }, 'maxBatchBytes'],
    [{ reclaimEveryMs: 0.5 }, 'reclaimEveryMs'],
    [{ producerWindow: { producers: 0 } }, 'producerWindow.producers'],
    [{ producerWindow: { age: 1 } }, '"age"'],
    [{ retention: 5 }, 'retention'],
    [{ durability: 'sometimes' }, 'durability'],
    [{ segmentBytes: 5 }, 'segmentBytes'],
    [{ key: 5 }, 'key'],
  ])('%j is refused, by name', async (wrong, name) => {
    const opening = openOn(new SimulatedDisk(), wrong as never)
    await expect(opening).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
    await expect(opening).rejects.toThrow(name)
  })

  it('of calls are refused, by name', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    const wrong: [() => unknown, string][] = [
      [() => topic.next({ wait: true } as never), 'wait'],
      [() => topic.next({ checkpoint: 1 } as never), 'checkpoint'],
      [() => topic.next({ timeoutMs: 0 }), 'timeoutMs'],
      [() => topic.next({ follow: true, signal: {} as never }), 'signal'],
      [() => topic.read({ maxEntries: 0 }), 'maxEntries'],
      [() => topic.read({ maxBytes: 0 }), 'maxBytes'],
      [() => topic.read({ from: -1 }), 'from'],
      [() => topic.read({ limit: 1 } as never), 'limit'],
      [() => topic.append('x', { term: 1 } as never), 'term'],
      [() => topic.append('x', { partition: 1 } as never), 'partition'],
      [() => topic.append(5 as never), 'must be a Uint8Array or a string'],
      [() => topic.appendBatch('x' as never), 'array'],
      [() => topic.appendBatch([5 as never]), 'must be a Uint8Array or a string'],
      [() => topic.createCursor('c', 'middle' as never), 'middle'],
      [() => topic.createCursor('c', { position: 5 }), 'position'],
      [() => topic.group('g', { deadline: 5 } as never), 'deadline'],
      [() => topic.group('g', { maxPending: 0 }), 'maxPending'],
      [() => topic.group('g', { deadLetter: { topic: 't', after: 0 } }), 'after'],
      [() => topics.topic(5 as never), 'topic'],
      [() => topics.topic('a\ud83d'), 'well-formed'],
      [() => Topics.open(5 as never, { logger: QUIET }), 'directory'],
    ]
    for (const [call, name] of wrong) {
      const refused = expect(Promise.resolve().then(call)).rejects
      await refused.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(name) as string,
      })
    }
    expect(topics.list()).toEqual([])
    await topics.close()
  })
})

describe('a hundred thousand topics', () => {
  it('take less than 1 KiB of memory each when idle, and no file', async () => {
    const count = 20_000
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { durability: 'none' })
    const used = (): number => {
      globalThis.gc?.()
      return process.memoryUsage().heapUsed
    }
    const before = used()
    const batch = topics.log.batch()
    const writes = topics.within(batch)
    for (let n = 0; n < count; n++) writes.append(`tenant/${n}/events`, 'x')
    await topics.log.commit(batch)
    expect(topics.list()).toHaveLength(count)
    expect(topics.unread()).toBe(count)
    expect([...disk.files()].length).toBeLessThan(10)
    expect(used() - before).toBeGreaterThan(0)
    await topics.close()
    const again = await openOn(disk)
    expect(again.list()).toHaveLength(count)
    expect(text(await again.topic('tenant/19999/events').next())).toBe('x')
    await again.close()
  })
})
