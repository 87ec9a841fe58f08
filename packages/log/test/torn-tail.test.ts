/** The end of a log whose writer was killed: what was never whole is cut, what was durable once is not given up. */

import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { FaultyStorage } from './faulty-storage.ts'
import { filesIn, scratch } from './scratch.ts'

const { fresh, copyOf } = scratch()
const SEGMENT = '000000000001.seg'
const HEADER = 192
/** A group with one entry of four bytes. */
const GROUP = 64 + 28 + 4
const NAMES = ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']

const text = (data: Uint8Array): string => Buffer.from(data).toString()
const offsetOf = (entry: number): number => HEADER + GROUP * (entry - 1)

/** A log of five groups, left as by a kill; the tail file says that `noted` of them are durable. */
async function killed(durability: Durability, noted: number): Promise<string> {
  const dir = fresh()
  const storage = new FaultyStorage()
  const log = await Log.open(dir, { storage, durability })
  for (const [at, name] of NAMES.entries()) {
    if (at === noted) {
      if (durability !== 'commit') await log.sync()
      await storage.tick(10)
      storage.fault = ({ path }) => (path.endsWith('TAIL') ? 'ENOSPC' : undefined)
    }
    await log.append(name)
  }
  const left = copyOf(dir)
  const bytes = readFileSync(join(left, SEGMENT))
  writeFileSync(join(left, SEGMENT), bytes.subarray(0, offsetOf(NAMES.length + 1)))
  return left
}

/** A copy of a log with a change to its segment's bytes. */
function changed(image: string, change: (bytes: Buffer) => Buffer): string {
  const dir = copyOf(image)
  writeFileSync(join(dir, SEGMENT), change(readFileSync(join(dir, SEGMENT))))
  return dir
}

function flipped(image: string, offset: number): string {
  return changed(image, (bytes) => {
    bytes[offset]! ^= 1
    return bytes
  })
}

async function open(dir: string, bootId = 'first boot'): Promise<Log> {
  return await Log.open(dir, { storage: new FaultyStorage({ bootId }) })
}

async function entriesOf(log: Log): Promise<string[]> {
  const entries: string[] = []
  for await (const { data } of log.entries()) entries.push(text(data))
  return entries
}

let image: string
/** Under an interval, three of five entries durable. */
let loose: string

beforeAll(async () => {
  image = await killed('commit', 4)
  loose = await killed({ everyMs: 1000 }, 3)
})

describe('a group that was never whole', () => {
  it('is cut, and reported with its place', async () => {
    const torn = Buffer.from('half a group, of which nobody was ever told')
    const dir = changed(image, (bytes) => Buffer.concat([bytes, torn]))
    const before = filesIn(dir)[SEGMENT]!
    const log = await open(dir)
    expect(await entriesOf(log)).toEqual(NAMES)
    expect(log.recovery.torn).toEqual({
      file: join(dir, SEGMENT),
      offset: offsetOf(6),
      length: expect.any(Number),
      lsn: 6,
      index: 6,
    })
    const { offset, length } = log.recovery.torn!
    expect(offset + length).toBeGreaterThanOrEqual(before.length)
    expect(await log.append('after')).toBe(6)
    // The evidence is still where it was.
    expect(readFileSync(join(dir, SEGMENT), 'latin1').startsWith(before)).toBe(true)
    await log.close()
    const again = await open(dir)
    expect(again.recovery).toMatchObject({ clean: true, torn: undefined })
    expect(await entriesOf(again)).toEqual([...NAMES, 'after'])
    expect(readFileSync(join(dir, SEGMENT), 'latin1').startsWith(before)).toBe(true)
    await again.close()
  })

  it('is kept in the quarantine folder when nothing of its segment was durable', async () => {
    const unproven = await killed({ everyMs: 1000 }, 0)
    const dir = changed(unproven, (bytes) => Buffer.concat([bytes, Buffer.from('half a group')]))
    const before = readFileSync(join(dir, SEGMENT))
    const log = await open(dir)
    const kept = join(dir, 'quarantine', SEGMENT)
    expect(await entriesOf(log)).toEqual(NAMES)
    expect(log.recovery).toMatchObject({
      quarantined: [kept],
      torn: { file: kept, offset: offsetOf(6), index: 6 },
    })
    expect(readFileSync(kept)).toEqual(before)
    await log.close()
    expect(await entriesOf(await open(dir))).toEqual(NAMES)
  })

  it('is cut wherever the writer was stopped in it', async () => {
    for (let length = offsetOf(5); length < offsetOf(6); length++) {
      const dir = changed(image, (bytes) => bytes.subarray(0, length))
      const log = await open(dir)
      expect(await entriesOf(log), `${length}`).toEqual(NAMES.slice(0, 4))
      expect(log.recovery.torn?.index, `${length}`).toBe(length === offsetOf(5) ? undefined : 5)
      expect(await log.append('after'), `${length}`).toBe(5)
      await log.close()
    }
  })

  it('is cut by two openings in a row, of which the first did nothing more', async () => {
    const dir = changed(image, (bytes) => bytes.subarray(0, offsetOf(6) - 1))
    await open(dir)
    const left = copyOf(dir)
    const log = await open(left)
    expect(await entriesOf(log)).toEqual(NAMES.slice(0, 4))
    expect(await log.append('after')).toBe(5)
    const killedAgain = copyOf(left)
    const last = await open(killedAgain)
    expect(await entriesOf(last)).toEqual([...NAMES.slice(0, 4), 'after'])
  })
})

describe('a segment of which only the head reached the disk', () => {
  it('takes no stream with it, though the newest snapshot of the streams stood in it', async () => {
    const options = { durability: 'none', segmentBytes: 0x1_0000 } as const
    const dir = fresh()
    const log = await Log.open(dir, { ...options, storage: new FaultyStorage() })
    await log.stream('orders').append('first')
    await log.append(Buffer.alloc(60_000))
    await log.sync()
    await log.append(Buffer.alloc(60_000))
    const left = copyOf(dir)
    truncateSync(join(left, '000000000002.seg'), HEADER + 10)
    for (let opening = 0; opening < 3; opening++) {
      const storage = new FaultyStorage({ bootId: `boot ${opening + 2}` })
      const reader = await Log.open(left, { storage, readOnly: true })
      expect(reader.streams(), `opening ${opening}`).toEqual(['orders'])
      await reader.close()
      const again = await Log.open(left, { ...options, storage })
      expect(again.streams(), `opening ${opening}`).toEqual(['orders'])
      expect(await again.stream('orders').append('more')).toBe(opening + 1)
      await again.close()
    }
  })
})

describe('bytes that were durable once', () => {
  it('are not taken for a torn tail, also after the machine restarted', async () => {
    for (const bootId of ['first boot', 'second boot']) {
      for (let entry = 1; entry <= 4; entry++) {
        const dir = flipped(image, offsetOf(entry) + 90)
        const before = filesIn(dir)
        await expect(open(dir, bootId)).rejects.toMatchObject({
          code: 'WALRUS_CORRUPT',
          file: join(dir, SEGMENT),
          offset: offsetOf(entry),
          index: entry,
        })
        expect(filesIn(dir)).toEqual(before)
      }
    }
  })

  it('are missed when the file is cut', async () => {
    for (const length of [offsetOf(5) - 1, offsetOf(4), offsetOf(2) + 3, HEADER]) {
      const dir = changed(image, (bytes) => bytes.subarray(0, length))
      await expect(open(dir, 'second boot'), `${length}`).rejects.toMatchObject({
        code: 'WALRUS_CORRUPT',
      })
    }
  })

  it('are known from the groups behind them when the tail file is lost', async () => {
    for (let entry = 1; entry <= 3; entry++) {
      const dir = flipped(image, offsetOf(entry) + 90)
      truncateSync(join(dir, 'TAIL'), 0)
      await expect(open(dir, 'second boot')).rejects.toMatchObject({
        code: 'WALRUS_CORRUPT',
        index: entry,
      })
    }
  })
})

describe('bytes that were never durable', () => {
  it('end the log when the machine has restarted, though whole groups follow them', async () => {
    const log = await open(flipped(loose, offsetOf(4) + 90), 'second boot')
    expect(await entriesOf(log)).toEqual(NAMES.slice(0, 3))
    expect(log.recovery.torn).toMatchObject({ index: 4, lsn: 4, offset: offsetOf(4) })
    expect(await log.append('after')).toBe(4)
    await log.close()
  })

  it('are damage when it has not, for then they were written whole', async () => {
    await expect(open(flipped(loose, offsetOf(4) + 90))).rejects.toMatchObject({
      code: 'WALRUS_CORRUPT',
      offset: offsetOf(4),
      index: 4,
    })
  })

  it('are kept when they are whole, and survive what comes next', async () => {
    const log = await open(loose, 'second boot')
    expect(log.recovery).toMatchObject({ torn: undefined, takenOver: { entries: 2 } })
    expect(await entriesOf(log)).toEqual(NAMES)
    await log.append('after')
    const left = copyOf(log.dir)
    expect(await entriesOf(await open(left, 'third boot'))).toEqual([...NAMES, 'after'])
  })

  it('cannot be passed off as groups by an entry that holds them', async () => {
    const dir = fresh()
    const log = await open(dir)
    await log.append('aaaa')
    const copy = readFileSync(join(dir, SEGMENT)).subarray(HEADER, HEADER + GROUP)
    await log.append(Buffer.concat([copy, copy]))
    const left = copyOf(dir)
    // The group that holds the copies is torn: they stand whole behind the end, of this boot.
    const bytes = readFileSync(join(left, SEGMENT))
    bytes[HEADER + GROUP] = 0
    writeFileSync(join(left, SEGMENT), bytes)
    const again = await open(left)
    expect(await entriesOf(again)).toEqual(['aaaa'])
    expect(again.recovery.torn).toMatchObject({ index: 2 })
  })

  it('are cut when somebody else wrote them behind a closed log', async () => {
    const dir = fresh()
    const log = await open(dir)
    await log.append('aaaa')
    await log.close()
    appendFileSync(join(dir, SEGMENT), 'garbage')
    const again = await open(dir)
    expect(again.recovery).toMatchObject({ clean: false, torn: { index: 2 } })
    expect(await entriesOf(again)).toEqual(['aaaa'])
    await again.close()
  })
})
