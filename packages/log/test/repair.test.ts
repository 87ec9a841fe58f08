/** Damaged logs, and what repair makes of them. */

import { basename } from 'node:path'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Log, type RepairReport, repair, verify } from '../src/index.ts'
import {
  bytesOf,
  changed,
  DIR,
  entriesOf,
  filesIn,
  flipped,
  openOn,
  runOn,
  segment,
  without,
} from './simulated.ts'

const ENTRIES = 40
const OPTIONS = { segmentBytes: 65_536 }

function payload(index: number): string {
  return `entry ${index} `.padEnd(6000, '.')
}

/** A closed log of five segments; entry 1 begins the first, each holds ten. */
async function closedLog(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 7 })
  await runOn(disk, async (storage) => {
    const log = await Log.open(DIR, { ...OPTIONS, storage })
    for (let index = 1; index <= ENTRIES; index++) {
      expect(await log.append(payload(index))).toBe(index)
      await log.stream('other').append(payload(-index))
    }
    await log.close()
  })
  return disk
}

async function repaired(disk: SimulatedDisk, dryRun = false): Promise<RepairReport> {
  return await runOn(disk, (storage) => repair(DIR, { storage, dryRun }))
}

async function refusal(disk: SimulatedDisk): Promise<unknown> {
  return await runOn(disk, async (storage) => {
    try {
      await (await Log.open(DIR, { ...OPTIONS, storage })).close()
      return undefined
    } catch (error) {
      return (error as { code: unknown }).code
    }
  })
}

/** Damage by what it is, what refuses it, and the last entry before it. */
const DAMAGES: readonly [string, (disk: SimulatedDisk) => SimulatedDisk, string, number][] = [
  ['a flipped bit in a sealed segment', (disk) => flipEntry(disk, 12), 'WALRUS_CORRUPT', 11],
  ['a flipped bit in the last segment', (disk) => flipEntry(disk, 39), 'WALRUS_CORRUPT', 38],
  ['a header that does not read', (disk) => flipped(disk, segment(4), 60, 1), 'WALRUS_CORRUPT', 15],
  ['a missing segment', (disk) => without(disk, segment(3)), 'WALRUS_SEGMENT_MISSING', 10],
]

function flipEntry(disk: SimulatedDisk, index: number): SimulatedDisk {
  for (const name of Object.keys(filesIn(disk))) {
    const at = name.endsWith('.seg') ? bytesOf(disk, name).indexOf(`entry ${index} `) : -1
    if (at >= 0) return flipped(disk, name, at + 2, 1)
  }
  throw new Error(`entry ${index} is nowhere`)
}

/** Compared by their beginnings, which is what a failure should show. */
function expectEntries(found: readonly string[], last: number): void {
  const short = (entry: string): string => `${entry.length} ${entry.slice(0, 9)}`
  const expected = Array.from({ length: last }, (_, n) => payload(n + 1))
  expect(found.map(short)).toEqual(expected.map(short))
}

/** Every byte that was in the segments is still in one of the files. */
function expectAllKept(before: SimulatedDisk, after: SimulatedDisk): void {
  const now = Object.values(filesIn(after))
  for (const [name, bytes] of Object.entries(filesIn(before))) {
    if (name.endsWith('.seg')) expect(now.includes(bytes), name).toBe(true)
  }
}

describe.each(DAMAGES)('%s', (_what, damage, code, last) => {
  it('is what repair says it is, before it changes anything', async () => {
    const disk = damage(await closedLog())
    const before = filesIn(disk)
    const { salvaged, quarantined } = await repaired(disk, true)
    expect(salvaged).toMatchObject({ code, firstLost: last + 1, lastLost: ENTRIES })
    expect(quarantined).toEqual([])
    expect(filesIn(disk)).toEqual(before)
  })

  it('is left out by repair, with all behind it, and nothing is deleted', async () => {
    const disk = damage(await closedLog())
    const before = disk.copy()
    const { salvaged, quarantined } = await repaired(disk)
    expect(salvaged).toMatchObject({ code, firstLost: last + 1 })
    expect(quarantined.length).toBeGreaterThan(0)
    expectAllKept(before, disk)
    await runOn(disk, async (storage) => {
      expect(await verify(DIR, { storage })).toMatchObject({ ok: true, lastIndex: last })
      const log = await openOn(disk, OPTIONS)
      expectEntries(await entriesOf(log), last)
      expect(await log.append('next')).toBe(last + 1)
      await log.close()
    })
    expect((await repaired(disk)).salvaged).toBeUndefined()
  })

  it('is left out in the same way by a salvage opening, which says so', async () => {
    const disk = damage(await closedLog())
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { ...OPTIONS, storage, salvage: true })
      expect(log.lastIndex).toBe(last)
      expect(log.recovery.salvaged).toMatchObject({ code, firstLost: last + 1 })
      expect(log.recovery.torn).toBeUndefined()
      expect(await log.append('next')).toBe(last + 1)
      await log.close()
    })
    expect(await refusal(disk)).toBeUndefined()
  })

  it('is left out in reading, too, where nothing is changed', async () => {
    const disk = damage(await closedLog())
    const before = filesIn(disk)
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { readOnly: true, storage, salvage: true })
      expectEntries(await entriesOf(log), last)
      await log.refresh()
      expect(log.lastIndex).toBe(last)
      expect(log.recovery.salvaged).toMatchObject({ code })
      await log.close()
    })
    expect(filesIn(disk)).toEqual(before)
  })

  it('can be repaired again after a crash in any call of the repair, with nothing lost', async () => {
    const damaged = damage(await closedLog())
    for (let call = 0; ; call++) {
      const disk = damaged.copy()
      disk.fault = ({ change }) => (change === call ? 'power' : undefined)
      const { ended } = await disk.run((storage) => repair(DIR, { storage }))
      if (ended === 'returned') {
        expect(call).toBeGreaterThan(8)
        return
      }
      disk.fault = undefined
      expectAllKept(damaged, disk)
      await repaired(disk)
      expectAllKept(damaged, disk)
      expect(await refusal(disk)).toBeUndefined()
      await runOn(disk, async (storage) => {
        expect(await verify(DIR, { storage })).toMatchObject({ ok: true, lastIndex: last })
      })
    }
  })
})

describe('repair', () => {
  it('does not touch a log that is whole, closed or not', async () => {
    const disk = await closedLog()
    const before = filesIn(disk)
    expect(await repaired(disk)).toEqual({ salvaged: undefined, quarantined: [] })
    await disk.run(async (storage) => {
      const log = await Log.open(DIR, { ...OPTIONS, storage })
      await log.append('unclean')
      disk.losePower()
    })
    const unclean = filesIn(disk)
    expect(await repaired(disk)).toEqual({ salvaged: undefined, quarantined: [] })
    expect(filesIn(disk)).toEqual(unclean)
    expect(unclean).not.toEqual(before)
  })

  it('refuses where nothing before the damage could be kept, and changes nothing', async () => {
    const disk = flipped(await closedLog(), segment(1), 60, 1)
    const before = filesIn(disk)
    await expect(repaired(disk)).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
    const { TAIL: _tail, ...files } = filesIn(disk)
    expect(before).toMatchObject(files)
  })

  it('refuses while somebody writes, and where there is no log', async () => {
    const disk = await closedLog()
    const log = await openOn(disk, OPTIONS)
    await expect(repaired(disk)).rejects.toMatchObject({ code: 'WALRUS_LOCKED' })
    await log.close()
    await expect(repaired(new SimulatedDisk({ seed: 1 }))).rejects.toMatchObject({
      code: 'WALRUS_NOT_FOUND',
    })
  })

  it('keeps what an earlier repair has set aside', async () => {
    const disk = flipEntry(await closedLog(), 12)
    const first = disk.copy()
    const { quarantined } = await repaired(disk)
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { ...OPTIONS, storage })
      await log.append('again')
      await log.close()
    })
    const again = flipEntry(disk, 11)
    const second = again.copy()
    const more = await repaired(again)
    expect(more.salvaged).toMatchObject({ firstLost: 11 })
    expectAllKept(first, again)
    expectAllKept(second, again)
    const names = [...quarantined, ...more.quarantined].map((path) => basename(path))
    expect(new Set(names).size).toBe(names.length)
  })

  it('leaves out a commit over several segments as a whole', async () => {
    const disk = new SimulatedDisk({ seed: 9 })
    await runOn(disk, async (storage) => {
      const options = { ...OPTIONS, maxTransactionEntries: 1000, transactionMemoryBytes: 65_536 }
      const log = await Log.open(DIR, { ...options, storage })
      await log.append('before')
      await log.transaction(async (transaction) => {
        for (let n = 0; n < 40; n++) transaction.append(undefined, payload(n))
      })
      await log.append('after')
      await log.close()
    })
    const damaged = flipEntry(disk, 30)
    const { salvaged } = await repaired(damaged)
    expect(salvaged).toMatchObject({ firstLost: 2 })
    await runOn(damaged, async () => {
      const log = await openOn(damaged, OPTIONS)
      expect(await entriesOf(log)).toEqual(['before'])
      await log.close()
    })
  })

  it('says which option it does not have', async () => {
    const disk = changed(await closedLog(), segment(1), (bytes) => bytes)
    await expect(
      runOn(disk, (storage) => repair(DIR, { storage, yes: true } as object)),
    ).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION' })
  })
})
