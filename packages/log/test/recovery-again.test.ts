/** A crash at every call of a recovery: the next one finds the same log, as often as that happens. */

import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { FaultyStorage } from './faulty-storage.ts'
import { PowerModel } from './power-model.ts'
import { pick, randomFrom } from './random.ts'
import { scratch } from './scratch.ts'
import { contentsOf, summary } from './trace.ts'
import { DURABILITIES, nameOf, runWorkload, SEGMENT_BYTES } from './workload.ts'

/** So many crashes of the workload, spread evenly over it, each with every crash of its recovery. */
const CRASHES = Number(process.env['WALRUS_TEST_CRASHES'] ?? 2)
/** Another one gives other runs. */
const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)
const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)

const { fresh, copyOf } = scratch()

/** What a crash of the workload leaves on the disk. */
async function crashed(durability: Durability, at: number, powerLoss: boolean): Promise<string> {
  const dir = fresh()
  const model = new PowerModel(dir)
  const storage = new FaultyStorage({
    model,
    fault: ({ change }) => (change === at ? 'stop' : undefined),
  })
  await runWorkload(dir, storage, durability)
  if (!powerLoss) return dir
  const left = fresh()
  model.lose(left, randomFrom(at))
  return left
}

async function open(dir: string, storage: FaultyStorage): Promise<Record<string, string>> {
  const log = await Log.open(dir, { storage, segmentBytes: SEGMENT_BYTES })
  const found = summary(await contentsOf(log))
  await log.close()
  return found
}

/** Opens, and stops at a call that changes the disk; the log that is left, which `powerLoss` may make less. */
async function interrupted(image: string, at: number, powerLoss: boolean): Promise<string> {
  const dir = copyOf(image)
  const model = new PowerModel(dir)
  const storage = new FaultyStorage({
    model,
    seed: at,
    bootId: powerLoss ? 'second boot' : 'first boot',
    fault: ({ change }) => (change === at ? 'stop' : undefined),
  })
  const opening = Log.open(dir, { storage, segmentBytes: SEGMENT_BYTES })
  opening.catch(() => {})
  await Promise.race([opening, storage.stopped])
  if (!powerLoss) return copyOf(dir)
  const left = fresh()
  model.lose(left, randomFrom(at))
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
    const counting = new FaultyStorage()
    await runWorkload(fresh(), counting, durability)
    const random = randomFrom(SEED + 17)
    for (let crash = 0; crash < CRASHES; crash++) {
      const share = (crash + random()) / CRASHES
      const at = 7 + pick(() => share, counting.changes - 7)
      const image = await crashed(durability, at, power)
      const last = new FaultyStorage({ bootId: power ? 'third boot' : 'first boot' })
      const expected = await open(copyOf(image), last)
      const { changes } = last
      for (let again = 0; again < changes; again++) {
        const left = await interrupted(image, again, power)
        // And a second interruption, somewhere in the repetition.
        const leftAgain = await interrupted(left, pick(random, changes), power)
        const storage = new FaultyStorage({ bootId: power ? 'third boot' : 'first boot' })
        const what = `crash at call ${at}, then at call ${again} of the recovery, seed ${SEED}`
        expect(await open(leftAgain, storage), what).toEqual(expected)
        rmSync(left, { recursive: true })
        rmSync(leftAgain, { recursive: true })
      }
    }
  },
)

it.for(EACH)(
  'what a killed writer left, and its successor returned, is durable then (%s)',
  async ([, durability]) => {
    const counting = new FaultyStorage()
    await runWorkload(fresh(), counting, durability)
    for (let at = 7; at < counting.changes; at += 2) {
      const dir = fresh()
      const model = new PowerModel(dir)
      const fault = ({ change }: { change: number }) => (change === at ? 'stop' : undefined)
      await runWorkload(dir, new FaultyStorage({ model, seed: at, fault }), durability)
      const successor = new FaultyStorage({ model, seed: 99, now: 1_700_000_100_000 })
      const log = await Log.open(dir, { storage: successor, segmentBytes: SEGMENT_BYTES })
      const recovered = summary(await contentsOf(log))
      const left = fresh()
      model.lose(left, at % 3 === 0 ? undefined : randomFrom(at))
      const last = new FaultyStorage({ bootId: 'second boot' })
      expect(await open(left, last), `killed in call ${at}`).toEqual(recovered)
      await log.close()
      rmSync(dir, { recursive: true })
      rmSync(left, { recursive: true })
    }
  },
)
