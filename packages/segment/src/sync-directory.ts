/** Makes the names in a directory durable; does nothing on Windows, which has no such call. */

import { close, closeSync, fsync, fsyncSync, open, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { attempt, attemptSync, errnoOf, systemError } from './system-error.ts'

/**
 * Some file systems have no sync for a directory and say so by EINVAL (EBADF on some systems); there
 * is nothing more to be done there. PostgreSQL's `fsync_fname` decides the same.
 */
function cannotBeSynced(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'EINVAL' || errno === 'EBADF'
}

export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const fd = await attempt('sync the directory', dir, promisify(open)(dir, 'r'))
  try {
    await promisify(fsync)(fd)
  } catch (error) {
    if (!cannotBeSynced(error)) throw systemError(error, 'sync the directory', dir)
  } finally {
    await promisify(close)(fd)
  }
}

export function syncDirectorySync(dir: string): void {
  if (process.platform === 'win32') return
  const fd = attemptSync('sync the directory', dir, () => openSync(dir, 'r'))
  try {
    fsyncSync(fd)
  } catch (error) {
    if (!cannotBeSynced(error)) throw systemError(error, 'sync the directory', dir)
  } finally {
    closeSync(fd)
  }
}
