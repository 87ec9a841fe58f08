/**
 * Views and their snapshots under crashes, failing calls and a full disk at every call: what a view is restored to is
 * what all entries of its stream come to, and a snapshot that was cut short does not count.
 */

import { WalrusError } from '@walrus/codec'
import {
  LOSSES,
  type LossName,
  SimulatedDisk as Disk,
  type SimulatedStorage,
} from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log, type LogOptions } from '../src/index.ts'
import { KeyView, keys, replayed } from './key-view.ts'
import { DIR, nameOfCall, runOn } from './simulated.ts'
import { DURABILITIES, nameOf } from './workload.ts'

const SEED = Number(process.env['WALRUS_TEST_SEED'] ?? 0)
const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)
/** Six rows make a commit, and as many a segment. */
const OPTIONS: LogOptions = { segmentBytes: 0x1_0000, bufferBytes: 0x1_0000 }
const ROW_BYTES = 9_000
const EVERY = 6

interface Progress {
  /** Entries of the view's stream that are acknowledged, and durable. */
  acknowledged: number
  durable: number
}

/** Puts keys and makes snapshots over two openings, asked for and by themselves, beside other appends. */
async function workload(
  storage: SimulatedStorage,
  durability: Durability,
  progress: Progress,
): Promise<void> {
  for (let opening = 0; opening < 2; opening++) {
    const log = await Log.open(DIR, { ...OPTIONS, storage, durability })
    try {
      const view = new KeyView('keys', ROW_BYTES)
      const attachment = await log.attach(view, { snapshotEvery: EVERY })
      expect(view.state).toEqual(await replayed(log))
      for (const [at, key] of [...keys(9), ...keys(7), ...keys(5, 5)].entries()) {
        await view.put(log, key)
        progress.acknowledged++
        if (durability === 'commit') progress.durable = progress.acknowledged
        if (at === 8 || at === 17) await attachment.snapshot()
        if (at % 4 === 0) await log.append('beside it')
      }
      await attachment.release()
    } finally {
      await log.close()
    }
    progress.durable = progress.acknowledged
  }
}

/** What is wrong after a crash. */
async function faultsOf(disk: Disk, least: number): Promise<string[]> {
  const found: string[] = []
  try {
    await runOn(disk, async (storage) => {
      let seen: string | undefined
      try {
        const reader = await Log.open(DIR, { storage, readOnly: true })
        const view = new KeyView()
        await reader.attach(view)
        seen = JSON.stringify(view.state)
        await reader.close()
      } catch (error) {
        if ((error as WalrusError).code !== 'WALRUS_NOT_FOUND') throw error
      }
      const log = await Log.open(DIR, { ...OPTIONS, storage })
      const view = new KeyView('keys', ROW_BYTES)
      const attachment = await log.attach(view, { snapshotEvery: EVERY })
      const state = JSON.stringify(view.state)
      const right = JSON.stringify(await replayed(log))
      if (state !== right) found.push(`restored to ${state}, not ${right}`)
      if (seen !== undefined && seen !== state) found.push(`a reader saw ${seen}, then ${state}`)
      const { next } = log.stream('keys')
      if (next < least) found.push(`${next} of ${least} entries are left`)
      if (view.applied > next - (view.restored > 0 ? 1 : 0)) found.push('the snapshot was not used')
      await view.put(log, 'after it')
      await attachment.snapshot()
      await log.close()
      const again = await Log.open(DIR, { ...OPTIONS, storage })
      const restored = new KeyView()
      await again.attach(restored)
      if (restored.applied > 0) found.push('the snapshot made last does not count')
      if (JSON.stringify(restored.state) !== JSON.stringify(view.state)) {
        found.push('the snapshot made last holds another state')
      }
      await again.close()
    })
  } catch (error) {
    found.push(String(error))
  }
  return found
}

interface Crash {
  readonly name: string
  readonly disk: Disk
  readonly progress: Progress
}

async function crashesOf(durability: Durability): Promise<Crash[]> {
  const disk = new Disk({ seed: SEED })
  const progress: Progress = { acknowledged: 0, durable: 0 }
  const crashes: Crash[] = []
  disk.fault = (call) => {
    if (call.change !== undefined) {
      crashes.push({ name: nameOfCall(call), disk: disk.copy(), progress: { ...progress } })
    }
    return undefined
  }
  await runOn(disk, (storage) => workload(storage, durability, progress))
  return crashes
}

describe.each(EACH)('views under %s', (_, durability) => {
  it('are restored to what there is after the process is killed in any call', async () => {
    const found: string[] = []
    const crashes = await crashesOf(durability)
    expect(crashes.length).toBeGreaterThan(80)
    for (const { name, disk, progress } of crashes) {
      const faults = await faultsOf(disk, progress.acknowledged)
      found.push(...faults.map((fault) => `${name}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('are restored to what there is after power is lost in any call', async () => {
    const losses = Object.keys(LOSSES) as LossName[]
    const found: string[] = []
    for (const [at, { name, disk, progress }] of (await crashesOf(durability)).entries()) {
      const loss = losses[(at + SEED) % losses.length]!
      disk.losePower(loss)
      const faults = await faultsOf(disk, progress.durable)
      found.push(...faults.map((fault) => `${loss} in ${name}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it.each(['EIO', 'ENOSPC'] as const)(
    'are restored after any call failed with %s',
    async (fault) => {
      const clean = new Disk({ seed: SEED })
      await runOn(clean, (storage) =>
        workload(storage, durability, { acknowledged: 0, durable: 0 }),
      )
      const found: string[] = []
      for (let number = fault === 'EIO' ? 0 : 1; number < clean.calls; number += 3) {
        const disk = new Disk({ seed: SEED })
        const progress: Progress = { acknowledged: 0, durable: 0 }
        let name = ''
        disk.fault = (call) => {
          if (call.number !== number) return undefined
          name = nameOfCall(call)
          return fault
        }
        const outcome = await disk.run((storage) =>
          workload(storage, durability, progress).catch((error: unknown) => {
            if (!(error instanceof WalrusError)) found.push(`${name}: ${String(error)}`)
          }),
        )
        disk.fault = undefined
        if (outcome.ended !== 'returned') found.push(`${name}: ${outcome.ended}`)
        const faults = await faultsOf(disk, progress.acknowledged)
        found.push(...faults.map((each) => `${name}: ${each}`))
      }
      expect(found).toEqual([])
    },
  )
})
