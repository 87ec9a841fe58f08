/**
 * Truncations and removed segments under crashes at every call that changes the disk: a truncation is there as a whole
 * or not at all, nothing below the first position comes back, and nothing void is read.
 */

import { basename } from 'node:path'
import {
  LOSSES,
  type LossName,
  pick,
  randomFrom,
  SimulatedDisk as Disk,
  type SimulatedStorage,
} from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { DIR, nameOfCall, runOn } from './simulated.ts'
import {
  crashesOf,
  Driver,
  faultsOf,
  History,
  OPTIONS,
  SEED,
  STREAMS,
  type Workload,
} from './truncation-crash.ts'
import { DURABILITIES, nameOf } from './workload.ts'

async function opened(
  storage: SimulatedStorage,
  durability: Durability,
  history: History,
): Promise<Driver> {
  const log = await Log.open(DIR, { ...OPTIONS, storage, durability })
  return new Driver(log, history, durability)
}

const workload: Workload = async (storage, durability, history) => {
  const first = await opened(storage, durability, history)
  await first.append('', 5)
  await first.append('a', 6)
  await first.append('', 4)
  await first.truncate('', 3)
  await first.append('', 3)
  await first.truncate('a', 2)
  await first.append('b', 2)
  await first.append('a', 5)
  await first.sync()
  await first.truncate('', 5)
  await first.truncateFront('a', 4)
  await first.append('', 2)
  await first.truncateFront('', 7)
  await first.append('b', 5)
  await first.log.close()
  history.durable = history.acknowledged

  const second = await opened(storage, durability, history)
  await second.truncate('b', 1)
  await second.append('', 6)
  await second.truncate('', 0)
  await second.append('b', 4)
  await second.append('', 3)
  await second.retain(2)
  await second.append('a', 7)
  await second.truncateFront('b', second.log.stream('b').next - second.log.stream('b').first)
  await second.append('b', 2)
  await second.append('', 2)
  await second.log.close()
  history.durable = history.acknowledged
}

/** Commits of several segments: cut inside, prepared before a cut, overtaken by one, and let go. */
const chained: Workload = async (storage, durability, history) => {
  const first = await opened(storage, durability, history)
  await first.append('', 2)
  await first.transact(['', 'a'], 20)
  await first.truncate('', 5)
  await first.append('', 3)
  await first.truncate('a', 9)
  await first.transact(['b', 'a', ''], 24)
  // Without waiting: each takes its place behind the one before.
  await Promise.all([
    first.transact(['', 'b'], 9),
    first.truncate('', 12),
    first.transact(['a', 'b'], 3),
    first.append('', 1),
  ])
  await first.truncateFront('', 9)
  await first.truncateFront('a', 13)
  await first.retain(99)
  await first.log.close()
  history.durable = history.acknowledged

  const second = await opened(storage, durability, history)
  await second.retain(5)
  await second.transact(['', 'b'], 20)
  await Promise.all([second.truncateFront('b', 12), second.transact(['b', 'a'], 12)])
  await second.append('a', 1)
  await second.retain(2)
  await second.transact(['', 'a'], 16)
  await second.log.close()
  history.durable = history.acknowledged
}

/** Anything in any order, over several openings. */
function anything(seed: number): Workload {
  return async (storage, durability, history) => {
    const random = randomFrom(seed)
    for (let opening = 0; opening < 3; opening++) {
      const driver = await opened(storage, durability, history)
      for (let step = 0; step < 12; step++) {
        const name = STREAMS[pick(random, STREAMS.length)]!
        const count = history.last[name].entries.length
        const what = random()
        if (what < 0.4) await driver.append(name, 1 + pick(random, 4))
        else if (what < 0.5) await driver.transact(STREAMS, 1 + pick(random, 16))
        else if (what < 0.75) await driver.truncate(name, pick(random, count + 1))
        else if (what < 0.85) await driver.truncateFront(name, pick(random, count + 1))
        else if (what < 0.95) await driver.retain(1 + pick(random, 3))
        else await driver.sync()
      }
      await driver.log.close()
      history.durable = history.acknowledged
    }
  }
}

describe.each(['EIO', 'ENOSPC'] as const)('a call that fails with %s', (fault) => {
  it.each(DURABILITIES.map((durability) => [nameOf(durability), durability] as const))(
    'leaves what is acknowledged, under %s, whichever it is',
    async (_, durability) => {
      const clean = new Disk({ seed: SEED })
      await runOn(clean, (storage) => workload(storage, durability, new History()))
      const found: string[] = []
      for (let number = 0; number < clean.calls; number += 3) {
        const disk = new Disk({ seed: SEED })
        const history = new History()
        let name = ''
        disk.fault = (call) => {
          if (call.number !== number) return undefined
          name = nameOfCall(call)
          return fault
        }
        let storageOpen = 0
        const outcome = await disk.run(async (storage) => {
          const code = await workload(storage, durability, history).then(
            () => '',
            (error: { code?: string }) => error.code ?? 'no code',
          )
          storageOpen = storage.openFiles.size
          return code
        })
        disk.fault = undefined
        const codes = ['', 'WALRUS_FAILED', 'WALRUS_IO', 'WALRUS_DISK_FULL']
        if (!codes.includes(outcome.value ?? 'ended')) found.push(`${name}: ${outcome.value}`)
        if (outcome.value === '' && storageOpen > 0) found.push(`${name}: files were left open`)
        const faults = await faultsOf(disk, history, history.acknowledged)
        found.push(...faults.map((each) => `${name}: ${each}`))
      }
      expect(found).toEqual([])
    },
  )
})

const EACH = DURABILITIES.flatMap((durability) => [
  [nameOf(durability), durability, 'as written down', workload] as const,
  [nameOf(durability), durability, 'of commits over several segments', chained] as const,
  [nameOf(durability), durability, 'of any kind', anything(SEED + 1)] as const,
])

describe.each(EACH)('truncations and removals under %s (%j), %s', (_, durability, _kind, work) => {
  it('are there or not after the process is killed in any call', async () => {
    const found: string[] = []
    for (const { name, disk, history } of await crashesOf(durability, work)) {
      const faults = await faultsOf(disk, history, history.acknowledged)
      found.push(...faults.map((fault) => `${name}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('are there or not after power is lost in any call', async () => {
    const losses = Object.keys(LOSSES) as LossName[]
    const found: string[] = []
    for (const [at, { name, disk, history }] of (await crashesOf(durability, work)).entries()) {
      const loss = losses[(at + SEED) % losses.length]!
      disk.losePower(loss)
      const faults = await faultsOf(disk, history, history.durable)
      found.push(...faults.map((fault) => `${loss} in ${name}: ${fault}`))
    }
    expect(found).toEqual([])
  })
})

it('the workload removes segments: otherwise nothing would be tried', async () => {
  const disk = new Disk({ seed: SEED })
  await runOn(disk, (storage) => workload(storage, 'commit', new History()))
  const oldest = [...disk.files().keys()].filter((path) => path.endsWith('.seg')).sort()[0]
  expect(Number.parseInt(basename(oldest!), 10)).toBeGreaterThan(2)
})
