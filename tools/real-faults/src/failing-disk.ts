/**
 * A disk that fails while a log is written, by whatever way the storage writes: an ext4 on an image that from one
 * moment on takes no more writes (it is made immutable, and writing to it fails with EIO), so that a storage that
 * makes no system calls for its writes can be tried as well.
 *
 * The log must refuse everything after the first failure with that as its cause, and close. Then the file system is
 * mounted again as the disk has it, which is what a power loss leaves: what was durable must be there.
 */

import { join } from 'node:path'
import { checkLog } from './check.ts'
import { FailingDisk } from './disk.ts'
import { judge } from './eio.ts'
import { follow } from './follow.ts'
import { Oracle } from './oracle.ts'
import { Counts, type Outcome, type Violation } from './outcome.ts'
import { DURABILITIES, nameOfDurability, planOf, unitsOf } from './plan.ts'
import { LogProcess } from './process.ts'
import type { Report, Task } from './protocol.ts'
import { between, randomFrom } from './random.ts'
import { type Storage, storageNamed } from './storages.ts'

/** More than a disk takes writes for. */
const STEPS = 60

export interface FailingDiskOptions {
  /** Moments for each durability. */
  readonly runs: number
  readonly seed: number
  readonly storage: string
}

export async function runFailingDisk(options: FailingDiskOptions): Promise<Outcome> {
  const name = 'failing disk'
  const counts = new Counts()
  const violations: Violation[] = []
  const { seed, storage, runs } = options
  for (const durability of DURABILITIES) {
    for (let run = seed; run < seed + runs; run++) {
      let disk: FailingDisk
      try {
        disk = new FailingDisk()
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return { name, counts: {}, violations, skipped: [`a disk that fails: ${why}`] }
      }
      try {
        const task = { storage, durability, seed: run, steps: STEPS }
        const found = await failWhileWritten(disk, task, counts)
        if (found.length > 0) {
          const what = `${nameOfDurability(durability)}, run ${run}: ${found.slice(0, 4).join('; ')}`
          const replay = `pnpm real-faults eio --runs 1 --seed ${run} --storage ${storage}`
          violations.push({ what, replay })
        }
      } finally {
        disk.unmount()
      }
    }
  }
  return { name, counts: counts.toRecord(), violations, skipped: [] }
}

async function failWhileWritten(
  disk: FailingDisk,
  given: Pick<Task, 'storage' | 'durability' | 'seed' | 'steps'>,
  counts: Counts,
): Promise<string[]> {
  const { seed, durability, steps } = given
  const dir = join(disk.path, 'log')
  const task: Task = { ...given, dir, life: 0, linger: false }
  let left = between(randomFrom(seed, 5), 1, steps)
  const life = await new LogProcess(task, ({ what }) => {
    if ((what === 'acknowledged' || what === 'returned') && --left === 0) disk.fail()
  }).ended
  counts.add('runs')
  const units = unitsOf(planOf(seed, 0, steps))
  const failed = follow(new Oracle(seed), 0, units, life.reports, durability === 'none')
  const first = failed[0]
  counts.add(first === undefined ? 'nothing needed the disk' : `${first.what} said so first`)
  // ext4 takes nothing more once its journal has failed.
  const fault = { kind: 'final', codes: ['EIO', 'EROFS'] } as const
  const messages = failed.map(({ failure }) => failure.message)
  const found = judge(fault, messages, life, failed)

  disk.mountAgain()
  const kept = durability === 'commit' ? life.reports : untilSynced(life.reports)
  const oracle = new Oracle(seed)
  follow(oracle, 0, units, kept, durability === 'none')
  const storage = afterReboot(await storageNamed(given.storage))
  const options = { storage, durability, segmentBytes: 0x1_0000 }
  found.push(...(await checkLog(dir, options, oracle, true)).found)
  counts.add('entries kept', oracle.settledEntries)
  return found
}

/** In the same run of the machine what was written cannot be missing, and would be taken for damage. */
function afterReboot(storage: Storage): Storage {
  return { ...storage, env: { ...storage.env, bootId: `after ${storage.env.bootId}` } }
}

/** What was said, without the answers to calls that no later `sync()` covered: a power loss may take those. */
function untilSynced(reports: readonly Report[]): Report[] {
  const covered = Math.max(0, ...reports.flatMap((r) => (r.what === 'synced' ? [r.units] : [])))
  return reports.filter(
    (report) =>
      (report.what !== 'acknowledged' && report.what !== 'returned') || report.unit < covered,
  )
}
