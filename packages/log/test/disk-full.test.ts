/** A disk without space: what does not fit is refused and leaves nothing; the log goes on when there is space again. */

import { basename } from 'node:path'
import { WalrusError } from '@walrus/codec'
import type { StorageFile } from '@walrus/segment'
import { type Call, type CallKind, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import {
  callsOn,
  cut,
  DIR,
  entriesOf,
  nameOfCall,
  openOn,
  runOn,
  segment,
  text,
} from './simulated.ts'
import { contentsOf, Trace, violations } from './trace.ts'
import { type Driver, DURABILITIES, nameOf, openDriver, SEGMENT_BYTES, STEPS } from './workload.ts'

const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)
/** The calls that need space. */
const NEEDING: readonly CallKind[] = ['create', 'write', 'durable write', 'mkdir']
/** For so long there is no space, in milliseconds. */
const FULL_MS = 700

interface Run {
  readonly trace: Trace
  readonly failures: readonly unknown[]
  /** Whether it could be opened. */
  readonly opened: boolean
}

/** Does everything that is done to a log, whatever is refused; then there is space, and it is closed. */
async function run(
  disk: SimulatedDisk,
  storage: SimulatedStorage,
  durability: Durability,
): Promise<Run> {
  const trace = new Trace()
  let driver: Driver
  try {
    driver = await openDriver(storage, durability, trace)
  } catch (error) {
    disk.fault = undefined
    return { trace, failures: [error], opened: false }
  }
  for (const step of STEPS) await step(driver, disk).catch(() => {})
  const failures = [...driver.failures]
  disk.fault = undefined
  await disk.pass(FULL_MS)
  await driver.append(123)
  await driver.append(124, 'orders')
  await driver.close()
  return { trace, failures, opened: true }
}

/** What is not as it must be, in words. */
async function faultsOf(
  durability: Durability,
  full: (call: Call, now: number) => boolean,
): Promise<string[]> {
  const disk = new SimulatedDisk()
  const found: string[] = []
  disk.fault = (call) =>
    NEEDING.includes(call.kind) && full(call, disk.now) ? 'ENOSPC' : undefined
  try {
    await runOn(disk, async (storage) => {
      const { trace, failures, opened } = await run(disk, storage, durability)
      for (const failure of failures) {
        const code = failure instanceof WalrusError ? failure.code : ''
        if (code !== 'WALRUS_DISK_FULL') found.push(`a call threw ${String(failure)}`)
      }
      if ((await storage.locked(DIR)) !== undefined) found.push('the lock was not released')
      if (storage.openFiles.size > 0) found.push(`${storage.openFiles.size} files were left open`)
      const log = await Log.open(DIR, { storage, segmentBytes: SEGMENT_BYTES })
      if (opened && !log.recovery.clean) found.push('it was closed, and did not open as closed')
      const contents = await contentsOf(log)
      await log.close()
      const held = [...contents.values()].reduce((sum, entries) => sum + entries.length, 0)
      const kept = trace.acknowledged.length + trace.promised.length
      found.push(...violations(trace, contents, kept))
      if (held !== kept) found.push(`${held} entries are there, of which ${kept} were taken`)
    })
  } catch (error) {
    found.push(String(error))
  }
  return found
}

async function callsOf(durability: Durability): Promise<Call[]> {
  const disk = new SimulatedDisk()
  const calls = callsOn(disk)
  await runOn(disk, (storage) => run(disk, storage, durability))
  return calls.filter(({ kind }) => NEEDING.includes(kind))
}

describe('what a full disk refuses is gone, and what comes later is numbered on', () => {
  it.for(EACH)('when one call finds no space (%s)', async ([, durability]) => {
    const found: string[] = []
    for (const call of await callsOf(durability)) {
      const faults = await faultsOf(durability, ({ number }) => number === call.number)
      found.push(...faults.map((fault) => `${nameOfCall(call)}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it.for(EACH)('when there is none for a while (%s)', async ([, durability]) => {
    const found: string[] = []
    for (const call of await callsOf(durability)) {
      let since: number | undefined
      const faults = await faultsOf(durability, ({ number }, now) => {
        if (number >= call.number) since ??= now
        return since !== undefined && now < since + FULL_MS
      })
      found.push(...faults.map((fault) => `${nameOfCall(call)}: ${fault}`))
    }
    expect(found).toEqual([])
  })
})

describe('a full disk', () => {
  it('lets a write that comes to its end late spoil nothing written after it', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('first')
    // Under way in the background, and done only when the event loop turns.
    const late = log.append('refused')
    late.catch(() => {})
    await Promise.resolve()
    await Promise.resolve()
    disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
    expect(() => log.appendSync('refused too')).toThrow(/ENOSPC/)
    disk.fault = undefined
    // There is space, but the first write may still come and must not find anything in its place.
    expect(() => log.appendSync('refused as well')).toThrow(/ENOSPC/)
    expect(await log.append('second')).toBe(2)
    await expect(late).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    await disk.pass(10)
    expect(text((await log.get(2)).data)).toBe('second')
    expect(log.appendSync('third')).toBe(3)
    await log.close()
    expect(await entriesOf(await openOn(disk))).toEqual(['first', 'second', 'third'])
  })
})

describe('a tail file for which there was no space', () => {
  it('is written in the same place the next time, so that the other slot is whole', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = new SimulatedDisk({ seed })
      const log = await openOn(disk)
      await log.append('first')
      await disk.pass(10)
      const faults = ['ENOSPC', 'kill'] as const
      let notes = 0
      disk.fault = ({ path }) => (path.endsWith('TAIL') ? faults[notes++] : undefined)
      for (const entry of ['second', 'third']) {
        await log.append(entry)
        await disk.pass(10)
      }
      expect(notes).toBe(2)
      const opening = openOn(cut(disk, segment(1), 192))
      // Only the tail file can know that anything is missing.
      await expect(opening, `seed ${seed}`).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
    }
  })
})

describe('an append that is refused', () => {
  it('does not come back when the writer is killed then, though all of it was written', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = new SimulatedDisk({ seed })
      const log = await openOn(disk)
      await log.append('first')
      disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
      await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
      const again = await openOn(disk.copy())
      expect(again.lastIndex, `seed ${seed}`).toBe(1)
      expect(again.recovery.torn, `seed ${seed}`).toBe(undefined)
      await again.close()
    }
  })

  it('is not overtaken by those that waited behind it', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { bufferBytes: 65_536 })
    await log.append('first')
    let full = true
    disk.fault = (call) => (full && call.kind === 'durable write' ? 'ENOSPC' : undefined)
    const large = new Uint8Array(60_000)
    const results = await Promise.allSettled([
      log.append(large).finally(() => (full = false)),
      log.append(large),
      log.append('small, and still behind the large ones'),
    ])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await log.append('second')).toBe(2)
    await log.close()
  })

  it('names the segment by the name it has, not by the one it was made under', async () => {
    const storage = new SimulatedDisk().process()
    const segments: StorageFile[] = []
    const open = storage.open.bind(storage)
    storage.open = async (path, mode) => {
      const file = await open(path, mode)
      if (path.includes('.seg')) segments.push(file)
      return file
    }
    const log = await Log.open(DIR, { storage })
    await log.close()
    expect(segments.map(({ path }) => basename(path))).toEqual([segment(1)])
  })
})
