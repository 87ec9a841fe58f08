/** Closing when several things fail: the first of them is told. */

import { WalrusError } from '@walrus/codec'
import { fd } from '@walrus/segment'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()

/** A log whose lock is released, and says that it was not. */
async function withStubbornLock(writable: { yes: boolean }): Promise<Log> {
  const storage = fd()
  const { lock, open } = storage
  storage.lock = async (path) => {
    const taken = await lock(path)
    const release = async (): Promise<void> => {
      await taken.release()
      throw new WalrusError('WALRUS_IO', 'cannot mark the lock released')
    }
    return { epoch: taken.epoch, release }
  }
  storage.open = async (path, mode) => {
    const file = await open(path, mode)
    const { write } = file
    file.write = async (...args) => {
      if (!writable.yes) throw new WalrusError('WALRUS_IO', 'the disk is gone')
      await write.apply(file, args)
    }
    return file
  }
  return await Log.open(dir(), { storage })
}

describe('closing a log whose lock cannot be marked as released', () => {
  it('says so', async () => {
    const log = await withStubbornLock({ yes: true })
    await log.append('kept')
    await expect(log.close()).rejects.toThrow('cannot mark the lock released')
    const again = await Log.open(dir())
    expect(again.recovery.clean).toBe(true)
    await again.close()
  })

  it('tells the failure of the log, if it has failed', async () => {
    const writable = { yes: true }
    const log = await withStubbornLock(writable)
    await log.append('kept')
    writable.yes = false
    await expect(log.append('lost')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(log.close()).rejects.toMatchObject({
      code: 'WALRUS_FAILED',
      cause: { message: 'the disk is gone' },
    })
    const again = await Log.open(dir())
    expect(again.lastIndex).toBe(1)
    await again.close()
  })
})
