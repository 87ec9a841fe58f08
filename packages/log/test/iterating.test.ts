import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Log, type LogEntry } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { numbered } from './payloads.ts'

const dir = freshDirectory()
const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

async function indexes(entries: AsyncIterable<LogEntry>): Promise<number[]> {
  const all: number[] = []
  for await (const { index } of entries) all.push(index)
  return all
}

/** A log of `count` entries of 500 bytes over several segments. */
async function filled(count: number): Promise<Log> {
  const log = await Log.open(dir(), { segmentBytes: 65_536, durability: 'none' })
  for (let index = 1; index <= count; index++) log.appendSync(numbered(index, 500))
  return log
}

describe('entries', () => {
  it('gives all there is, from and to both included', async () => {
    const log = await filled(1_000)
    expect(log.stats().segments).toBeGreaterThan(4)
    expect(await indexes(log.entries())).toEqual(upTo(1, 1_000))
    expect(await indexes(log.entries({ from: 990 }))).toEqual(upTo(990, 1_000))
    expect(await indexes(log.entries({ to: 3 }))).toEqual([1, 2, 3])
    expect(await indexes(log.entries({ from: 110, to: 390 }))).toEqual(upTo(110, 390))
    expect(await indexes(log.entries({ from: 5, to: 5 }))).toEqual([5])
    expect(await indexes(log.entries({ from: 0, to: 2 ** 53 - 2 }))).toEqual(upTo(1, 1_000))
    expect(await indexes(log.entries({ from: 6, to: 5 }))).toEqual([])
    expect(await indexes(log.entries({ from: 1_001 }))).toEqual([])
    await log.close()
  })

  it('ends where the log ended when it came there, and stays ended', async () => {
    const log = await filled(10)
    const iterator = log.entries()
    expect(await indexes(iterator)).toEqual(upTo(1, 10))
    await log.append('later')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    await log.close()
  })

  it('answers calls of next in their order, also those that come before the one before is answered', async () => {
    const log = await filled(700)
    const iterator = log.entries()
    const answers = await Promise.all(Array.from({ length: 702 }, () => iterator.next()))
    expect(answers.map(({ value }) => value?.index)).toEqual([
      ...upTo(1, 700),
      undefined,
      undefined,
    ])
    expect(answers.at(-1)).toEqual({ done: true, value: undefined })
    await log.close()
  })

  it('can run twice at once', async () => {
    const log = await filled(900)
    const [one, two] = [log.entries(), log.entries({ from: 100 })]
    const seen: number[] = []
    for await (const { index } of one) {
      seen.push(index)
      if (index % 2 === 0) await two.next()
    }
    expect(seen).toEqual(upTo(1, 900))
    expect((await two.next()).value!.index).toBe(100 + 450)
    await two.return!()
    await log.close()
  })

  it('reads ahead by one batch, and no further', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, segmentBytes: 2 ** 21, durability: 'none' })
    for (let index = 1; index <= 3_000; index++) log.appendSync(numbered(index, 500))
    const iterator = log.entries()
    const before = storage.calls.length
    await iterator.next()
    await sleep(20)
    const reads = storage.calls.slice(before).filter(({ what }) => what === 'read')
    expect(reads).toHaveLength(2)
    expect(Math.max(...reads.map(({ length }) => length))).toBeLessThan(300_000)
    await iterator.return!()
    await log.close()
  })

  it('ends with a break, and can then be begun anew', async () => {
    const log = await filled(600)
    const iterator = log.entries()
    for await (const { index } of iterator) if (index === 3) break
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    expect(await indexes(log.entries({ from: 4, to: 6 }))).toEqual([4, 5, 6])
    await log.close()
  })

  it('ends with WALRUS_CLOSED when the log is closed before it is through', async () => {
    const log = await filled(2_000)
    const iterator = log.entries()
    await iterator.next()
    await log.close()
    await expect(indexes(iterator)).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
})

describe('entries with follow', () => {
  it('waits at the end, and gives what comes', async () => {
    const log = await filled(5)
    const seen: number[] = []
    const following = (async () => {
      for await (const { index } of log.entries({ from: 4, follow: true, to: 405 }))
        seen.push(index)
    })()
    await expect.poll(() => seen).toEqual([4, 5])
    for (let index = 6; index <= 400; index++) await log.append(numbered(index, 500))
    await log.appendBatch(['a', 'b', 'c', 'd', 'e', 'f'])
    await following
    expect(seen).toEqual(upTo(4, 405))
    await log.close()
  })

  it('sees what appendSync leaves in memory, once the event loop turns', async () => {
    const log = await Log.open(dir(), { durability: 'none' })
    const iterator = log.entries({ follow: true })
    const next = iterator.next()
    await sleep(1)
    log.appendSync('a')
    expect((await next).value!.index).toBe(1)
    await iterator.return!()
    await log.close()
  })

  it('waits for the first entry of a stream that does not exist yet', async () => {
    const log = await Log.open(dir())
    const next = log.stream('later').entries({ follow: true }).next()
    await sleep(1)
    await log.append('not this one')
    await log.stream('later').append('this one')
    expect(Buffer.from((await next).value!.data).toString()).toBe('this one')
    await log.close()
  })

  it('can be left with a break while it waits for more', async () => {
    const log = await filled(2)
    const seen: number[] = []
    for await (const { index } of log.entries({ follow: true })) {
      seen.push(index)
      if (index === 2) break
    }
    expect(seen).toEqual([1, 2])
    await log.close()
  })

  it('answers a next that waits when it is left', async () => {
    const log = await filled(1)
    const iterator = log.entries({ from: 2, follow: true })
    const waiting = iterator.next()
    await sleep(1)
    await iterator.return!()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await log.close()
  })

  it('ends with WALRUS_CLOSED when the log is closed', async () => {
    const log = await filled(1)
    const waiting = log.entries({ from: 2, follow: true }).next()
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await sleep(1)
    await log.close()
    await outcome
  })
})

describe('a signal', () => {
  it('ends the iteration at once, also with entries at hand', async () => {
    const log = await filled(100)
    const stop = new AbortController()
    const seen: number[] = []
    const why = new Error('enough')
    const iterating = async (): Promise<void> => {
      for await (const { index } of log.entries({ signal: stop.signal })) {
        seen.push(index)
        if (index === 10) stop.abort(why)
      }
    }
    await expect(iterating()).rejects.toMatchObject({
      name: 'AbortError',
      code: 'WALRUS_ABORTED',
      cause: why,
    })
    expect(seen).toEqual(upTo(1, 10))
    await log.close()
  })

  it('ends the wait for more', async () => {
    const log = await filled(1)
    const stop = new AbortController()
    const iterator = log.entries({ from: 2, follow: true, signal: stop.signal })
    const waiting = iterator.next()
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'WALRUS_ABORTED' })
    await sleep(1)
    stop.abort()
    await outcome
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    await log.close()
  })

  it('that was aborted before lets nothing through', async () => {
    const log = await filled(1)
    const entries = log.entries({ signal: AbortSignal.abort() })
    await expect(indexes(entries)).rejects.toMatchObject({ code: 'WALRUS_ABORTED' })
    await log.close()
  })

  it('used for many iterations and appends is left with no listeners', async () => {
    const log = await filled(10)
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener, signal.removeEventListener]
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners++
      add.apply(signal, given)
    }
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners--
      remove.apply(signal, given)
    }
    for (let round = 0; round < 3; round++) {
      await indexes(log.entries({ signal }))
      for await (const { index } of log.entries({ signal, follow: true })) if (index === 10) break
      await log.append('more', { signal })
    }
    expect(listeners).toBe(0)
    await log.close()
  })
})
