/**
 * The writer's lock, in plain Node.
 *
 * A lock is a directory `LOCK/<n>` with a listening socket and a `holder.json`. A contender makes it
 * whole under a temporary name, and when connecting to the highest number is refused, renames it to
 * the next one; a rename onto a directory that holds something fails. The number is the epoch.
 * `docs/decisions/0001-lock-directories.md` says why this is safe.
 *
 * Invariants:
 * - The highest number decides, and is never removed: the maximum only grows.
 * - Whoever has published a number lists again, and holds the lock only if no higher one exists.
 * - A holder listens until it has let go, or is dead.
 */

import { mkdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { WalrusError } from '@walrus/codec'
import {
  type Candidate,
  clear,
  exists,
  highestNumber,
  isLockName,
  prepare,
  publish,
  removeQuietly,
  settledHighestNumber,
} from './lock-directory.ts'
import { HOLDER_NAME, RELEASED_NAME } from './lock-record.ts'
import type { Listener } from './lock-socket.ts'
import { holderOf, lockedError } from './lock-verdict.ts'
import type { Environment, Holder, Lock } from './storage.ts'
import { syncDirectory } from './sync-directory.ts'
import { errnoOf, systemError } from './system-error.ts'

const LOCKS_NAME = 'LOCK'

class FdLock implements Lock {
  readonly epoch: number
  readonly #path: string
  readonly #listener: Listener
  #released: Promise<void> | undefined

  constructor(epoch: number, path: string, listener: Listener) {
    this.epoch = epoch
    this.#path = path
    this.#listener = listener
  }

  release(): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  async #release(): Promise<void> {
    const from = join(this.#path, HOLDER_NAME)
    try {
      await rename(from, join(this.#path, RELEASED_NAME))
    } catch (error) {
      // Removed by hand: there is nothing left to mark.
      if (errnoOf(error) !== 'ENOENT') throw systemError(error, 'mark the lock released', from)
    } finally {
      await this.#listener.close()
    }
  }
}

/** Whether no number above the one just published exists. */
async function confirm(lock: FdLock, locks: string): Promise<boolean> {
  try {
    if ((await settledHighestNumber(locks)) !== lock.epoch) return false
    await syncDirectory(locks)
    return true
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function makeLocksDirectory(dir: string, locks: string): Promise<void> {
  try {
    await mkdir(locks, 0o750)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw systemError(error, 'make the directory', locks)
  }
  // Also when another contender made it: it may have been killed before its sync, and a directory
  // lost with the power would let the epochs begin anew.
  await syncDirectory(dir)
}

/** Takes the lock of an existing directory. @throws {@link LockedError} when another writer has it. */
export async function takeLock(directory: string, env: Environment): Promise<Lock> {
  const dir = resolve(directory)
  const locks = join(dir, LOCKS_NAME)
  await makeLocksDirectory(dir, locks)
  let candidate: Candidate | undefined
  try {
    for (;;) {
      const number = await highestNumber(locks)
      if (number > 0) {
        const held = await holderOf(dir, locks, number, env)
        if (held === 'gone') continue
        if (held) throw lockedError(dir, join(locks, String(number)), held)
      }
      const next = String(number + 1)
      if (!isLockName(next)) throw new WalrusError('WALRUS_IO', `${locks} has used its last number`)
      candidate ??= await prepare(locks, env)
      if (!candidate) continue
      const path = join(locks, next)
      const outcome = await publish(candidate, path)
      if (outcome === 'taken') continue
      const { listener } = candidate
      candidate = undefined
      if (outcome === 'cleared') {
        await listener.close()
        continue
      }
      const lock = new FdLock(number + 1, path, listener)
      if (await confirm(lock, locks)) {
        await clear(locks, lock.epoch)
        return lock
      }
      // The listing was stale: the number had been used, and removed, before. Never used again.
      await listener.close()
      await removeQuietly(path)
    }
  } finally {
    if (candidate) {
      await candidate.listener.close()
      await removeQuietly(candidate.path)
    }
  }
}

/** Who holds the lock of a directory, if anyone. Changes nothing on disk. */
export async function lockHolder(directory: string, env: Environment): Promise<Holder | undefined> {
  const dir = resolve(directory)
  const locks = join(dir, LOCKS_NAME)
  if (!(await exists(locks))) return undefined
  for (;;) {
    const number = await highestNumber(locks)
    if (number === 0) return undefined
    const held = await holderOf(dir, locks, number, env)
    if (held !== 'gone') return held?.holder
  }
}
