/**
 * The storage on plain `node:fs` itself, tried on a machine in memory: the loader hands its modules the ones in
 * `simulated/` in place of Node's own.
 *
 * A crash before every system call of a small workload that changes something, once where a descriptor can be opened
 * anew for durable writes, and once where it cannot. What is not synced is lost. After each: the log opens, holds what
 * was acknowledged and nothing that was not appended, and the writer's epoch is higher than any before. Then a full
 * disk at each call of taking the lock, and a file that is closed while it is written to.
 *
 * A module to be loaded with `importWith(…, replacement, true)`, once for each site that is left out.
 */

import { Log } from '@walrus/log'
import { fd, type Storage } from '@walrus/segment'
import { machine } from './simulated/machine.ts'

const DIR = '/home/user/log'
const SEGMENT_BYTES = 0x1_0000
/** Three of them do not fit a segment. */
const ENTRY_BYTES = 24_000
/** Segments begin in both ways. */
const WITHOUT_WAITING = [false, false, true, true, false, true]

/** What a workload came to know before the power went. */
interface Known {
  appended: number
  acknowledged: number
  epoch: number
}

export interface FdTrial {
  readonly crashes: number
  /** What went wrong, if anything did; the first of it. */
  readonly violation: string | undefined
}

/** Runs the trial. */
export async function tryFd(): Promise<FdTrial> {
  let crashes = 0
  for (const hasProc of [true, false]) {
    for (let at = 0; ; at++) {
      const { ended, violation } = await crashOnce(at, hasProc)
      if (violation !== undefined) {
        const how = hasProc ? '' : ' without /proc'
        return { crashes, violation: `power lost in change ${at}${how}: ${violation}` }
      }
      if (ended) break
      crashes++
    }
  }
  return { crashes, violation: (await withoutSpace()) ?? (await closing()) }
}

async function crashOnce(
  at: number,
  hasProc: boolean,
): Promise<{ ended: boolean; violation: string | undefined }> {
  machine.reset()
  machine.hasProc = hasProc
  machine.crashAt = at
  const known: Known = { appended: 0, acknowledged: 0, epoch: 0 }
  const outcome = await Promise.race([
    workload(known).then(
      () => 'ended',
      (error: unknown) => error,
    ),
    machine.powerLoss.then(() => 'lost'),
  ])
  const { crashAt, changes } = machine
  if (changes <= crashAt) {
    machine.crash()
    if (outcome !== 'ended') return { ended: true, violation: `no crash, but ${String(outcome)}` }
  }
  await turns()
  machine.crashAt = Number.POSITIVE_INFINITY
  machine.boot()
  return { ended: changes <= crashAt, violation: await recovered(known) }
}

/** Whoever still runs finds the machine down. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function workload(known: Known): Promise<void> {
  for (const durability of ['commit', 'none'] as const) {
    const storage = noting(known)
    const log = await Log.open(DIR, { storage, durability, segmentBytes: SEGMENT_BYTES })
    for (const now of WITHOUT_WAITING) {
      const data = dataOf(++known.appended)
      const index = now ? log.appendSync(data) : await log.append(data)
      if (durability === 'none') await log.sync()
      known.acknowledged = index
    }
    await log.close()
  }
}

/** The storage, which notes the epochs of the locks it gives. */
function noting(known: Known): Storage {
  const storage = fd({ zeroAhead: false })
  return {
    ...storage,
    lock: async (dir) => {
      const lock = await storage.lock(dir)
      if (lock.epoch <= known.epoch) throw new Error(`epoch ${lock.epoch} after ${known.epoch}`)
      known.epoch = lock.epoch
      return lock
    },
  }
}

async function recovered(known: Known): Promise<string | undefined> {
  try {
    const log = await Log.open(DIR, { storage: noting(known), segmentBytes: SEGMENT_BYTES })
    const { lastIndex } = log
    if (lastIndex < known.acknowledged || lastIndex > known.appended) {
      return `${lastIndex} entries, ${known.acknowledged} were acknowledged, ${known.appended} appended`
    }
    for (let index = 1; index <= lastIndex; index++) {
      const { data } = await log.get(index)
      if (Buffer.compare(data, dataOf(index)) !== 0) return `entry ${index} is another`
    }
    await log.close()
    return undefined
  } catch (error) {
    return String(error)
  }
}

function dataOf(index: number): Uint8Array {
  return new Uint8Array(ENTRY_BYTES).fill(index)
}

/** A lock that cannot be written down is not given; one that is given is known after a power loss. */
async function withoutSpace(): Promise<string | undefined> {
  for (let at = 0; ; at++) {
    machine.reset()
    const storage = fd()
    await storage.mkdir(DIR)
    for (const dir of ['/home/user', '/home', '/']) await storage.syncDir(dir)
    machine.failAt = machine.changes + at
    let epoch = 0
    try {
      epoch = (await storage.lock(DIR)).epoch
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'WALRUS_DISK_FULL') return String(error)
    }
    if (machine.changes <= machine.failAt) return undefined
    machine.failAt = Number.POSITIVE_INFINITY
    machine.crash()
    await turns()
    machine.boot()
    if (epoch === 0) continue
    try {
      await fd().lock(DIR)
    } catch (error) {
      return `after a lock taken with no space for change ${at}: ${String(error)}`
    }
  }
}

/** A file that is closed while it is written to is written all the same, and no other is. */
async function closing(): Promise<string | undefined> {
  machine.reset()
  const storage = fd()
  const file = await storage.open('/a', 'create')
  try {
    const written = file.write(dataOf(1), 0, false)
    const closed = file.close()
    await written
    await closed
    return undefined
  } catch (error) {
    return `a file closed while it was written to: ${String(error)}`
  }
}
