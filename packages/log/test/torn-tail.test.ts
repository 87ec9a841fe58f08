/** The end of a log whose writer was killed: what was never whole is cut, what was durable once is not given up. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Durability, Log } from '../src/index.ts'
import {
  bytesOf,
  changed,
  cut,
  entriesOf,
  filesIn,
  flipped,
  openOn,
  pathOf,
  segment,
} from './simulated.ts'

const SEGMENT = segment(1)
const HEADER = 192
/** A group with one entry of four bytes. */
const GROUP = 64 + 28 + 4
const NAMES = ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']

const offsetOf = (entry: number): number => HEADER + GROUP * (entry - 1)

/** A log of five groups, left as by a kill; the tail file says that `noted` of them are durable. */
async function killed(durability: Durability, noted: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openOn(disk, { durability })
  for (const [at, name] of NAMES.entries()) {
    if (at === noted) {
      if (durability !== 'commit') await log.sync()
      await disk.pass(10)
      disk.fault = ({ path }) => (path.endsWith('TAIL') ? 'ENOSPC' : undefined)
    }
    await log.append(name)
  }
  return cut(disk, SEGMENT, offsetOf(NAMES.length + 1))
}

/** A copy with one bit of the segment flipped. */
function damaged(image: SimulatedDisk, offset: number): SimulatedDisk {
  return flipped(image, SEGMENT, offset, 1)
}

/** A copy with something behind the segment's last group. */
function continued(image: SimulatedDisk, behind: Uint8Array): SimulatedDisk {
  return changed(image, SEGMENT, (bytes) => Buffer.concat([bytes, behind]))
}

/** Opens it after a restart of the machine. */
async function openAfterRestart(image: SimulatedDisk): Promise<Log> {
  image.losePower('kept')
  return await openOn(image)
}

let image: SimulatedDisk
/** Under an interval, three of five entries durable. */
let loose: SimulatedDisk

beforeAll(async () => {
  image = await killed('commit', 4)
  loose = await killed({ everyMs: 1000 }, 3)
})

describe('a group that was never whole', () => {
  it('is cut, and reported with its place', async () => {
    const disk = continued(image, Buffer.from('half a group, of which nobody was ever told'))
    const before = filesIn(disk)[SEGMENT]!
    const evidence = (): boolean => filesIn(disk)[SEGMENT]!.startsWith(before)
    const log = await openOn(disk)
    expect(await entriesOf(log)).toEqual(NAMES)
    expect(log.recovery.torn).toEqual({
      file: pathOf(SEGMENT),
      offset: offsetOf(6),
      length: expect.any(Number),
      lsn: 6,
      index: 6,
    })
    const { offset, length } = log.recovery.torn!
    expect(offset + length).toBeGreaterThanOrEqual(before.length)
    expect(await log.append('after')).toBe(6)
    // It is still where it was.
    expect(evidence()).toBe(true)
    await log.close()
    const again = await openOn(disk)
    expect(again.recovery).toMatchObject({ clean: true, torn: undefined })
    expect(await entriesOf(again)).toEqual([...NAMES, 'after'])
    expect(evidence()).toBe(true)
    await again.close()
  })

  it('is kept in the quarantine folder when nothing of its segment was durable', async () => {
    const unproven = await killed({ everyMs: 1000 }, 0)
    const disk = continued(unproven, Buffer.from('half a group'))
    const before = filesIn(disk)[SEGMENT]
    const log = await openOn(disk)
    const kept = pathOf(`quarantine/${SEGMENT}`)
    expect(await entriesOf(log)).toEqual(NAMES)
    expect(log.recovery).toMatchObject({
      quarantined: [kept],
      torn: { file: kept, offset: offsetOf(6), index: 6 },
    })
    expect(filesIn(disk)[`quarantine/${SEGMENT}`]).toEqual(before)
    await log.close()
    expect(await entriesOf(await openOn(disk))).toEqual(NAMES)
  })

  it('is cut wherever the writer was stopped in it', async () => {
    for (let length = offsetOf(5); length < offsetOf(6); length++) {
      const log = await openOn(cut(image, SEGMENT, length))
      expect(await entriesOf(log), `${length}`).toEqual(NAMES.slice(0, 4))
      expect(log.recovery.torn?.index, `${length}`).toBe(length === offsetOf(5) ? undefined : 5)
      expect(await log.append('after'), `${length}`).toBe(5)
      await log.close()
    }
  })

  it('is cut by two openings in a row, of which the first did nothing more', async () => {
    const disk = cut(image, SEGMENT, offsetOf(6) - 1)
    await openOn(disk)
    const left = disk.copy()
    const log = await openOn(left)
    expect(await entriesOf(log)).toEqual(NAMES.slice(0, 4))
    expect(await log.append('after')).toBe(5)
    const last = await openOn(left.copy())
    expect(await entriesOf(last)).toEqual([...NAMES.slice(0, 4), 'after'])
  })
})

describe('a segment of which only the head reached the disk', () => {
  it('takes no stream with it, though the newest snapshot of the streams stood in it', async () => {
    const options = { durability: 'none', segmentBytes: 0x1_0000 } as const
    const disk = new SimulatedDisk()
    const log = await openOn(disk, options)
    await log.stream('orders').append('first')
    await log.append(Buffer.alloc(60_000))
    await log.sync()
    await log.append(Buffer.alloc(60_000))
    const left = cut(disk, segment(2), HEADER + 10)
    for (let opening = 0; opening < 3; opening++) {
      left.losePower('kept')
      const reader = await openOn(left, { readOnly: true })
      expect(reader.streams(), `opening ${opening}`).toEqual(['orders'])
      await reader.close()
      const again = await openOn(left, options)
      expect(again.streams(), `opening ${opening}`).toEqual(['orders'])
      expect(await again.stream('orders').append('more')).toBe(opening + 1)
      await again.close()
    }
  })
})

describe('bytes that were durable once', () => {
  it('are not taken for a torn tail, also after the machine restarted', async () => {
    for (const open of [openOn, openAfterRestart]) {
      for (let entry = 1; entry <= 4; entry++) {
        const disk = damaged(image, offsetOf(entry) + 90)
        const before = filesIn(disk)
        await expect(open(disk)).rejects.toMatchObject({
          code: 'WALRUS_CORRUPT',
          file: pathOf(SEGMENT),
          offset: offsetOf(entry),
          index: entry,
        })
        expect(filesIn(disk)).toEqual(before)
      }
    }
  })

  it('are missed when the file is cut', async () => {
    for (const length of [offsetOf(5) - 1, offsetOf(4), offsetOf(2) + 3, HEADER]) {
      const opening = openAfterRestart(cut(image, SEGMENT, length))
      await expect(opening, `${length}`).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
    }
  })

  it('are known from the groups behind them when the tail file is lost', async () => {
    for (let entry = 1; entry <= 3; entry++) {
      const disk = cut(damaged(image, offsetOf(entry) + 90), 'TAIL', 0)
      await expect(openAfterRestart(disk)).rejects.toMatchObject({
        code: 'WALRUS_CORRUPT',
        index: entry,
      })
    }
  })
})

describe('bytes that were never durable', () => {
  it('end the log when the machine has restarted, though whole groups follow them', async () => {
    const log = await openAfterRestart(damaged(loose, offsetOf(4) + 90))
    expect(await entriesOf(log)).toEqual(NAMES.slice(0, 3))
    expect(log.recovery.torn).toMatchObject({ index: 4, lsn: 4, offset: offsetOf(4) })
    expect(await log.append('after')).toBe(4)
    await log.close()
  })

  it('are damage when it has not, for then they were written whole', async () => {
    await expect(openOn(damaged(loose, offsetOf(4) + 90))).rejects.toMatchObject({
      code: 'WALRUS_CORRUPT',
      offset: offsetOf(4),
      index: 4,
    })
  })

  it('are kept when they are whole, and survive what comes next', async () => {
    const disk = loose.copy()
    const log = await openAfterRestart(disk)
    expect(log.recovery).toMatchObject({ torn: undefined, takenOver: { entries: 2 } })
    expect(await entriesOf(log)).toEqual(NAMES)
    await log.append('after')
    disk.losePower('lost')
    expect(await entriesOf(await openOn(disk))).toEqual([...NAMES, 'after'])
  })

  it('cannot be passed off as groups by an entry that holds them', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('aaaa')
    const copy = bytesOf(disk, SEGMENT).subarray(HEADER, HEADER + GROUP)
    await log.append(Buffer.concat([copy, copy]))
    // The group that holds the copies is torn: they stand whole behind the end, of this boot.
    const left = changed(disk, SEGMENT, (bytes) => {
      bytes[HEADER + GROUP] = 0
      return bytes
    })
    const again = await openOn(left)
    expect(await entriesOf(again)).toEqual(['aaaa'])
    expect(again.recovery.torn).toMatchObject({ index: 2 })
  })

  it('are cut when somebody else wrote them behind a closed log', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('aaaa')
    await log.close()
    const again = await openOn(continued(disk, Buffer.from('garbage')))
    expect(again.recovery).toMatchObject({ clean: false, torn: { index: 2 } })
    expect(await entriesOf(again)).toEqual(['aaaa'])
    await again.close()
  })
})
