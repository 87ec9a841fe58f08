/**
 * What a lock says of its holder, and what the process table says of it.
 *
 * `holder.json` in the lock's directory names the holder; letting go renames it to `released.json`,
 * which takes no space, so that it works on a full disk. Who must overrule a lock by hand does the
 * same: any file named `released.json` frees it.
 */

import { open, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isAddress } from './lock-socket.ts'
import type { Environment, Holder } from './storage.ts'
import { errnoOf } from './system-error.ts'

export const HOLDER_NAME = 'holder.json'
export const RELEASED_NAME = 'released.json'

/** Bytes of a `holder.json`; ours has about 300. */
const SIZE_LIMIT = 4096

export interface LockRecord extends Holder {
  readonly bootId: string
  /** The kernel's name for the numbering that `pid` is from; empty where the system gives none. */
  readonly pidNamespace: string
  /** Start of the process in clock ticks since boot; empty where the system does not tell. */
  readonly startTime: string
  /** Where the holder listens; `null` if it could not. */
  readonly address: string | null
}

/** `dead` and `unknown` are judgements; the others say that the process lives, and how. */
export type ProcessState = 'running' | 'stopped' | 'dead' | 'unknown'

/** State letter and start time from `/proc/<pid>/stat`; the name before them may hold any character. */
async function processStat(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  let stat: string
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Fields 3 and 22 of proc(5).
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' }
}

async function pidNamespace(): Promise<string> {
  try {
    return await readlink('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** The record of this process. */
export async function describeSelf(env: Environment, address: string | null): Promise<LockRecord> {
  return {
    pid: env.pid,
    host: env.host,
    since: env.now(),
    bootId: env.bootId,
    pidNamespace: await pidNamespace(),
    startTime: (await processStat(env.pid))?.startTime ?? '',
    address,
  }
}

function parseRecord(text: string): LockRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, host, since, bootId, pidNamespace, startTime, address } = value as Record<
    string,
    unknown
  >
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return undefined
  if (typeof since !== 'number' || Number.isNaN(new Date(since).getTime())) return undefined
  if (typeof host !== 'string' || typeof bootId !== 'string') return undefined
  if (typeof pidNamespace !== 'string' || typeof startTime !== 'string') return undefined
  if (address !== null && (typeof address !== 'string' || !isAddress(address))) return undefined
  return { pid, host, since, bootId, pidNamespace, startTime, address }
}

/** Reads at most {@link SIZE_LIMIT} bytes of a file; `undefined` if it does not exist. */
async function readSmallFile(path: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const buffer = Buffer.alloc(SIZE_LIMIT)
    const { bytesRead } = await handle.read(buffer, 0, SIZE_LIMIT, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/**
 * Reads the record of a lock's directory. `missing`: it has no such file (any more); `damaged`: the
 * file is not one of ours.
 */
export async function readRecord(
  lockDir: string,
): Promise<LockRecord | 'released' | 'missing' | 'damaged'> {
  const text = await readSmallFile(join(lockDir, HOLDER_NAME))
  if (text !== undefined) return parseRecord(text) ?? 'damaged'
  const released = await readSmallFile(join(lockDir, RELEASED_NAME))
  return released === undefined ? 'missing' : 'released'
}

/** Whether a process of this machine lives, as far as its number tells. */
export async function processState(record: LockRecord, env: Environment): Promise<ProcessState> {
  const namespace = await pidNamespace()
  // The kernel's own boot id is exact; one made up from the clock is not and says nothing here.
  if (record.bootId !== env.bootId && record.pidNamespace !== '') return 'dead'
  if (record.pidNamespace !== namespace) return 'unknown'
  try {
    process.kill(record.pid, 0)
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return 'dead'
    // EPERM: it is another user's, so it exists.
  }
  const stat = await processStat(record.pid)
  if (stat === undefined) return 'running'
  if (record.startTime !== '' && stat.startTime !== record.startTime) return 'dead'
  if (stat.state === 'Z' || stat.state === 'X') return 'dead'
  return stat.state === 'T' || stat.state === 't' ? 'stopped' : 'running'
}
