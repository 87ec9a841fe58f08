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
 * - A published directory is whole: its files were synced before the rename, and a temporary
 *   directory is taken away from a contender only by renaming it, all at once.
 * - A holder listens until it has let go, or is dead.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { WalrusError } from '@walrus/codec'
import {
  describeSelf,
  HOLDER_NAME,
  type LockRecord,
  processState,
  RELEASED_NAME,
  readRecord,
} from './lock-record.ts'
import { type Listener, listen, probe } from './lock-socket.ts'
import { type HolderState, LockedError } from './locked-error.ts'
import type { Environment, Holder, Lock } from './storage.ts'
import { syncDirectory } from './sync-directory.ts'
import { attempt, errnoOf, systemError } from './system-error.ts'

const LOCKS_NAME = 'LOCK'
const NUMBER = /^[1-9][0-9]{0,14}$/
const TEMPORARY = 'tmp-'
const TRASH = 'trash-'

/** A contender's directory before it is published. */
interface Candidate {
  readonly path: string
  readonly listener: Listener
}

/** A holder who lives, or of whom it cannot be told. */
interface Held {
  readonly holder: Holder
  readonly state: HolderState
}

function unique(prefix: string): string {
  return prefix + randomBytes(8).toString('hex')
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw systemError(error, 'look at', path)
  }
}

async function highestNumber(locks: string): Promise<number> {
  let highest = 0
  for (const name of await attempt('list', locks, readdir(locks))) {
    if (NUMBER.test(name)) highest = Math.max(highest, Number(name))
  }
  return highest
}

/** A listing may miss names that come and go while it runs; two that agree are one that did not. */
async function settledHighestNumber(locks: string): Promise<number> {
  let before = await highestNumber(locks)
  for (;;) {
    const now = await highestNumber(locks)
    if (now === before) return now
    before = now
  }
}

/** Whether the lock of a directory is held, by the best evidence there is. */
async function judge(
  lockDir: string,
  record: LockRecord,
  env: Environment,
): Promise<HolderState | 'dead'> {
  // Containers on one machine differ in host name and share the kernel, hence the boot and its sockets.
  if (record.host !== env.host && record.bootId !== env.bootId) return 'other-host'
  const answer = record.address === null ? 'unreachable' : await probe(lockDir, record.address)
  if (answer === 'refused') return 'dead'
  if (answer === 'answered') return 'running'
  const state = await processState(record, env)
  if (answer === 'unreachable') return state
  return state === 'stopped' ? 'stopped' : 'not-answering'
}

/** Who holds lock `number`; `undefined` if nobody; `'gone'` if it was removed, so that there is a higher one. */
async function holderOf(
  dir: string,
  locks: string,
  number: number,
  env: Environment,
): Promise<Held | 'gone' | undefined> {
  const lockDir = join(locks, String(number))
  const record = await attempt('read the lock', lockDir, readRecord(lockDir))
  if (record === 'released') return undefined
  if (record === 'missing' && (await highestNumber(locks)) !== number) return 'gone'
  if (record === 'missing' || record === 'damaged') {
    throw new LockedError(
      `cannot tell who holds the lock of ${dir}: ${lockDir} has no valid ${HOLDER_NAME}. If no writer lives, put an empty file named ${RELEASED_NAME} there in its place`,
      dir,
      'unknown',
    )
  }
  const state = await judge(lockDir, record, env)
  if (state === 'dead') return undefined
  const { pid, host, since } = record
  return { holder: { pid, host, since }, state }
}

function explain(state: HolderState, lockDir: string): string {
  const overrule = `If it is certainly gone, rename ${join(lockDir, HOLDER_NAME)} to ${RELEASED_NAME}`
  switch (state) {
    case 'running':
      return 'It is running; close it there, or open for reading only'
    case 'stopped':
      return 'It is stopped by a signal and keeps the lock: continue it or end it'
    case 'not-answering':
      return 'It lives but does not answer; its event loop may be busy'
    case 'other-host':
      return `That is another host, and whether it lives cannot be told from here: close it there. ${overrule}`
    case 'unknown':
      return `Whether it lives cannot be told from here. ${overrule}`
  }
}

function lockedError(dir: string, lockDir: string, { holder, state }: Held): LockedError {
  const since = new Date(holder.since).toISOString()
  return new LockedError(
    `another writer holds the lock of ${dir}: process ${holder.pid} on host ${JSON.stringify(holder.host)} since ${since}. ${explain(state, lockDir)}`,
    dir,
    state,
    holder,
  )
}

async function writeRecord(path: string, record: LockRecord): Promise<void> {
  const handle = await open(path, 'wx', 0o640)
  try {
    await handle.writeFile(`${JSON.stringify(record)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a lock's directory, whole and durable; `undefined` if a winner cleared it away meanwhile. */
async function prepare(locks: string, env: Environment): Promise<Candidate | undefined> {
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
async function publish(
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
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {})
}

/** Removes lower numbers and what contenders and holders left when they were killed. */
async function clear(locks: string, epoch: number): Promise<void> {
  for (const name of await readdir(locks).catch(() => [])) {
    const path = join(locks, name)
    if (NUMBER.test(name) ? Number(name) < epoch : name.startsWith(TRASH)) {
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
      if (!NUMBER.test(next))
        throw new WalrusError('WALRUS_IO', `${locks} has used its last number`)
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
