/** Truncating a stream at its end and at its front: what is left, what comes next, and what readers get. */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SimulatedDisk } from '@walrus/storage-sim'
import { afterEach, describe, expect, it } from 'vitest'
import { inspect, Log, type LogEntry, type LogOptions, type Stream, verify } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'
import { runOn } from './simulated.ts'

const dir = freshDirectory()
const open: Log[] = []
afterEach(async () => {
  for (const log of open.splice(0)) await log.close()
})

async function openLog(options: LogOptions = {}): Promise<Log> {
  const log = await Log.open(dir(), { segmentBytes: 65_536, ...options })
  open.push(log)
  return log
}

async function reopen(log: Log, options: LogOptions = {}): Promise<Log> {
  await log.close()
  return await openLog(options)
}

/** Entries of 10,000 bytes that begin with their label: about six to a segment. */
function labelled(label: string, size = 10_000): Uint8Array {
  const bytes = Buffer.alloc(size)
  bytes.write(`${label};`)
  return bytes
}

const labelOf = ({ data }: LogEntry): string => Buffer.from(data).toString().split(';')[0]!

async function appendAll(
  to: Log | Stream,
  labels: readonly string[],
  size?: number,
): Promise<void> {
  for (const label of labels) await to.append(labelled(label, size))
}

function numbers(from: number, to: number, mark = ''): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `${from + at}${mark}`)
}

/** All that can be read, in every way there is; they must say the same. */
async function contentsOf(stream: Log | Stream): Promise<string[]> {
  const iterated: string[] = []
  const indexes: number[] = []
  for await (const entry of stream.entries()) {
    iterated.push(labelOf(entry))
    indexes.push(entry.index)
  }
  const ranged = await stream.range(0, 1_000_000)
  expect(ranged.map(labelOf)).toEqual(iterated)
  for (const [at, index] of indexes.entries()) {
    expect(index).toBe(indexes[0]! + at)
    expect(labelOf(await stream.get(index))).toBe(iterated[at])
    expect(labelOf(stream.getSync(index))).toBe(iterated[at])
  }
  return iterated
}

const SUBJECTS = [
  ['the plain log', (log: Log): Log | Stream => log, 1],
  ['a named stream', (log: Log): Log | Stream => log.stream('named'), 0],
] as const

describe.each(SUBJECTS)('truncating the end of %s', (_, of, start) => {
  it.each([
    ['in the segment that is being written', 20, 18],
    ['across segments', 20, 9],
    ['to its first entry', 20, 0],
  ])(
    'keeps what was to be kept, and gives the positions again (%s)',
    async (_where, count, keep) => {
      let log = await openLog()
      await appendAll(of(log), numbers(0, count - 1))
      await of(log).truncate(start + keep)
      expect(await contentsOf(of(log))).toEqual(numbers(0, keep))
      expect(await of(log).append(labelled('next'))).toBe(start + keep + 1)
      await appendAll(of(log), numbers(keep + 2, count + 4, "'"))
      const expected = [...numbers(0, keep), 'next', ...numbers(keep + 2, count + 4, "'")]
      expect(await contentsOf(of(log))).toEqual(expected)
      log = await reopen(log)
      expect(await contentsOf(of(log))).toEqual(expected)
      for (const name of readdirSync(dir())) if (name.endsWith('.idx')) rmSync(join(dir(), name))
      log = await reopen(log)
      expect(await contentsOf(of(log))).toEqual(expected)
    },
  )

  it('can empty it, and the next entry gets the first position again', async () => {
    let log = await openLog()
    await appendAll(of(log), numbers(0, 12))
    await of(log).truncate(start - 1)
    expect(await contentsOf(of(log))).toEqual([])
    log = await reopen(log)
    expect(await contentsOf(of(log))).toEqual([])
    expect(await of(log).append('again')).toBe(start)
  })

  it('can be done again and again, at any depth, over segments and openings', async () => {
    let log = await openLog()
    const expected: string[] = []
    const keeps = [30, 12, 25, 3, 14, 14, 2, 9, 7, 28, 1]
    for (const [turn, keep] of keeps.entries()) {
      while (expected.length < keep + 6) {
        const label = `${turn}-${expected.length}`
        expect(await of(log).append(labelled(label))).toBe(start + expected.length)
        expected.push(label)
      }
      await of(log).truncate(start + keep)
      expected.length = keep + 1
      expect(await contentsOf(of(log))).toEqual(expected)
      if (turn % 3 === 2) log = await reopen(log)
      expect(await contentsOf(of(log))).toEqual(expected)
    }
    const reader = await Log.open(dir(), { readOnly: true })
    open.push(reader)
    const { durable } = log.marks
    await expect.poll(() => reader.refresh().then(() => reader.marks.durable)).toBe(durable)
    expect(await contentsOf(of(reader))).toEqual(expected)
    await log.close()
    expect((await verify(dir())).damage).toEqual([])
  })

  it('does nothing at or beyond the last entry, and refuses what was removed from the front', async () => {
    const log = await openLog()
    await appendAll(of(log), numbers(0, 4), 10)
    const { sequenced } = log.marks
    await of(log).truncate(start + 4)
    await of(log).truncate(start + 400)
    expect(log.marks.sequenced).toBe(sequenced)
    await of(log).truncateFront(start + 3)
    await expect(of(log).truncate(start + 1)).rejects.toMatchObject({
      code: 'WALRUS_INDEX_OUT_OF_RANGE',
      index: start + 1,
    })
    await of(log).truncate(start + 2)
    expect(await contentsOf(of(log))).toEqual([])
    expect(await of(log).append('x')).toBe(start + 3)
  })

  it('takes its place among the appends', async () => {
    const log = await openLog()
    const before = [of(log).append('a'), of(log).append('b'), of(log).append('c')]
    const cut = of(log).truncate(start)
    const after = [of(log).append('B'), of(log).append('C')]
    expect(await Promise.all(before)).toEqual([start, start + 1, start + 2])
    expect(await Promise.all(after)).toEqual([start + 1, start + 2])
    await cut
    expect(await contentsOf(of(log))).toEqual(['a', 'B', 'C'])
  })
})

describe.each(SUBJECTS)('truncating the front of %s', (_, of, start) => {
  it('drops what lies before, and renumbers nothing', async () => {
    let log = await openLog()
    await appendAll(of(log), numbers(0, 20))
    await of(log).truncateFront(start + 13)
    expect(await contentsOf(of(log))).toEqual(numbers(13, 20))
    await expect(of(log).get(start + 12)).rejects.toMatchObject({
      code: 'WALRUS_INDEX_OUT_OF_RANGE',
    })
    log = await reopen(log)
    expect(await contentsOf(of(log))).toEqual(numbers(13, 20))
    expect(await of(log).append('x')).toBe(start + 21)
  })

  it('can empty it without losing the last index', async () => {
    let log = await openLog()
    await appendAll(of(log), numbers(0, 20))
    await of(log).truncateFront(start + 21)
    expect(await contentsOf(of(log))).toEqual([])
    expect([log.firstIndex, log.lastIndex]).toEqual([0, 0])
    await appendAll(log.stream('other'), numbers(0, 20))
    log = await reopen(log)
    expect(await contentsOf(of(log))).toEqual([])
    expect(await of(log).append('x')).toBe(start + 21)
    if (start === 1) expect([log.firstIndex, log.lastIndex, log.nextIndex]).toEqual([22, 22, 23])
  })

  it('does nothing at or below the first, and refuses what is beyond the end', async () => {
    const log = await openLog()
    await appendAll(of(log), numbers(0, 4), 10)
    await of(log).truncateFront(start + 2)
    const { sequenced } = log.marks
    await of(log).truncateFront(start + 2)
    await of(log).truncateFront(start)
    expect(log.marks.sequenced).toBe(sequenced)
    await expect(of(log).truncateFront(start + 6)).rejects.toMatchObject({
      code: 'WALRUS_INDEX_OUT_OF_RANGE',
    })
    expect(await contentsOf(of(log))).toEqual(['2', '3', '4'])
  })

  it('goes with truncating the end', async () => {
    let log = await openLog()
    await appendAll(of(log), numbers(0, 30))
    await of(log).truncateFront(start + 10)
    await of(log).truncate(start + 20)
    await of(log).truncateFront(start + 15)
    await appendAll(of(log), numbers(21, 40, "'"))
    await of(log).truncate(start + 25)
    const expected = [...numbers(15, 20), ...numbers(21, 25, "'")]
    expect(await contentsOf(of(log))).toEqual(expected)
    log = await reopen(log)
    expect(await contentsOf(of(log))).toEqual(expected)
  })
})

describe('a truncation', () => {
  it('refuses what is no index, a log opened for reading, and a closed one', async () => {
    const log = await openLog()
    await log.append('a')
    const invalid = { code: 'WALRUS_INVALID_OPTION' }
    await expect(log.truncate(-2)).rejects.toMatchObject(invalid)
    await expect(log.truncate(0.5)).rejects.toMatchObject(invalid)
    await expect(log.truncateFront(-1)).rejects.toMatchObject(invalid)
    await expect(log.truncate(0, { timeout: 1 } as object)).rejects.toMatchObject(invalid)
    const reader = await Log.open(dir(), { readOnly: true })
    open.push(reader)
    await expect(reader.truncate(0)).rejects.toMatchObject({ code: 'WALRUS_READ_ONLY' })
    await log.close()
    await expect(log.truncateFront(1)).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
  })

  it('gives a stream that has no entries nothing to do', async () => {
    const log = await openLog()
    const { sequenced } = log.marks
    await log.stream('new').truncate(5)
    await log.stream('new').truncateFront(0)
    expect(log.marks.sequenced).toBe(sequenced)
    expect(log.streams()).toEqual([])
  })

  it('stands in the log as one frame in a group of its own', async () => {
    const log = await openLog()
    await log.appendBatch(['a', 'b', 'c'])
    await Promise.all([log.append('d'), log.truncate(2), log.append('C')])
    await log.close()
    const groups: number[][] = []
    for await (const item of inspect(dir())) {
      if (item.type === 'group') groups.push([])
      if (item.type === 'frame') groups.at(-1)!.push(item.kind)
    }
    expect(groups).toEqual([[1, 1, 1], [1], [4], [1]])
  })

  it('is gone through by verify, which gives the indexes that are left', async () => {
    const log = await openLog()
    await appendAll(log, numbers(0, 20))
    await log.truncate(15)
    await log.truncateFront(4)
    await log.close()
    expect(await verify(dir())).toMatchObject({ ok: true, firstIndex: 4, lastIndex: 15 })
  })

  it('that is under way cannot be seen half: the old entries are gone, and none is in their place', async () => {
    const storage = observed()
    const log = await openLog({ storage })
    await log.appendBatch(['a', 'b', 'c', 'd'])
    storage.hold = isGroup
    const cut = log.truncate(2)
    const again = log.append('C')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(log.lastIndex).toBe(2)
    await expect(log.get(3)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })
    storage.hold = undefined
    storage.release()
    await Promise.all([cut, again])
    expect(await contentsOf(log)).toEqual(['a', 'b', 'C'])
  })
})

describe('a truncation that finds the disk full', () => {
  it.each([
    ['in one segment', 5, 3],
    ['across segments', 16, 4],
  ])(
    'is undone, and the log goes on as if it had not been asked for (%s)',
    async (_, count, keep) => {
      const disk = new SimulatedDisk({ zeroAhead: false })
      await runOn(disk, async (storage) => {
        const log = await Log.open('/log', { storage, segmentBytes: 65_536 })
        const stream = log.stream('s')
        await appendAll(log, numbers(1, count))
        await appendAll(stream, numbers(0, count))
        const { sequenced } = log.marks
        disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
        const full = { code: 'WALRUS_DISK_FULL' }
        const refused = [
          log.truncate(keep),
          log.append('x'),
          stream.truncate(keep),
          stream.truncateFront(keep),
          stream.append('y'),
        ]
        for (const each of refused) await expect(each).rejects.toMatchObject(full)
        disk.fault = undefined
        expect(log.marks.sequenced).toBe(sequenced)
        expect(await contentsOf(log)).toEqual(numbers(1, count))
        expect(await contentsOf(stream)).toEqual(numbers(0, count))
        expect(await log.append(labelled(`${count + 1}`))).toBe(count + 1)
        await log.truncate(keep)
        await stream.truncateFront(keep)
        expect(await log.append(labelled('new'))).toBe(keep + 1)
        const expected = [[...numbers(1, keep), 'new'], numbers(keep, count)]
        expect([await contentsOf(log), await contentsOf(stream)]).toEqual(expected)
        await log.close()
        const again = await Log.open('/log', { storage })
        expect([await contentsOf(again), await contentsOf(again.stream('s'))]).toEqual(expected)
        await again.close()
      })
    },
  )
})

describe('who reads what is truncated', () => {
  it('and follows gets a coded error, also when other entries have taken the place', async () => {
    const log = await openLog()
    await appendAll(log, numbers(1, 8), 10)
    const entries = log.entries({ follow: true })
    for (let at = 1; at <= 8; at++) expect((await entries.next()).value!.index).toBe(at)
    const ninth = entries.next()
    await log.truncate(5)
    await appendAll(log, numbers(6, 12, "'"), 10)
    await expect(ninth).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY', index: 9 })
    await expect(ninth).rejects.toThrow(/index 9 of the plain log .* 1 to \d+ are left/)
    expect((await entries.next()).done).toBe(true)
  })

  it('gets no entry that was read ahead and cut since', async () => {
    const log = await openLog()
    const stream = log.stream('s')
    await appendAll(stream, numbers(0, 9), 10)
    const entries = stream.entries()
    expect(labelOf((await entries.next()).value!)).toBe('0')
    await stream.truncate(4)
    await appendAll(stream, ["5'"], 10)
    for (const label of numbers(1, 4)) expect(labelOf((await entries.next()).value!)).toBe(label)
    await expect(entries.next()).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY', index: 5 })
  })

  it('goes on when only what it has not come to was cut', async () => {
    const log = await openLog()
    await appendAll(log, numbers(1, 8), 10)
    const entries = log.entries({ from: 9, follow: true })
    const ninth = entries.next()
    await log.truncateFront(3)
    await log.append(labelled('9', 10))
    expect(labelOf((await ninth).value!)).toBe('9')
    await log.append(labelled('10', 10))
    await log.truncate(9)
    await log.append(labelled("10'", 10))
    expect(labelOf((await entries.next()).value!)).toBe("10'")
    await entries.return!()
  })

  it('from the front gets a coded error when it has not come that far', async () => {
    const log = await openLog()
    await appendAll(log, numbers(1, 60))
    const entries = log.entries()
    await entries.next()
    await log.truncateFront(59)
    const read: number[] = []
    await expect(
      (async () => {
        for await (const { index } of entries) read.push(index)
      })(),
    ).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    expect(read.length).toBeLessThan(57)
  })

  it('in another log object beside the writer gets the same', async () => {
    const log = await openLog()
    await appendAll(log, numbers(1, 20))
    await appendAll(log.stream('s'), numbers(0, 20))
    const reader = await Log.open(dir(), { readOnly: true })
    open.push(reader)
    await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBe(20)
    const following = [
      reader.entries({ from: 20, follow: true }),
      reader.stream('s').entries({ from: 20, follow: true }),
    ]
    for (const entries of following) expect(labelOf((await entries.next()).value!)).toBe('20')
    const next = following.map((entries) => entries.next())
    await Promise.all([log.truncate(5), log.stream('s').truncate(5)])
    await appendAll(log, numbers(6, 30, "'"))
    await appendAll(log.stream('s'), numbers(6, 30, "'"))
    for (const each of next)
      await expect(each).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBe(30)
    await expect.poll(() => reader.refresh().then(() => reader.stream('s').next)).toBe(31)
    expect(await contentsOf(reader)).toEqual([...numbers(1, 5), ...numbers(6, 30, "'")])
    expect(await contentsOf(reader.stream('s'))).toEqual([...numbers(0, 5), ...numbers(6, 30, "'")])
  })
})
