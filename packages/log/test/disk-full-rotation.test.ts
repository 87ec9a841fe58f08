/** Space that runs out right behind a rotation: the next segment has its head, and the first group in it is refused. */

import { basename } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { fd, type Storage, type StorageFile } from '@walrus/segment'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const DURABILITIES: readonly Durability[] = ['commit', { everyMs: 60_000 }, 'none']
/** With a stream there is something for the snapshot that a segment begins with. */
const EACH = DURABILITIES.flatMap((durability) =>
  [[], ['orders']].map((streams) => ({ durability, streams })),
)

/** `fd()` on which, while `full`, nothing can be written to the second segment once it has its name. */
function storageWithout(space: { full: boolean }): Storage {
  const storage = fd()
  const check = (file: StorageFile): void => {
    if (!space.full || basename(file.path) !== '000000000002.seg') return
    throw new WalrusError('WALRUS_DISK_FULL', 'ENOSPC', { file: file.path })
  }
  const limited = (file: StorageFile): StorageFile => {
    const { write, writeSync } = file
    file.write = async (...args) => {
      check(file)
      await write.apply(file, args)
    }
    file.writeSync = (...args) => {
      check(file)
      writeSync.apply(file, args)
    }
    return file
  }
  const { open, openSync } = storage
  storage.open = async (path, mode) => limited(await open(path, mode))
  storage.openSync = (path, mode) => limited(openSync(path, mode))
  return storage
}

/** A log of two segments, the second of which holds nothing but its head. */
async function rotated({
  durability,
  streams,
}: (typeof EACH)[number]): Promise<{ log: Log; space: { full: boolean } }> {
  const space = { full: true }
  const storage = storageWithout(space)
  const log = await Log.open(dir(), { durability, storage, segmentBytes: 0x1_0000 })
  for (const name of streams) await log.stream(name).append('an entry')
  await log.append(new Uint8Array(50_000))
  await expect(log.append(new Uint8Array(50_000))).rejects.toMatchObject({
    code: 'WALRUS_DISK_FULL',
  })
  expect(log.stats().segments).toBe(2)
  return { log, space }
}

describe('a first group of a segment for which there is no space', () => {
  it.each(EACH)(
    'does not keep what came before from being synced ($durability, streams $streams)',
    async (given) => {
      const { log } = await rotated(given)
      await log.sync()
      expect(log.marks.durable).toBe(log.marks.sequenced)
      await log.close()
    },
  )

  it.each(EACH)(
    'does not keep the log from closing cleanly ($durability, streams $streams)',
    async (given) => {
      const { log } = await rotated(given)
      await log.close()
      const again = await Log.open(dir())
      expect(again.recovery.clean).toBe(true)
      expect(again.lastIndex).toBe(1)
      expect(again.streams()).toEqual(given.streams)
      await again.close()
    },
  )

  it.each(EACH)(
    'makes way for another when there is ($durability, streams $streams)',
    async (given) => {
      const { log, space } = await rotated(given)
      space.full = false
      expect(await log.append('another')).toBe(2)
      expect(log.appendSync('and another')).toBe(3)
      await log.sync()
      await log.close()
      const again = await Log.open(dir())
      expect(again.recovery.clean).toBe(true)
      expect(again.lastIndex).toBe(3)
      await again.close()
    },
  )
})

describe('a sync that was asked for before entries were refused', () => {
  it.each(EACH)(
    'succeeds: all that was taken is durable ($durability, streams $streams)',
    async (given) => {
      const { log } = await rotated(given)
      const refused = log.append(new Uint8Array(1000))
      const synced = log.sync()
      await expect(refused).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
      await synced
      expect(log.marks.durable).toBe(log.marks.written)
      await log.close()
    },
  )
})
