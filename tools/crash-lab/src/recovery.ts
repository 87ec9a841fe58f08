/** Recovers what a crash left, goes on with it, and tells what is not as it was promised. */

import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import type { Storage } from '@walrus/segment'
import type { SimulatedDisk } from '@walrus/storage-sim'
import {
  type Contents,
  contentsOf,
  type Ending,
  type Moment,
  same,
  startsWith,
  Trace,
  violations,
} from './oracle.ts'
import { DIR, Driver, SEGMENT_BYTES } from './workload.ts'

/** Serial numbers of what is appended after a recovery. */
const AFTERWARDS = 0x1000_0000

/**
 * Reads, opens, reads, appends, closes, opens and reads again: what went wrong, in words.
 * @param disk what the crash left; it is changed
 * @param appending whether anything is appended
 */
export async function faultsAfterRecovery(
  disk: SimulatedDisk,
  trace: Trace,
  moment: Moment,
  ending: Ending,
  appending = true,
): Promise<string[]> {
  try {
    const outcome = await disk.run((storage) =>
      recoverAndGoOn(storage, trace, moment, ending, appending),
    )
    return outcome.value ?? [`the recovery was ${outcome.ended}`]
  } catch (error) {
    return [String(error)]
  }
}

/**
 * What a reader sees that comes before the next writer; nothing where the log was not made yet.
 * @param opened what happens between its opening and its reading
 */
export async function contentsForReader(
  storage: Storage,
  opened: (reader: Log) => Promise<void> = async () => {},
): Promise<Contents> {
  let reader: Log
  try {
    reader = await Log.open(DIR, { storage, readOnly: true })
  } catch (error) {
    if (error instanceof WalrusError && error.code === 'WALRUS_NOT_FOUND') return new Map()
    throw error
  }
  await opened(reader)
  const contents = await contentsOf(reader)
  await reader.close()
  return contents
}

async function recoverAndGoOn(
  storage: Storage,
  trace: Trace,
  moment: Moment,
  ending: Ending,
  appending: boolean,
): Promise<string[]> {
  const seen = await contentsForReader(storage)
  const afterwards = new Trace(AFTERWARDS)
  const workload = { durability: 'commit', segmentBytes: SEGMENT_BYTES, steps: [] }
  const next = new Driver(storage, afterwards, workload)

  await next.open()
  const recovered = await contentsOf(next.log)
  const found = violations(trace, moment, ending, recovered, next.log.marks)
  if (!same(seen, recovered)) found.push('a reader saw another log than the next writer recovered')
  let left = recovered
  if (appending) {
    await next.append(300)
    await next.appendBatch([5, 50], 'orders')
    await next.append(5, 'after the crash')
    left = await contentsOf(next.log)
  }
  if (!startsWith(left, recovered)) found.push('appending changed what was there')
  await next.close()

  await next.open()
  if (!next.log.recovery.clean) found.push('it was closed, and did not open as closed')
  if (!same(await contentsOf(next.log), left)) {
    found.push('opening it a second time changed what it holds')
  }
  await next.close()
  return [...found, ...afterwards.broken]
}
