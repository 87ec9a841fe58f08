/**
 * The directories under `LOCK`: made whole under a temporary name, published by a rename, cleared away.
 *
 * Invariants:
 * - A published directory is whole: its files were synced before the rename.
 * - A temporary directory is taken away from a contender only by renaming it, all at once.
 * - The highest number is never removed.
 */

import { randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FdFile } from './fd-file.ts'
import { describeSelf, HOLDER_NAME, type LockRecord } from './lock-record.ts'
import { type Listener, listen } from './lock-socket.ts'
import type { Environment } from './storage.ts'
import { syncDirectory } from './sync-directory.ts'
import { attempt, errnoOf, systemError } from './system-error.ts'

const NUMBER = /^[1-9][0-9]{0,14}$/
const TEMPORARY = 'tmp-'
const TRASH = 'trash-'

/** A contender's directory before it is published. */
export interface Candidate {
  readonly path: string
  readonly listener: Listener
}

/** Whether a name, or a number as one, is that of a lock. */
export function isLockName(name: string): boolean {
  return NUMBER.test(name)
}

function unique(prefix: string): string {
  return prefix + randomBytes(8).toString('hex')
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw systemError(error, 'look at', path)
  }
}

/** The highest number listed; 0 if there is none. */
export async function highestNumber(locks: string): Promise<number> {
  let highest = 0
  for (const name of await attempt('list', locks, readdir(locks))) {
    if (isLockName(name)) highest = Math.max(highest, Number(name))
  }
  return highest
}

/** A listing may miss names that come and go while it runs; two that agree are one that did not. */
export async function settledHighestNumber(locks: string): Promise<number> {
  let before = await highestNumber(locks)
  for (;;) {
    const now = await highestNumber(locks)
    if (now === before) return now
    before = now
  }
}

async function writeRecord(path: string, record: LockRecord): Promise<void> {
  const file = new FdFile(path, openSync(path, 'wx', 0o640), true)
  try {
    await file.write(Buffer.from(`${JSON.stringify(record)}\n`), 0, true)
  } finally {
    await file.close()
  }
}

/** Makes a lock's directory, whole and durable; `undefined` if a winner cleared it away meanwhile. */
export async function prepare(locks: string, env: Environment): Promise<Candidate | undefined> {
  const path = join(locks, unique(TEMPORARY))
  await attempt('make the directory', path, mkdir(path, 0o750))
  let listener: Listener | undefined
  try {
    listener = await listen(path)
    await writeRecord(join(path, HOLDER_NAME), await describeSelf(env, listener.address))
    await syncDirectory(path)
    return { path, listener }
  } catch (error) {
    await listener?.close()
    if (!(await exists(path))) return undefined
    await removeQuietly(path)
    throw systemError(error, 'make the lock', path)
  }
}

/** `taken`: the number has a directory; `cleared`: the candidate's own is gone. */
export async function publish(
  candidate: Candidate,
  target: string,
): Promise<'published' | 'taken' | 'cleared'> {
  try {
    await rename(candidate.path, target)
    return 'published'
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return 'taken'
    if (!(await exists(candidate.path))) return 'cleared'
    // Windows says EPERM for a directory in the way, as for much else.
    if (await exists(target)) return 'taken'
    throw systemError(error, `rename to ${target}`, candidate.path)
  }
}

/** What cannot be removed now costs a few bytes, and the next holder tries again. */
export async function removeQuietly(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {})
}

/** Removes lower numbers and what contenders and holders left when they were killed. */
export async function clear(locks: string, epoch: number): Promise<void> {
  for (const name of await readdir(locks).catch(() => [])) {
    const path = join(locks, name)
    if (isLockName(name) ? Number(name) < epoch : name.startsWith(TRASH)) {
      await removeQuietly(path)
    } else if (name.startsWith(TEMPORARY)) {
      // Its maker may live and be about to publish it: all of it, or nothing.
      const trash = join(locks, unique(TRASH))
      await rename(path, trash).then(
        () => removeQuietly(trash),
        () => {},
      )
    }
  }
}
