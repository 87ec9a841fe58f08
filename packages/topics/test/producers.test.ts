/** Appends that are tried again come into the topic once. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { numbered, openOn, openWith, texts } from './simulated.ts'

describe('a retry', () => {
  it('is answered with the position of the first try, also over a restart', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk)
    const topic = topics.topic('t')
    await topic.append('other')
    expect(await topic.append('a', { producer: 'p', sequence: 0 })).toBe(1)
    expect(await topic.appendBatch(['b', 'c'], { producer: 'p', sequence: 1 })).toEqual([2, 3])
    expect(await topic.append('a', { producer: 'p', sequence: 0 })).toBe(1)
    expect(await topic.append('a', { producer: 'q', sequence: 0 })).toBe(4)
    expect(await topics.topic('u').append('a', { producer: 'p', sequence: 0 })).toBe(0)
    const again = await openOn(disk.copy())
    const after = again.topic('t')
    expect(await after.appendBatch(['b', 'c'], { producer: 'p', sequence: 1 })).toEqual([2, 3])
    expect(await after.append('d', { producer: 'p', sequence: 2 })).toBe(5)
    expect(texts(await after.read())).toEqual(['other', 'a', 'b', 'c', 'a', 'd'])
    await again.close()
    await topics.close()
  })

  it('of one under way awaits that', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    const by = { producer: 'p', sequence: 7 }
    const tries = [1, 2, 3].map(() => topic.append('a', by))
    expect(await Promise.all(tries)).toEqual([0, 0, 0])
    expect(topic.end).toBe(1)
    await topics.close()
  })

  it('finds its place among appends of others', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    const all: Promise<number>[] = []
    for (let n = 0; n < 50; n++) {
      all.push(topic.append(`plain ${n}`))
      all.push(topic.append(`p ${n}`, { producer: 'p', sequence: n }))
      all.push(topic.append(`q ${n}`, { producer: 'q', sequence: n }))
      if (n % 10 === 9) await Promise.race(all)
    }
    const positions = await Promise.all(all)
    expect(positions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, n) => n))
    for (let n = 0; n < 50; n++) {
      expect(await topic.append('again', { producer: 'p', sequence: n })).toBe(positions[3 * n + 1])
    }
    expect(topic.end).toBe(150)
    await topics.close()
  })
})

describe('what is remembered', () => {
  it('are the last 64 sequences of a producer; an older one is refused, since nobody knows', async () => {
    const topics = await openOn(new SimulatedDisk())
    const topic = topics.topic('t')
    for (let n = 0; n < 70; n++) await topic.append(`${n}`, { producer: 'p', sequence: n })
    expect(await topic.append('again', { producer: 'p', sequence: 6 })).toBe(6)
    await expect(topic.append('again', { producer: 'p', sequence: 5 })).rejects.toMatchObject({
      code: 'WALRUS_SEQUENCE_TOO_OLD',
    })
    expect(topic.end).toBe(70)
    await topics.close()
  })

  it('are as many producers as was said, those heard last', async () => {
    const disk = new SimulatedDisk()
    const options = { producerWindow: { producers: 2 } }
    const topics = await openOn(disk, options)
    const by = (producer: string): Promise<number> =>
      topics.topic('t').append('x', { producer, sequence: 0 })
    expect([await by('a'), await by('b'), await by('c')]).toEqual([0, 1, 2])
    expect([await by('c'), await by('b')]).toEqual([2, 1])
    await topics.close()
    const again = await openOn(disk, options)
    expect(await again.topic('t').append('x', { producer: 'c', sequence: 0 })).toBe(2)
    expect(await again.topic('t').append('x', { producer: 'a', sequence: 0 })).toBe(3)
    await again.close()
  })

  it('is for as long as was said', async () => {
    const disk = new SimulatedDisk()
    const topics = await openOn(disk, { producerWindow: { ageMs: 1_000 } })
    const topic = topics.topic('t')
    const by = { producer: 'p', sequence: 0 }
    expect(await topic.append('x', by)).toBe(0)
    await disk.pass(900)
    expect(await topic.append('x', by)).toBe(0)
    await disk.pass(200)
    expect(await topic.append('x', by)).toBe(1)
    await topics.close()
  })
})

it('needs both a name and a sequence', async () => {
  const topics = await openOn(new SimulatedDisk())
  const topic = topics.topic('t')
  for (const wrong of [{ producer: 'p' }, { sequence: 1 }, { producer: 'p', sequence: -1 }]) {
    await expect(topic.append('x', wrong)).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
  }
  expect(topic.exists).toBe(false)
  await topics.close()
})

it('whenever it crashes, tries until one is answered leave each entry once', async () => {
  for (let call = 0; ; call++) {
    const disk = new SimulatedDisk({ seed: call })
    disk.crashAt(call)
    let done = -1
    const produce = async (storage: ReturnType<SimulatedDisk['process']>): Promise<string[]> => {
      const topics = await openWith(storage)
      const topic = topics.topic('t')
      for (let sequence = done + 1; sequence < 8; sequence++) {
        await topic.append(`e${sequence}`, { producer: 'p', sequence })
        done = sequence
      }
      const entries = texts(await topic.read({ from: 0 }))
      await topics.close()
      return entries as string[]
    }
    const { ended } = await disk.run(produce)
    if (ended === 'returned') {
      expect(call).toBeGreaterThan(10)
      return
    }
    expect((await disk.run(produce)).value).toEqual(numbered(8))
  }
})

it('what was handed over is the caller’s again at once', async () => {
  const topics = await openOn(new SimulatedDisk())
  const topic = topics.topic('t')
  const [plain, tried, batched] = ['one', 'two', 'three'].map((each) => Buffer.from(each))
  const appended = [
    topic.append(plain!),
    topic.append('between'),
    topic.append(tried!, { producer: 'p', sequence: 0 }),
    topic.appendBatch([batched!], { producer: 'p', sequence: 1 }),
  ]
  for (const each of [plain, tried, batched]) each!.fill('.')
  await Promise.all(appended)
  expect(texts(await topic.read())).toEqual(['one', 'between', 'two', 'three'])
  expect(await topic.bytes()).toBe(18)
  await topics.close()
})
