import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Log, type LogEntry } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { LogProcess } from './log-process.ts'
import { isGroup, observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const texts = (entries: readonly LogEntry[]): string[] =>
  entries.map(({ data }) => Buffer.from(data).toString())
const processes: LogProcess[] = []
afterEach(async () => {
  for (const process of processes.splice(0)) await process.kill()
})
function startProcess(): LogProcess {
  const started = new LogProcess(dir())
  processes.push(started)
  return started
}

/** Waits until a reader sees an index: a writer in another process says what is durable a little later. */
async function reaches(reader: Log, index: number): Promise<void> {
  await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBe(index)
}

describe('a reader beside a writer in the same process', () => {
  it('sees what is durable when it is opened and refreshed, and nothing else', async () => {
    const storage = observed()
    const writer = await Log.open(dir(), { storage })
    await writer.append('durable')
    await sleep(20)
    storage.hold = isGroup
    const pending = writer.append('pending')
    await sleep(2)
    const reader = await Log.open(dir(), { readOnly: true })
    expect(texts(await reader.range(1, 9))).toEqual(['durable'])
    await reader.refresh()
    expect(reader.lastIndex).toBe(1)
    storage.release()
    await pending
    expect(reader.lastIndex).toBe(1)
    await sleep(20)
    await reader.refresh()
    expect(texts(await reader.range(1, 9))).toEqual(['durable', 'pending'])
    await reader.close()
    await writer.close()
  })

  it('sees nothing that is only written: under none and an interval it waits for the sync', async () => {
    for (const durability of ['none', { everyMs: 60_000 }] as const) {
      const path = join(dir(), JSON.stringify(durability))
      const writer = await Log.open(path, { durability })
      await writer.append('written')
      const reader = await Log.open(path, { readOnly: true })
      await sleep(15)
      await reader.refresh()
      expect(reader.lastIndex).toBe(0)
      await writer.sync()
      await sleep(15)
      await reader.refresh()
      expect(reader.lastIndex).toBe(1)
      await writer.close()
      await reader.close()
    }
  })

  it('follows over many segments, streams included, and changes nothing on disk', async () => {
    const writer = await Log.open(dir(), { segmentBytes: 65_536 })
    const reader = await Log.open(dir(), { readOnly: true })
    const plain: string[] = []
    const inStream: string[] = []
    const following = [
      (async () => {
        for await (const { data } of reader.entries({ follow: true, to: 120 }))
          plain.push(digest(data))
      })(),
      (async () => {
        const entries = reader.stream('later').entries({ follow: true, to: 39 })
        for await (const { data } of entries) inStream.push(digest(data))
      })(),
    ]
    for (let at = 0; at < 120; at++) {
      await writer.append(numbered(at, 4_000))
      if (at % 3 === 0) await writer.stream('later').append(numbered(at, 3_000))
    }
    await Promise.all(following)
    expect(plain).toEqual(Array.from({ length: 120 }, (_, at) => digest(numbered(at, 4_000))))
    expect(inStream).toEqual(Array.from({ length: 40 }, (_, at) => digest(numbered(at * 3, 3_000))))
    expect(reader.streams()).toEqual(['later'])
    await writer.close()
    const before = readdirSync(dir()).map((name) => [name, statSync(join(dir(), name)).mtimeMs])
    await reader.refresh()
    expect(await reader.range(1, 200)).toHaveLength(120)
    await reader.close()
    const after = readdirSync(dir()).map((name) => [name, statSync(join(dir(), name)).mtimeMs])
    expect(after).toEqual(before)
  })

  it('goes on over a clean close and a new writer', async () => {
    const reading: number[] = []
    const first = await Log.open(dir())
    await first.append('1')
    const reader = await Log.open(dir(), { readOnly: true })
    const following = (async () => {
      for await (const { index } of reader.entries({ follow: true, to: 30 })) reading.push(index)
    })()
    await first.append('2')
    await first.close()
    for (let opening = 0; opening < 4; opening++) {
      const writer = await Log.open(dir(), { segmentBytes: 65_536 })
      for (let at = 0; at < 7; at++) await writer.append(numbered(at, 20_000))
      await writer.close()
    }
    await following
    expect(reading).toEqual(Array.from({ length: 30 }, (_, at) => at + 1))
    await reader.close()
  })
})

describe('a reader beside a writer in another process', () => {
  it('sees what that one has made durable', async () => {
    const writer = startProcess()
    await writer.open({ segmentBytes: 65_536 })
    await writer.tell('append', ['a', 'b'])
    const reader = await Log.open(dir(), { readOnly: true })
    await reaches(reader, 2)
    expect(texts(await reader.range(1, 9))).toEqual(['a', 'b'])
    const next = reader.entries({ from: 3, follow: true }).next()
    await writer.tell('appendMany', { count: 20, size: 10_000 })
    expect((await next).value!.data).toHaveLength(10_000)
    await writer.tell('appendToStream', { name: 's', text: 'in a stream' })
    await reaches(reader, 22)
    const stream = reader.stream('s')
    await expect.poll(() => reader.refresh().then(() => stream.next)).toBe(1)
    expect(texts(await stream.range(0, 0))).toEqual(['in a stream'])
    await reader.close()
  })

  it('sees what a killed writer left, and what the next one appends', async () => {
    const first = startProcess()
    await first.open({ durability: 'none', segmentBytes: 65_536 })
    await first.tell('append', ['synced'])
    await first.tell('sync')
    const reader = await Log.open(dir(), { readOnly: true })
    await reaches(reader, 1)
    await first.tell('append', ['only written'])
    await reader.refresh()
    expect(reader.lastIndex).toBe(1)
    await first.kill()
    await reader.refresh()
    expect(texts(await reader.range(1, 9))).toEqual(['synced', 'only written'])

    const following = reader.entries({ from: 3, follow: true }).next()
    const second = startProcess()
    await second.open()
    await second.tell('append', ['by the next'])
    expect(texts([(await following).value!])).toEqual(['by the next'])
    expect(texts(await reader.range(1, 9))).toEqual(['synced', 'only written', 'by the next'])
    await reader.close()
  })

  it('opened after the writer was killed sees all that is whole, and repairs nothing', async () => {
    const writer = startProcess()
    await writer.open({ segmentBytes: 65_536 })
    await writer.tell('appendMany', { count: 30, size: 5_000 })
    await writer.kill()
    const before = readdirSync(dir()).map((name) => [name, statSync(join(dir(), name)).mtimeMs])
    const reader = await Log.open(dir(), { readOnly: true })
    expect(reader.recovery.clean).toBe(false)
    expect(await reader.range(1, 99)).toHaveLength(30)
    await reader.refresh()
    await reader.close()
    const after = readdirSync(dir()).map((name) => [name, statSync(join(dir(), name)).mtimeMs])
    expect(after).toEqual(before)
  })

  it('reads next to nothing while it waits where no writer is', async () => {
    const writer = startProcess()
    await writer.open()
    await writer.tell('appendMany', { count: 10, size: 50_000 })
    await writer.kill()
    const storage = observed()
    const reader = await Log.open(dir(), { readOnly: true, storage })
    await reader.refresh()
    const stop = new AbortController()
    const waiting = reader.entries({ from: 11, follow: true, signal: stop.signal }).next()
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'WALRUS_ABORTED' })
    await sleep(50)
    const before = storage.calls.length
    await sleep(200)
    const read = storage.calls.slice(before).filter(({ what }) => what === 'read')
    expect(read.length).toBeGreaterThan(1)
    expect(read.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(20 * 1_024)
    stop.abort()
    await outcome
    await reader.close()
  })

  it('many times at once, while the writer rotates and is killed again and again', async () => {
    let last = 0
    for (let round = 0; round < 3; round++) {
      const writer = startProcess()
      await writer.open({ segmentBytes: 65_536 })
      const appending = writer.tell('appendMany', { count: 40, size: 9_000 })
      while (last < (round + 1) * 40) {
        const reader = await Log.open(dir(), { readOnly: true })
        const entries = await reader.range(1, 1_000)
        expect(entries.map(({ index }) => index)).toEqual(entries.map((_, at) => at + 1))
        expect(entries.length).toBeGreaterThanOrEqual(last)
        last = entries.length
        await reader.close()
      }
      await appending
      await writer.kill()
    }
  })
})
