/** A crash at every call that changes the disk: what was acknowledged is there, and nothing that was not written. */

import { LOSSES, type LossName } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { crashesOf } from './crashes.ts'
import { faultsAfterRecovery } from './recover.ts'
import { nameOfCall } from './simulated.ts'
import { DURABILITIES, everything, nameOf, waves } from './workload.ts'

const EACH = [
  ...DURABILITIES.map((durability) => [nameOf(durability), durability, everything] as const),
  ['commit, zeros written ahead', 'commit', waves] as const,
]

/** Another one gives other runs. */
const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)

describe('a killed process', () => {
  it.for(EACH)(
    'loses nothing it acknowledged, in whichever call it dies (%s)',
    async ([, durability, workload]) => {
      const found: string[] = []
      for (const { call, disk, trace } of await crashesOf(durability, SEED, workload)) {
        const faults = await faultsAfterRecovery(disk, trace, trace.acknowledged.length)
        found.push(...faults.map((fault) => `killed in ${nameOfCall(call)}: ${fault}`))
      }
      expect(found).toEqual([])
    },
  )
})

describe('a power loss', () => {
  it.for(EACH)(
    'takes nothing that was durable, at whichever call it comes (%s)',
    async ([, durability, workload]) => {
      const losses = Object.keys(LOSSES) as LossName[]
      const found: string[] = []
      const crashes = await crashesOf(durability, SEED, workload)
      for (const [at, { call, disk, trace }] of crashes.entries()) {
        const loss = losses[at % losses.length]!
        disk.losePower(loss)
        const faults = await faultsAfterRecovery(disk, trace, trace.durable)
        found.push(...faults.map((fault) => `${loss} in ${nameOfCall(call)}: ${fault}`))
      }
      expect(found).toEqual([])
    },
  )
})
