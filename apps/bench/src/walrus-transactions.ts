/** Our side, what a transaction costs beside a batch of the same entries. */

import { Log } from '@walrus/log'

import { perSync, watchDevice } from './device.ts'
import { withDirectory } from './directories.ts'
import { closedLoop } from './producers.ts'
import { type StorageName, storageNamed } from './storages.ts'
import type { Subject } from './subject.ts'
import { expectEntries } from './walrus.ts'
import { MEASURE_SECONDS, PAYLOAD, WARMUP_SECONDS } from './workload.ts'

const ENTRIES = 10
const BATCH: readonly Uint8Array[] = Array.from({ length: ENTRIES }, () => PAYLOAD)

/** Ten entries at a time, durably, by so many producers. The latencies are those of ten. */
export async function tens(
  directory: string,
  name: StorageName,
  how: 'transaction' | 'batch',
  producers: number,
): Promise<Subject> {
  const storage = await storageNamed(name)
  const appendTen = { transaction: transact, batch: appendBatch }[how]
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { storage })
        const append = (): Promise<unknown> => appendTen(log)
        const load = { producers, timed: true }
        const warm = await closedLoop({ ...load, seconds: WARMUP_SECONDS }, append)
        const device = watchDevice(path)
        const result = await closedLoop({ ...load, seconds: MEASURE_SECONDS }, append)
        const written = perSync(device())
        await log.close()
        expectEntries(log.lastIndex, ENTRIES * (warm.operations + result.operations))
        const values = { perSecond: ENTRIES * result.perSecond, ...written }
        return { values, latencies: result.latencies }
      }),
  }
}

async function transact(log: Log): Promise<void> {
  const transaction = log.begin()
  for (let n = 0; n < ENTRIES; n++) transaction.append(undefined, PAYLOAD)
  await transaction.commit()
}

async function appendBatch(log: Log): Promise<void> {
  await log.appendBatch(BATCH)
}
