/**
 * What comes again after a crash, and that nothing is ever passed over: a consumer is killed, or loses power, in each
 * call that changes the disk, one after the other.
 */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { Consistency, TopicEntry, Topics } from '../src/index.ts'
import { numbered, openWith, text } from './simulated.ts'

const ENTRIES = 40

/** One life of a consumer: what it does with the topics until the crash. */
type Consume = (topics: Topics, seen: (entries: readonly TopicEntry[]) => void) => Promise<void>

/**
 * Crashes a consumer at every call, and lets another go on.
 * @returns the most entries that came again after a crash
 */
async function again(
  consistency: Consistency,
  consume: Consume,
  how: 'kill' | 'power',
): Promise<number> {
  let most = 0
  const written = new SimulatedDisk({ seed: 1 })
  await written.run(async (storage) => {
    const topics = await openWith(storage)
    await topics.topic('t').appendBatch(numbered(ENTRIES))
    await topics.close()
  })
  for (let call = 0; ; call++) {
    const disk = written.copy({ seed: call })
    disk.crashAt(call, how)
    let before = 0
    const { ended } = await disk.run(async (storage) => {
      const topics = await openWith(storage, { consistency })
      await consume(topics, (entries) => {
        for (const { index } of entries) expect(index).toBe(before++)
      })
      await topics.close()
    })
    if (ended === 'returned') {
      expect(call).toBeGreaterThan(10)
      return most
    }
    const after: number[] = []
    await disk.run(async (storage) => {
      const topics = await openWith(storage, { consistency })
      for (;;) {
        const entry = await topics.topic('t').next()
        if (entry === undefined) break
        expect(text(entry)).toBe(`e${entry.index}`)
        after.push(entry.index)
      }
      await topics.close()
    })
    const first = after[0] ?? ENTRIES
    expect(after).toEqual(Array.from({ length: ENTRIES - first }, (_, n) => first + n))
    // Nothing that was not handed over before the crash is missing.
    expect(first).toBeLessThanOrEqual(before)
    most = Math.max(most, before - first)
  }
}

const oneByOne: Consume = async (topics, seen) => {
  for (;;) {
    const entry = await topics.topic('t').next()
    if (entry === undefined) return
    seen([entry])
  }
}

const inBatches =
  (maxEntries: number): Consume =>
  async (topics, seen) => {
    for (;;) {
      const entries = await topics.topic('t').read({ maxEntries })
      if (entries.length === 0) return
      seen(entries)
    }
  }

const inALoop: Consume = async (topics, seen) => {
  for await (const entry of topics.topic('t').consume()) seen([entry])
}

describe.each(['kill', 'power'] as const)('a consumer that is ended: %s', (how) => {
  it.each([
    ['strictly at once', 'strict', oneByOne, 1],
    ['strictly at once, in a loop', 'strict', inALoop, 1],
    ['strictly at once, in batches', 'strict', inBatches(7), 7],
    ['at least once', { persistEvery: 5 }, oneByOne, 5],
    ['at least once, in a loop', { persistEvery: 5 }, inALoop, 5],
    ['at least once, batches smaller than that', { persistEvery: 10 }, inBatches(3), 10],
    ['at least once, larger batches', { persistEvery: 3 }, inBatches(8), 8],
  ] as const)('%s', async (_name, consistency, consume, bound) => {
    const most = await again(consistency, consume, how)
    expect(most).toBeLessThanOrEqual(bound)
    // Otherwise it was durable before it was handed over, and a crash in between loses it.
    expect(most).toBeGreaterThanOrEqual(1)
  })
})

it('at least once: a cursor that nobody goes on with is written down within its time', async () => {
  const disk = new SimulatedDisk()
  const topics = await openWith(disk.process(), {
    consistency: { persistEvery: 1_000, everyMs: 200 },
  })
  await topics.topic('t').appendBatch(numbered(10))
  for (let n = 0; n < 5; n++) await topics.topic('t').next()
  await disk.pass(300)
  const afterKill = await openWith(disk.copy().process())
  // The last one handed over may not be done.
  expect(text(await afterKill.topic('t').next())).toBe('e4')
  await afterKill.close()
  await topics.close()
})

it('moving a cursor waits for what is being written of where it was', async () => {
  const disk = new SimulatedDisk()
  const topics = await openWith(disk.process(), { consistency: { persistEvery: 2 } })
  const cursor = topics.topic('t').cursor()
  await topics.topic('t').appendBatch(numbered(10))
  await cursor.next()
  // Asking for the second one has the first one written down, in the background.
  let seeking: Promise<void> | undefined
  disk.fault = ({ kind }) => {
    if (kind === 'durable write') seeking ??= cursor.seek('start')
    return undefined
  }
  await cursor.next()
  await disk.pass(100)
  await seeking
  const afterKill = await openWith(disk.copy().process())
  expect(text(await afterKill.topic('t').next())).toBe('e0')
  await afterKill.close()
  await topics.close()
})
