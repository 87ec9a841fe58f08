/** Each row runs, does the same again, and sees an engine that does not keep its promises. */

import type { Storage, StorageFile } from '@walrus/segment'
import { type LossName, SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Trace } from '../src/oracle.ts'
import { Counts, Plan } from '../src/plan.ts'
import { faultsAfterRecovery } from '../src/recovery.ts'
import { ROWS } from '../src/rows/index.ts'
import {
  ALPHABET,
  DURABILITIES,
  Driver,
  parseSteps,
  printSteps,
  SEGMENT_BYTES,
  STEPS_PATTERN,
} from '../src/workload.ts'

describe('a small run of each row', () => {
  // The others need the simulated node:fs that a worker of the pool loads: pool.test.ts.
  const here = ROWS.filter((row) => row.simulatesFs !== true)
  it.for(here.map((row) => [row.name, row] as const))('%s', async ([, row]) => {
    const counts = new Counts()
    let left = 12
    for (const plan of row.ciPlans()) {
      expect(await row.run(plan, counts), String(plan)).toEqual([])
      if (--left === 0) break
    }
    const { workloads, recoveries, faults } = counts
    expect(workloads + recoveries + faults).toBeGreaterThan(0)
  })
})

describe('a case run twice', () => {
  it.for(['crash seed=4711', 'again seed=12', 'sharing seed=3', 'kv seed=7'])(
    '%s counts the same',
    async (text) => {
      const [name, seed] = text.split(/ seed=/) as [string, string]
      const row = ROWS.find((each) => each.name === name)!
      const counts = [new Counts(), new Counts()]
      for (const each of counts) await row.run(new Plan(name, { seed }), each)
      expect(counts[0]).toEqual(counts[1])
    },
  )
})

describe('steps', () => {
  it('read as they are printed', () => {
    const text = ALPHABET.join(',')
    expect(STEPS_PATTERN.test(text)).toBe(true)
    expect(parseSteps(printSteps(parseSteps(text)))).toEqual(parseSteps(text))
    expect(printSteps(parseSteps('none'))).toBe('none')
  })
})

/** A storage that lies: what it leaves out it says it has done. */
function lying(storage: Storage, leavesOut: 'sync' | 'durable write' | 'sync directory'): Storage {
  const file = (real: StorageFile): StorageFile =>
    new Proxy(real, {
      get(_, key) {
        if (leavesOut === 'sync' && key === 'sync') return async () => {}
        if (leavesOut === 'sync' && key === 'syncSync') return () => {}
        if (leavesOut === 'durable write' && (key === 'write' || key === 'writeSync')) {
          return (from: Uint8Array, at: number) => real[key](from, at, false)
        }
        const value: unknown = Reflect.get(real, key, real)
        return typeof value === 'function' ? value.bind(real) : value
      },
      set: (_, key, value) => Reflect.set(real, key, value, real),
    })
  return new Proxy(storage, {
    get(_, key) {
      if (leavesOut === 'sync directory' && key === 'syncDir') return async () => {}
      if (leavesOut === 'sync directory' && key === 'syncDirSync') return () => {}
      if (key === 'open') {
        return async (...given: Parameters<Storage['open']>) => file(await storage.open(...given))
      }
      if (key === 'openSync') {
        return (...given: Parameters<Storage['openSync']>) => file(storage.openSync(...given))
      }
      const value: unknown = Reflect.get(storage, key, storage)
      return typeof value === 'function' ? value.bind(storage) : value
    },
  })
}

/** Runs a workload, takes the power away at its end, and says what is wrong then. */
async function faultsOf(
  durability: keyof typeof DURABILITIES,
  loss: LossName,
  through: (storage: Storage) => Storage,
): Promise<string[]> {
  const disk = new SimulatedDisk({ seed: 1 })
  const trace = new Trace()
  const steps = parseSteps('append:10,append:70000,stream:64,append:20,tick,sync,append:30')
  await disk.run(async (storage) => {
    const workload = { durability, segmentBytes: SEGMENT_BYTES, steps }
    const driver = new Driver(through(storage), trace, workload)
    await driver.open()
    for (const step of steps) await driver.step(step)
  })
  const moment = trace.moment()
  disk.losePower(loss)
  return await faultsAfterRecovery(disk, trace, moment, 'power')
}

describe('an engine on a storage', () => {
  it.for(['commit', 'interval', 'none'])(
    'that tells the truth keeps its promises (%s)',
    async (durability) => {
      expect(await faultsOf(durability, 'lost', (storage) => storage)).toEqual([])
    },
  )

  it.for([
    ['commit', 'durable write'],
    ['commit', 'sync directory'],
    ['interval', 'sync'],
    ['none', 'sync'],
  ] as const)(
    'that lies does not, and is found out (%s, no %s)',
    async ([durability, leavesOut]) => {
      const found = await faultsOf(durability, 'lost', (storage) => lying(storage, leavesOut))
      expect(found).not.toEqual([])
    },
  )
})
