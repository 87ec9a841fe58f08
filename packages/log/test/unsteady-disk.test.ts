/** A disk that reads wrong, now and then: an error, or the right data; nothing is lost because of it. */

import type { Storage, StorageFile } from '@walrus/segment'
import { SimulatedDisk } from '@walrus/storage-sim'
import { expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { outcomeOf } from './outcome.ts'
import { DIR, openOn } from './simulated.ts'

const ENTRIES = Array.from({ length: 6 }, (_, at) => `entry ${at} `.repeat(30))

/** A storage that reads one byte wrong in one read of a segment; `reads` are those so far. */
function unsteady(disk: SimulatedDisk, wrong: number): { storage: Storage; reads: () => number } {
  const storage = disk.process()
  let reads = 0
  const spoil = (into: Uint8Array, read: number): number => {
    if (reads++ === wrong && read > 0) into[Math.floor(read / 2)]! ^= 1
    return read
  }
  const spoiled = (file: StorageFile): StorageFile => {
    if (!file.path.endsWith('.seg')) return file
    const { read, readSync } = file
    file.read = async (into, at) => spoil(into, await read.call(file, into, at))
    file.readSync = (into, at) => spoil(into, readSync.call(file, into, at))
    return file
  }
  const open = storage.open.bind(storage)
  const openSync = storage.openSync.bind(storage)
  storage.open = async (path, mode) => spoiled(await open(path, mode))
  storage.openSync = (path, mode) => spoiled(openSync(path, mode))
  return { storage, reads: () => reads }
}

/** A log whose writer was killed: some entries durable, some not known to be. */
async function killed(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openOn(disk, { durability: { everyMs: 1000 } })
  for (const entry of ENTRIES.slice(0, 3)) await log.append(entry)
  await log.sync()
  await disk.pass(10)
  for (const entry of ENTRIES.slice(3)) await log.append(entry)
  return disk.copy()
}

it('in any one read of a recovery', async () => {
  const image = await killed()
  const steady = unsteady(image.copy(), -1)
  await (await Log.open(DIR, { storage: steady.storage })).close()
  expect(steady.reads()).toBeGreaterThan(3)
  for (let wrong = 0; wrong < steady.reads(); wrong++) {
    const disk = image.copy()
    const { storage } = unsteady(disk, wrong)
    const log = await Log.open(DIR, { storage }).catch((error: unknown) => error)
    if (log instanceof Log) await log.close()
    else expect(log, `read ${wrong}`).toMatchObject({ code: 'WALRUS_CORRUPT' })
    const { iterated } = await outcomeOf(disk, 0)
    expect(iterated, `read ${wrong}`).toEqual(ENTRIES)
  }
})
