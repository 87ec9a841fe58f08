import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const text = ({ data }: { data: Uint8Array }): string => Buffer.from(data).toString()

describe('a named stream', () => {
  it('has positions of its own from 0, over segments and reopening', async () => {
    const options = { segmentBytes: 65_536 }
    const names = ['a', 'b', 'c']
    const counts = new Map(names.map((name) => [name, 0]))
    let plain = 0
    for (let opening = 0; opening < 3; opening++) {
      const log = await Log.open(dir(), options)
      const appended: Promise<number>[] = []
      const expected: number[] = []
      for (let at = 0; at < 150; at++) {
        const name = names[(at * 7) % 5]
        if (name === undefined) {
          appended.push(log.append(numbered(plain, 900)))
          expected.push(++plain)
        } else {
          const position = counts.get(name)!
          appended.push(log.stream(name).append(numbered(position, 900)))
          expected.push(position)
          counts.set(name, position + 1)
        }
      }
      expect(await Promise.all(appended)).toEqual(expected)
      expect(log.lastIndex).toBe(plain)
      await log.close()
    }
    const log = await Log.open(dir(), options)
    expect(log.stats().segments).toBeGreaterThan(5)
    expect(log.streams()).toEqual(['a', 'c', 'b'])
    for (const [name, count] of counts) {
      const stream = log.stream(name)
      expect([stream.name, stream.first, stream.next]).toEqual([name, 0, count])
      const read = await stream.range(0, 1_000)
      expect(read.map(({ index }) => index)).toEqual(read.map((_, at) => at))
      expect(read.map(({ data }) => digest(data))).toEqual(
        Array.from({ length: count }, (_, at) => digest(numbered(at, 900))),
      )
    }
    await log.close()
  })

  it('offers all that the plain log does', async () => {
    const log = await Log.open(dir())
    const stream = log.stream('orders')
    expect(await stream.append('zero', { term: 5n })).toBe(0)
    expect(stream.appendSync('one')).toBe(1)
    expect(await stream.appendBatch(['two', { data: 'three', transactionId: 'tx' }])).toEqual([
      2, 3,
    ])
    expect((await stream.get(0)).term).toBe(5n)
    expect(stream.getSync(3).transactionId).toBe('tx')
    expect((await stream.range(1, 2)).map(text)).toEqual(['one', 'two'])
    expect((await stream.read({ from: 2, maxEntries: 1 })).map(text)).toEqual(['two'])
    const seen: string[] = []
    for await (const entry of stream.entries({ from: 1 })) seen.push(text(entry))
    expect(seen).toEqual(['one', 'two', 'three'])
    expect(log.lastIndex).toBe(0)
    await log.close()
  })

  it('appears with its first entry, in the order of the first entries, not of the first mention', async () => {
    const log = await Log.open(dir())
    expect(log.stream('mentioned').next).toBe(0)
    await log.stream('second').appendBatch([])
    expect(log.streams()).toEqual([])
    await log.stream('first').append('')
    await log.stream('second').append('')
    await log.stream('first').append('')
    await log.stream('mentioned').append('')
    expect(log.streams()).toEqual(['first', 'second', 'mentioned'])
    expect(log.stats().streams).toBe(3)
    await log.close()
    const again = await Log.open(dir())
    expect(again.streams()).toEqual(['first', 'second', 'mentioned'])
    await again.close()
  })

  it('keeps the same order when its first append was refused, or given up', async () => {
    const storage = observed()
    const options = { storage, maxEntryBytes: 50_000, bufferBytes: 65_536 }
    const log = await Log.open(dir(), options)
    await expect(log.stream('a').append(new Uint8Array(50_001))).rejects.toThrow('larger than')
    storage.hold = isGroup
    const first = log.append(new Uint8Array(50_000))
    const givenUp = log.stream('a').append(new Uint8Array(50_000), { timeoutMs: 1 })
    await expect(givenUp).rejects.toThrow('nothing was written')
    storage.release()
    await first
    await log.stream('b').append('')
    await log.stream('a').append('')
    expect(log.streams()).toEqual(['b', 'a'])
    await log.close()
    const again = await Log.open(dir())
    expect(again.streams()).toEqual(['b', 'a'])
    await again.close()
  })

  it('shares commit groups with the others', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await Promise.all(['a', 'b', 'c', 'a'].map((name) => log.stream(name).append('x')))
    expect(storage.groups()).toHaveLength(1)
    await log.close()
  })

  it('shows nothing that is not acknowledged', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    const stream = log.stream('s')
    await stream.append('acknowledged')
    storage.hold = isGroup
    const appended = [stream.append('not yet'), log.stream('t').append('neither')]
    await sleep(2)
    expect(stream.next).toBe(1)
    expect(log.stream('t').next).toBe(0)
    await expect(stream.get(1)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })
    expect(await stream.read({ from: 1 })).toEqual([])
    storage.release()
    await Promise.all(appended)
    expect(stream.next).toBe(2)
    expect(text(await log.stream('t').get(0))).toBe('neither')
    await log.close()
  })
})

describe('the name of a stream', () => {
  it('is data: any well-formed text of up to 1,280 bytes', async () => {
    const names = [
      'x',
      ' ',
      '../../etc/passwd',
      'a/b\\c',
      '\0',
      'NUL:',
      '🐋'.repeat(320),
      'é',
      'e\u0301',
      '__proto__',
      'TAIL',
    ]
    const log = await Log.open(dir(), { segmentBytes: 65_536 })
    for (const name of names) await log.stream(name).append(name)
    for (let at = 0; at < 10; at++) await log.append(new Uint8Array(30_000))
    expect(log.streams()).toEqual(names)
    await log.close()
    const again = await Log.open(dir())
    expect(again.streams()).toEqual(names)
    for (const name of names) expect(text(await again.stream(name).get(0))).toBe(name)
    await again.close()
  })

  it.each([
    ['', 'must be a non-empty string, got ""'],
    ['x'.repeat(1_281), 'may have 1280 bytes of UTF-8, got 1281'],
    [`${'🐋'.repeat(320)}x`, 'may have 1280 bytes of UTF-8, got 1281'],
    ['a\ud83d', 'must be well-formed Unicode'],
    [5, 'must be a non-empty string, got 5'],
    [undefined, 'must be a non-empty string, got undefined'],
    [Symbol('s'), 'must be a non-empty string, got Symbol(s)'],
    [7n, 'must be a non-empty string, got 7'],
    [Object.create(null), 'must be a non-empty string, got an object'],
  ])('is refused (%#)', async (name, message) => {
    const log = await Log.open(dir())
    expect(() => log.stream(name as string)).toThrow(
      expect.objectContaining({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(message),
      }),
    )
    await log.close()
  })
})

describe('very many streams', () => {
  it.each<Durability>(['commit', 'none'])(
    'a thousand are kept apart, under %j',
    async (durability) => {
      const log = await Log.open(dir(), { durability, segmentBytes: 65_536 })
      const names = Array.from({ length: 1_000 }, (_, at) => `stream number ${at}`)
      for (let round = 0; round < 3; round++) {
        const appended = names.map((name, at) => log.stream(name).append(`${at} in ${round}`))
        expect(new Set(await Promise.all(appended))).toEqual(new Set([round]))
      }
      expect(log.streams()).toEqual(names)
      await log.close()
      const again = await Log.open(dir(), { durability })
      expect(again.streams()).toEqual(names)
      for (const at of [0, 1, 500, 999]) {
        const read = await again.stream(names[at]!).range(0, 9)
        expect(read.map(text)).toEqual([0, 1, 2].map((round) => `${at} in ${round}`))
      }
      expect(await again.stream('stream number 77').append('next')).toBe(3)
      await again.close()
    },
  )

  it('that were only asked for cost nothing', async () => {
    const log = await Log.open(dir())
    await log.stream('real').append('x')
    await log.close()
    const storage = observed()
    const again = await Log.open(dir(), { storage })
    for (let at = 0; at < 10_000; at++) expect(again.stream(`guess ${at}`).next).toBe(0)
    await again.stream('second').append('x')
    // The number a stream gets: those that were asked for have used none up.
    const [group] = storage.groups()
    expect(Buffer.from(group!.bytes).readUInt32LE(64 + 24)).toBe(17)
    await again.close()
  })
})

describe('a stream over many segments', () => {
  it('is read on from where it was read before, and its end is looked for only once', async () => {
    const log = await Log.open(dir(), { segmentBytes: 65_536, durability: 'none' })
    for (let at = 0; at < 200; at++) {
      log.appendSync(numbered(at, 60_000))
      if (at < 150) log.stream('s').appendSync(`${at}`)
    }
    await log.close()
    const storage = observed()
    const again = await Log.open(dir(), { storage })
    const opened = (from: number): number =>
      storage.calls.slice(from).filter(({ what }) => what === 'open').length
    const stream = again.stream('s')
    expect(stream.next).toBe(150)
    const before = storage.calls.length
    const seen: string[] = []
    for await (const entry of stream.entries()) seen.push(text(entry))
    expect(seen).toEqual(Array.from({ length: 150 }, (_, at) => `${at}`))
    // To the beginning once, and from there on: each segment's file and index.
    expect(opened(before)).toBeLessThan(2 * 200 + 2 * 150 + 20)
    const after = storage.calls.length
    for (let at = 0; at < 20; at++) {
      expect(text(await stream.get(149 - at))).toBe(`${149 - at}`)
      expect(stream.next).toBe(150)
    }
    expect(opened(after)).toBeLessThan(60)
    for (const at of [0, 75, 149, 3, 100]) expect(text(await stream.get(at))).toBe(`${at}`)
    expect(await stream.append('new')).toBe(150)
    expect(text(await stream.get(150))).toBe('new')
    expect(text(await stream.get(0))).toBe('0')
    await again.close()
  })
})

describe('the catalog', () => {
  it('is written anew now and then, so that opening reads the end of the log alone', async () => {
    const options = { segmentBytes: 65_536 }
    const log = await Log.open(dir(), options)
    const names = Array.from({ length: 20 }, (_, at) => `s${at}`)
    for (const name of names) await log.stream(name).append('first')
    for (let at = 0; at < 120; at++) {
      await log.stream(names[at % 7]!).append(numbered(at, 30_000))
    }
    expect(log.stats().segments).toBeGreaterThan(50)
    await log.close()
    const storage = observed()
    const again = await Log.open(dir(), { ...options, storage })
    const opened = new Set(
      storage.calls.filter(({ what }) => what === 'read').map(({ file }) => file),
    )
    expect([...opened].filter((name) => name.endsWith('.seg')).length).toBeLessThan(5)
    expect(again.streams()).toEqual(names)
    for (const [at, name] of names.entries()) {
      const entries = Math.ceil((120 - at) / 7)
      expect(again.stream(name).next).toBe(at < 7 ? 1 + entries : 1)
      expect(text(await again.stream(name).get(0))).toBe('first')
    }
    await again.close()
  })
})
