/** Recovers what a crash left, goes on with it, and tells what is not as it was promised. */

import { isDeepStrictEqual } from 'node:util'
import { WalrusError } from '@walrus/codec'
import type { SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { Log } from '../src/index.ts'
import { DIR, runOn } from './simulated.ts'
import { type Contents, contentsOf, summary, type Trace, violations } from './trace.ts'
import { openDriver, SEGMENT_BYTES } from './workload.ts'

/**
 * Reads, opens, appends, closes, opens again and reads: what went wrong with that, in words.
 * @param mustHold how many of the acknowledged entries must be there
 */
export async function faultsAfterRecovery(
  disk: SimulatedDisk,
  trace: Trace,
  mustHold: number,
): Promise<string[]> {
  try {
    return await runOn(disk, (storage) => recoverAndGoOn(storage, trace, mustHold))
  } catch (error) {
    return [String(error)]
  }
}

/** What a reader sees that comes before the next writer; nothing where the log was not made yet. */
async function contentsForReader(storage: SimulatedStorage): Promise<Contents> {
  let reader: Log
  try {
    reader = await Log.open(DIR, { storage, readOnly: true })
  } catch (error) {
    if (error instanceof WalrusError && error.code === 'WALRUS_NOT_FOUND') return new Map()
    throw error
  }
  const contents = await contentsOf(reader)
  await reader.close()
  return contents
}

async function recoverAndGoOn(
  storage: SimulatedStorage,
  trace: Trace,
  mustHold: number,
): Promise<string[]> {
  const seen = await contentsForReader(storage)
  const first = await openDriver(storage, 'commit', trace)
  const recovered = await contentsOf(first.log)
  const found = violations(trace, recovered, mustHold)
  if (!isDeepStrictEqual(summary(seen), summary(recovered))) {
    found.push('a reader saw another log than the next writer recovered')
  }
  await first.close()

  const second = await openDriver(storage, 'commit', trace)
  const again = await contentsOf(second.log)
  if (!isDeepStrictEqual(summary(again), summary(recovered))) {
    found.push('opening it a second time changed what it holds')
  }
  await second.append(300)
  await second.appendBatch([5, 50], 'orders')
  await second.append(70_000, 'after the crash')
  await second.append(5)
  const grown = await contentsOf(second.log)
  await second.close()

  const third = await Log.open(DIR, { storage, segmentBytes: SEGMENT_BYTES })
  if (!third.recovery.clean) found.push('it was closed, and did not open as closed')
  const reopened = await contentsOf(third)
  await third.close()
  if (!isDeepStrictEqual(summary(reopened), summary(grown))) {
    found.push('what was appended after the crash did not come back')
  }
  const kept = [...recovered].every(([stream, entries]) =>
    entries.every(({ data }, at) => Buffer.compare(data, grown.get(stream)![at]!.data) === 0),
  )
  if (!kept) found.push('appending changed what was there')
  return found
}
