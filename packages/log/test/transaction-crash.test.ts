/** A crash in every call of a transaction's commit that changes the disk: all of it is there, or nothing. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import {
  crashed,
  DIR,
  ENDS,
  faults,
  options,
  type Progress,
  SHAPES,
  workload,
} from './transaction-crash.ts'

const DURABILITIES: Readonly<Record<string, Durability>> = {
  commit: 'commit',
  interval: { everyMs: 5 },
  none: 'none',
}

const EACH = Object.keys(SHAPES).flatMap((shape) =>
  Object.keys(DURABILITIES).map((durability) => [shape, durability] as const),
)

describe('a crash', () => {
  it.each(EACH)(
    'leaves all of a transaction or nothing of it: %s, %s',
    async (name, durability) => {
      const shape = SHAPES[name]!
      const disk = new SimulatedDisk({ seed: 5 })
      const progress: Progress = { stage: 'before' }
      const crashes: { at: number; stage: Progress['stage']; disks: SimulatedDisk[] }[] = []
      disk.fault = ({ change }) => {
        if (change === undefined || progress.stage === 'before') return undefined
        const disks = ENDS.map((end) => crashed(disk, end))
        crashes.push({ at: change, stage: progress.stage, disks })
        return undefined
      }
      await disk.run((storage) => workload(storage, DURABILITIES[durability]!, shape, progress))
      expect(crashes.length).toBeGreaterThan(5)
      // Under the others, what is acknowledged is not durable yet; a large transaction is.
      const spilled = name.startsWith('spilled')
      for (const { at, stage, disks } of crashes) {
        for (const [number, left] of disks.entries()) {
          const end = ENDS[number]!
          const binding =
            end === 'kill' || durability === 'commit' || (spilled && stage === 'committed')
          const found = await faults(left, shape, { stage }, binding)
          expect(found, `in call ${at} (${stage}), ${end}`).toEqual([])
        }
      }
    },
  )
})

describe('a power loss while the segments of a large transaction get their names', () => {
  it.each(Object.keys(DURABILITIES))(
    'leaves all of it or nothing, whichever are lost: %s',
    async (durability) => {
      const shape = SHAPES['spilled']!
      const disk = new SimulatedDisk({ seed: 6 })
      const progress: Progress = { stage: 'before' }
      const crashes: { at: number; stage: Progress['stage']; disks: SimulatedDisk[] }[] = []
      disk.fault = ({ change, kind }) => {
        const naming = kind === 'rename' || kind === 'sync directory'
        if (change === undefined || progress.stage !== 'begun' || !naming) return undefined
        const disks = Array.from({ length: 16 }, (_, seed) =>
          crashed(disk, { data: 'kept', sizes: 'kept', names: 'any' }, seed),
        )
        crashes.push({ at: change, stage: progress.stage, disks })
        return undefined
      }
      await disk.run((storage) => workload(storage, DURABILITIES[durability]!, shape, progress))
      expect(crashes.length).toBeGreaterThan(5)
      for (const { at, stage, disks } of crashes) {
        for (const [seed, left] of disks.entries()) {
          const found = await faults(left, shape, { stage }, true)
          expect(found, `in call ${at}, seed ${seed}`).toEqual([])
        }
      }
    },
  )
})

describe('a recovery that is itself stopped', () => {
  it('leaves nothing of a transaction whose first segment has no name, in whichever call it is', async () => {
    const shape = SHAPES['spilled']!
    const disk = new SimulatedDisk({ seed: 7 })
    const progress: Progress = { stage: 'before' }
    let left: SimulatedDisk | undefined
    disk.fault = ({ kind }) => {
      // All the others have theirs.
      if (progress.stage === 'begun' && kind === 'sync directory') left ??= crashed(disk, 'kept')
      return undefined
    }
    await disk.run((storage) => workload(storage, 'commit', shape, progress))
    const names = [...left!.files().keys()].filter((path) => path.endsWith('.seg'))
    expect(names.length).toBeGreaterThan(2)
    expect(names).not.toContain(`${DIR}/000000000002.seg`)
    for (const end of ['kill', 'lost', 'any'] as const) {
      for (let at = 0; ; at++) {
        const again = left!.copy({ seed: at })
        let stopped: SimulatedDisk | undefined
        again.fault = ({ change }) => {
          if (change === at) stopped = crashed(again, end)
          return undefined
        }
        await again.run(async (storage) => {
          const log = await Log.open(DIR, { storage, ...options })
          await log.close()
        })
        if (stopped === undefined) {
          expect(at).toBeGreaterThan(10)
          break
        }
        const found = await faults(stopped, shape, { stage: 'begun' }, true)
        expect(found, `in call ${at} of the recovery, ${end}`).toEqual([])
        expect(at).toBeLessThan(100)
      }
    }
  })
})
