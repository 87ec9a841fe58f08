/** A crash at every call that changes the disk: what was acknowledged is there, and nothing that was not written. */

import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Durability } from '../src/index.ts'
import { FaultyStorage } from './faulty-storage.ts'
import { PowerModel } from './power-model.ts'
import { randomFrom } from './random.ts'
import { faultsAfterRecovery } from './recover.ts'
import { scratch } from './scratch.ts'
import { DURABILITIES, everything, nameOf, runWorkload, type Workload, waves } from './workload.ts'

const EACH = [
  ...DURABILITIES.map((durability) => [nameOf(durability), durability, everything] as const),
  ['commit, zeros written ahead', 'commit', waves] as const,
]

/** What is tried after each power loss: so many different subsets of what was not synced. */
const LOSSES = Number(process.env['WALRUS_TEST_LOSSES'] ?? 1)

/** Another one gives other runs. */
const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)

const { fresh, copyOf } = scratch()

/** How many calls of the workload change the disk. */
async function changesOf(durability: Durability, workload: Workload): Promise<number> {
  const storage = new FaultyStorage()
  await runWorkload(fresh(), storage, durability, workload)
  return storage.changes
}

describe('a killed process', () => {
  it.for(EACH)(
    'loses nothing it acknowledged, in whichever call it dies (%s)',
    async ([, durability, workload]) => {
      const changes = await changesOf(durability, workload)
      for (let at = 0; at < changes; at++) {
        const dir = fresh()
        const storage = new FaultyStorage({
          seed: SEED + at,
          fault: ({ change }) => (change === at ? 'stop' : undefined),
        })
        const trace = await runWorkload(dir, storage, durability, workload)
        const left = copyOf(dir)
        const faults = await faultsAfterRecovery(
          left,
          trace,
          trace.acknowledged.length,
          'first boot',
        )
        expect(faults, `killed in call ${at}, seed ${SEED}`).toEqual([])
        rmSync(dir, { recursive: true })
        rmSync(left, { recursive: true })
      }
    },
  )
})

describe('a power loss', () => {
  it.for(EACH)(
    'takes nothing that was durable, at whichever call it comes (%s)',
    async ([, durability, workload]) => {
      const changes = await changesOf(durability, workload)
      for (let at = 0; at < changes; at++) {
        const dir = fresh()
        const model = new PowerModel(dir)
        const storage = new FaultyStorage({
          seed: SEED + at,
          model,
          fault: ({ change }) => (change === at ? 'stop' : undefined),
        })
        const trace = await runWorkload(dir, storage, durability, workload)
        for (let loss = 0; loss < LOSSES; loss++) {
          const seed = SEED + at * LOSSES + loss
          const left = fresh()
          // Now and then the disk wrote back nothing that it was not told to.
          model.lose(left, seed % 4 === 0 ? undefined : randomFrom(seed))
          const faults = await faultsAfterRecovery(left, trace.copy(), trace.durable, 'second boot')
          expect(
            faults,
            `power lost at call ${at}, loss ${loss} of ${LOSSES}, seed ${SEED}`,
          ).toEqual([])
          rmSync(left, { recursive: true })
        }
        rmSync(dir, { recursive: true })
      }
    },
  )
})
