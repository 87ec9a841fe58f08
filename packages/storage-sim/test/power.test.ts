/** What a power loss takes, loss by loss, and what it never takes. */

import { describe, expect, it } from 'vitest'
import { LOSSES, type LossName, SimulatedDisk, type SimulatedDiskOptions } from '../src/index.ts'

const SECTOR = 512
const NAMES = Object.keys(LOSSES) as LossName[]

function filled(byte: number, sectors = 1): Uint8Array {
  return new Uint8Array(sectors * SECTOR).fill(byte)
}

/** What is left of `/a` after a loss, a byte for each sector; `undefined` when its name is gone. */
function left(disk: SimulatedDisk, path = '/a'): number[] | undefined {
  const bytes = disk.files().get(path)
  if (bytes === undefined) return undefined
  const sectors: number[] = []
  for (let at = 0; at < bytes.length; at += SECTOR) sectors.push(bytes[at]!)
  return sectors
}

/** `/a` with two synced sectors of 1, the second overwritten with 2, two new ones of 3, and then all four of 4. */
async function scene(options: SimulatedDiskOptions): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(options)
  await disk.run(async (storage) => {
    const a = await storage.open('/a', 'create')
    await a.write(filled(1, 2), 0, false)
    await a.sync()
    await storage.syncDir('/')
    await a.write(filled(2), SECTOR, false)
    await a.write(filled(3, 2), 2 * SECTOR, false)
    await a.write(filled(4, 2), 2 * SECTOR, false)
    const b = await storage.open('/b', 'create')
    await b.write(filled(5), 0, false)
  })
  disk.losePower()
  return disk
}

describe('of what was not synced', () => {
  it.for<[LossName, number[], number[] | undefined]>([
    ['kept', [1, 2, 4, 4], [5]],
    ['lost', [1, 1], undefined],
    ['zeros', [1, 1, 0, 0], [0]],
    ['names only', [1, 1], []],
    ['data only', [1, 2, 4, 4], undefined],
    ['head', [1, 2, 4, 0], [5]],
    ['tail', [1, 1, 0, 4], [0]],
    ['alternate', [1, 2, 0, 4], [5]],
    ['newest', [1, 1, 0, 0], [5]],
    ['older', [1, 2, 4, 4], [0]],
  ])('%s leaves just that', async ([loss, a, b]) => {
    const disk = await scene({ loss })
    expect(left(disk)).toEqual(a)
    expect(left(disk, '/b')).toEqual(b)
  })

  it('garbage takes the place of what was never synced, and of nothing else', async () => {
    const disk = await scene({ loss: 'garbage' })
    const bytes = disk.files().get('/a')!
    expect([...bytes.subarray(0, 2 * SECTOR)]).toEqual([...filled(1, 2)])
    expect(new Set(bytes.subarray(2 * SECTOR)).size).toBeGreaterThan(100)
  })

  it('any leaves other things with other seeds, and each sector with one of its contents', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const disk = await scene({ loss: 'any', seed })
      const sectors = left(disk)!
      seen.add(sectors.slice(1, 2).concat(sectors.length).join())
      expect(sectors[0]).toBe(1)
      expect([1, 2]).toContain(sectors[1])
      expect([2, 4]).toContain(sectors.length)
      expect(left(await scene({ loss: 'any', seed }))).toEqual(sectors)
    }
    expect(seen.size).toBe(4)
  })

  it('the harsher mode ruins a sector that held synced bytes', async () => {
    const disk = await scene({ loss: 'garbage', ruinSectors: true })
    const bytes = disk.files().get('/a')!
    expect([...bytes.subarray(0, SECTOR)]).toEqual([...filled(1)])
    expect(new Set(bytes.subarray(SECTOR, 2 * SECTOR)).size).toBeGreaterThan(100)
  })
})

describe('is never lost', () => {
  it.for(NAMES)('what was synced, with its name (%s)', async (loss) => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = new SimulatedDisk({ loss, seed })
      await disk.run(async (storage) => {
        await storage.mkdir('/x/y')
        await storage.syncDir('/')
        await storage.syncDir('/x')
        const a = await storage.open('/x/y/a', 'create')
        await a.write(filled(1, 3), 100, false)
        await a.sync()
        await storage.syncDir('/x/y')
      })
      disk.losePower()
      const bytes = disk.files().get('/x/y/a')!
      expect([...bytes]).toEqual([...new Uint8Array(100), ...filled(1, 3)])
    }
  })

  it.for(NAMES)('a durable write, over and behind ones that are not (%s)', async (loss) => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = new SimulatedDisk({ loss, seed })
      await disk.run(async (storage) => {
        const a = await storage.open('/a', 'create')
        await storage.syncDir('/')
        await a.write(filled(1, 4), 0, false)
        await a.write(filled(2), 2 * SECTOR, true)
      })
      disk.losePower()
      const sectors = left(disk)!
      expect(sectors.length).toBeGreaterThanOrEqual(3)
      expect(sectors[2]).toBe(2)
    }
  })

  it('a rename whose directory was synced, nor anything of what it replaced', async () => {
    for (const loss of NAMES) {
      const disk = new SimulatedDisk({ loss })
      await disk.run(async (storage) => {
        for (const [path, byte] of [
          ['/a', 1],
          ['/b', 2],
        ] as const) {
          const file = await storage.open(path, 'create')
          await file.write(filled(byte), 0, true)
        }
        await storage.syncDir('/')
        await storage.rename('/b', '/a')
        await storage.syncDir('/')
      })
      disk.losePower()
      expect(left(disk)).toEqual([2])
      expect(disk.files().size).toBe(1)
    }
  })
})

describe('names', () => {
  it('come back from an unsynced removal and renaming', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    disk.put('/a', filled(1))
    disk.put('/b', filled(2))
    disk.put('/c', filled(3))
    await disk.run(async (storage) => {
      await storage.remove('/a')
      await storage.rename('/b', '/c')
    })
    disk.losePower()
    expect([left(disk, '/a'), left(disk, '/b'), left(disk, '/c')]).toEqual([[1], [2], [3]])
  })

  it('move between directories as a whole', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    disk.put('/x/a', filled(1))
    disk.put('/y/b', filled(2))
    await disk.run(async (storage) => {
      await storage.rename('/x/a', '/y/a')
      await storage.syncDir('/y')
    })
    disk.losePower()
    expect([...disk.files().keys()].toSorted()).toEqual(['/y/a', '/y/b'])
  })

  it('of a directory that was not synced take everything below along', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    await disk.run(async (storage) => {
      await storage.mkdir('/x')
      const a = await storage.open('/x/a', 'create')
      await a.write(filled(1), 0, true)
      await storage.syncDir('/x')
    })
    expect(disk.files().size).toBe(1)
    disk.losePower()
    expect(disk.files().size).toBe(0)
  })
})

describe('a sync', () => {
  it('covers what was written before it began, and no more for certain', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    await disk.run(async (storage) => {
      const a = await storage.open('/a', 'create')
      await storage.syncDir('/')
      a.writeSync(filled(1), 0, false)
      const syncing = a.sync()
      a.writeSync(filled(2), 0, false)
      a.writeSync(filled(3), SECTOR, false)
      await syncing
    })
    disk.losePower()
    expect(left(disk)).toEqual([1])
  })

  it('that failed may have dropped what it should have written, and no later one writes it', async () => {
    const kept = { dropped: 0, written: 0 }
    for (let seed = 0; seed < 40; seed++) {
      const disk = new SimulatedDisk({ loss: 'lost', seed })
      await disk.run(async (storage) => {
        const a = await storage.open('/a', 'create')
        await storage.syncDir('/')
        await a.write(filled(1), 0, false)
        disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined)
        await expect(a.sync()).rejects.toMatchObject({ code: 'WALRUS_IO', file: '/a' })
        disk.fault = undefined
        // It is still read, until the power is lost.
        const back = new Uint8Array(1)
        expect(await a.read(back, 0)).toBe(1)
        expect(back[0]).toBe(1)
        await a.sync()
      })
      disk.losePower()
      kept[left(disk)!.length === 0 ? 'dropped' : 'written']++
    }
    expect(kept.dropped).toBeGreaterThan(20)
    expect(kept.written).toBeGreaterThan(3)
  })

  it('of a cut file makes the cut durable', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    disk.put('/a', filled(1, 3))
    await disk.run(async (storage) => {
      const a = await storage.open('/a', 'write')
      await a.truncate(SECTOR)
    })
    disk.losePower()
    expect(left(disk)).toEqual([1, 1, 1])
    await disk.run(async (storage) => {
      const a = await storage.open('/a', 'write')
      await a.truncate(SECTOR)
      await a.sync()
      await a.truncate(3 * SECTOR)
      await a.sync()
    })
    disk.losePower()
    expect(left(disk)).toEqual([1, 0, 0])
  })
})
