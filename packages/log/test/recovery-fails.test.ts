/** A call of a recovery that fails: opening says so and lets go of everything, and the next one finds the same log. */

import { WalrusError } from '@walrus/codec'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { crashesOf } from './crashes.ts'
import { callsOn, DIR, nameOfCall, openOn, runOn } from './simulated.ts'
import { contentsOf, summary } from './trace.ts'
import { SEGMENT_BYTES } from './workload.ts'

const options = { segmentBytes: SEGMENT_BYTES }

/** Logs after a power loss: of several segments, some of them not durable, some torn. */
async function images(): Promise<SimulatedDisk[]> {
  const found: SimulatedDisk[] = []
  for (const { disk } of await crashesOf('none', 1)) {
    disk.losePower()
    const copy = disk.copy()
    const log = await openOn(copy, options)
    const { torn, takenOver, quarantined } = log.recovery
    const parts = [torn !== undefined, takenOver.groups > 0, quarantined.length > 0]
    if (parts.filter(Boolean).length > 1) found.push(disk)
  }
  return found.slice(-3)
}

async function contentsAfterRecovery(disk: SimulatedDisk): Promise<Record<string, string>> {
  const log = await openOn(disk, options)
  const found = summary(await contentsOf(log))
  await log.close()
  return found
}

/** What is not as it must be when one call fails, in words. */
async function faultsOf(
  disk: SimulatedDisk,
  number: number,
  fault: 'EIO' | 'ENOSPC',
): Promise<string[]> {
  const found: string[] = []
  const code = fault === 'EIO' ? 'WALRUS_IO' : 'WALRUS_DISK_FULL'
  disk.fault = (call) => (call.number === number ? fault : undefined)
  await runOn(disk, async (storage) => {
    const log = await Log.open(DIR, { storage, ...options }).catch((error: unknown) => error)
    if (log instanceof Log) await log.close().catch(() => {})
    else if (!(log instanceof WalrusError) || log.code !== code) found.push(String(log))
    disk.fault = undefined
    if ((await storage.locked(DIR)) !== undefined) found.push('the lock was not released')
    if (storage.openFiles.size > 0) found.push(`${storage.openFiles.size} files were left open`)
  })
  return found
}

it.for(['EIO', 'ENOSPC'] as const)('whichever it is (%s)', async (fault) => {
  const tried = await images()
  expect(tried.length).toBe(3)
  const found: string[] = []
  for (const image of tried) {
    const steady = image.copy()
    const calls = callsOn(steady)
    const expected = JSON.stringify(await contentsAfterRecovery(steady))
    for (const call of calls) {
      const disk = image.copy()
      const faults = await faultsOf(disk, call.number, fault)
      const again = await contentsAfterRecovery(disk).then(JSON.stringify, String)
      if (again !== expected) faults.push(again)
      found.push(...faults.map((each) => `${nameOfCall(call)}: ${each}`))
    }
  }
  expect(found).toEqual([])
})
