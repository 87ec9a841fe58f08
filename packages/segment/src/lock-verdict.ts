/** Who holds a lock, by the best evidence there is, and how that is told to whoever comes second. */

import { join } from 'node:path'
import { highestNumber } from './lock-directory.ts'
import {
  HOLDER_NAME,
  type LockRecord,
  processState,
  RELEASED_NAME,
  readRecord,
} from './lock-record.ts'
import { probe } from './lock-socket.ts'
import { type HolderState, LockedError } from './locked-error.ts'
import type { Environment, Holder } from './storage.ts'
import { attempt } from './system-error.ts'

/** A holder who lives, or of whom it cannot be told. */
export interface Held {
  readonly holder: Holder
  readonly state: HolderState
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
export async function holderOf(
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

export function lockedError(dir: string, lockDir: string, { holder, state }: Held): LockedError {
  const since = new Date(holder.since).toISOString()
  return new LockedError(
    `another writer holds the lock of ${dir}: process ${holder.pid} on host ${JSON.stringify(holder.host)} since ${since}. ${explain(state, lockDir)}`,
    dir,
    state,
    holder,
  )
}
