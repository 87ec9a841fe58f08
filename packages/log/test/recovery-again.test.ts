/** A crash at every call of a recovery: the next one finds the same log, as often as that happens. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { crashesOf, spread } from './crashes.ts'
import { entriesOf, nameOfCall, openOn } from './simulated.ts'
import { contentsOf, summary } from './trace.ts'
import { DURABILITIES, nameOf, SEGMENT_BYTES } from './workload.ts'

/** So many crashes of the workload, spread evenly over it, each with every crash of its recovery. */
const CRASHES = 3
/** Another one gives other runs. */
const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)
const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)

/** What the log holds, after a recovery where it needs one. */
async function recovered(disk: SimulatedDisk): Promise<Record<string, string>> {
  const log = await openOn(disk, { segmentBytes: SEGMENT_BYTES })
  const found = summary(await contentsOf(log))
  await log.close()
  return found
}

/** Opens, and takes a copy of the disk in each call that changes it. */
async function interruptions(disk: SimulatedDisk): Promise<Map<string, SimulatedDisk>> {
  const left = new Map<string, SimulatedDisk>()
  disk.fault = (call) => {
    if (call.change !== undefined) left.set(nameOfCall(call), disk.copy())
    return undefined
  }
  const log = await openOn(disk, { segmentBytes: SEGMENT_BYTES })
  disk.fault = undefined
  await log.close()
  return left
}

it.for(
  EACH.flatMap(([name, durability]) => [
    [name, 'killed', durability, false] as const,
    [name, 'power lost', durability, true] as const,
  ]),
)(
  'recovery that does not come to its end is repeated (%s, %s)',
  async ([, , durability, power]) => {
    for (const { call, disk: image } of spread(await crashesOf(durability, SEED), CRASHES)) {
      if (power) image.losePower()
      const expected = await recovered(image.copy())
      for (const [first, disk] of await interruptions(image.copy())) {
        if (power) disk.losePower()
        // And a second interruption, somewhere in the repetition.
        const again = [...(await interruptions(disk.copy()))]
        const [second, left] = again[call.number % again.length] ?? ['none', disk]
        if (power) left.losePower()
        const what = `crash in ${nameOfCall(call)}, in ${first} of the recovery, and in ${second}`
        expect(await recovered(left), what).toEqual(expected)
      }
    }
  },
)

it.for(EACH)(
  'what a killed writer left, and its successor returned, is durable then (%s)',
  async ([, durability]) => {
    for (const { call, disk } of await crashesOf(durability, SEED)) {
      const log = await openOn(disk, { segmentBytes: SEGMENT_BYTES })
      const returned = summary(await contentsOf(log))
      disk.losePower(call.number % 3 === 0 ? 'lost' : 'any')
      expect(await recovered(disk), `killed in ${nameOfCall(call)}`).toEqual(returned)
    }
  },
)

it('directories that a writer made before it was stopped are durable with what its successor writes', async () => {
  const dir = '/above/between/log'
  const disk = new SimulatedDisk()
  const left: [string, SimulatedDisk][] = []
  disk.fault = (call) => {
    if (call.change !== undefined) left.push([nameOfCall(call), disk.copy()])
    return undefined
  }
  await Log.open(dir, { storage: disk.process() })
  expect(left.length).toBeGreaterThan(8)
  for (const [call, stopped] of left) {
    const log = await Log.open(dir, { storage: stopped.process() })
    await log.append('entry')
    stopped.losePower('lost')
    const again = await Log.open(dir, { storage: stopped.process() })
    expect(await entriesOf(again), `killed in ${call}`).toEqual(['entry'])
  }
})
