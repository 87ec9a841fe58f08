/**
 * The process that is killed, or whose system calls fail: opens a log, carries out a plan, closes, and reports every
 * call and every answer. Its argument is its task; its end of input is its end, so that it never outlives its parent.
 */

import { writeSync } from 'node:fs'
import { Log } from '@walrus/log'
import { drive, type Recorder } from './drive.ts'
import { planOf } from './plan.ts'
import { Failures, REPORT_FD, type Report, type Task } from './protocol.ts'
import { storageNamed } from './storages.ts'

const task = JSON.parse(process.argv[2]!) as Task
const failures = new Failures()

process.stdin.once('end', () => process.exit(3)).resume()

function say(report: Report): void {
  const bytes = Buffer.from(`${JSON.stringify(report)}\n`)
  for (let at = 0; at < bytes.length; ) at += writeSync(REPORT_FD, bytes, at)
}

const recorder: Recorder = {
  began: ({ serial: unit }) => say({ what: 'began', unit }),
  acknowledged: ({ serial: unit }, indexes) => say({ what: 'acknowledged', unit, indexes }),
  returned: ({ serial: unit }, index) => say({ what: 'returned', unit, index }),
  rejected: ({ serial: unit }, error) => {
    say({ what: 'rejected', unit, failure: failures.of(error) })
  },
  synced: (units) => say({ what: 'synced', units }),
  syncRejected: (error) => say({ what: 'notSynced', failure: failures.of(error) }),
}

async function live(): Promise<void> {
  const { dir, durability, seed, life } = task
  const { segmentBytes, bufferBytes, steps } = planOf(seed, life, task.steps)
  const storage = await storageNamed(task.storage)
  say({ what: 'opening' })
  let log: Log
  try {
    log = await Log.open(dir, { storage, durability, segmentBytes, bufferBytes })
  } catch (error) {
    say({ what: 'notOpened', failure: failures.of(error) })
    return
  }
  say({ what: 'opened' })
  for (const step of steps) await drive(log, step, { seed, life }, recorder)
  say({ what: 'closing' })
  try {
    await log.close()
    say({ what: 'closed' })
  } catch (error) {
    say({ what: 'notClosed', failure: failures.of(error) })
  }
}

await live()
if (!task.linger) process.exit(0)
