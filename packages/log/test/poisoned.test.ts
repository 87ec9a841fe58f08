/** A call that fails for good: nobody is told that all is well, the log says so from then on, and opening heals it. */

import { WalrusError } from '@walrus/codec'
import { type Call, SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { Durability } from '../src/index.ts'
import { faultsAfterRecovery } from './recover.ts'
import { callsOn, DIR, nameOfCall, openOn, runOn, text } from './simulated.ts'
import { Trace } from './trace.ts'
import { type Driver, DURABILITIES, nameOf, openDriver, STEPS } from './workload.ts'

const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)

interface Run {
  readonly trace: Trace
  /** `undefined` when opening failed. */
  readonly driver: Driver | undefined
  /** What opening or closing failed with. */
  readonly error: unknown
  /** Acknowledged after something had failed. */
  readonly late: number
  /** Calls that were made when closing had come to its end. */
  readonly afterClose: number
}

/** Goes on to the end, whatever fails. */
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
    return { trace, driver: undefined, error, late: 0, afterClose: 0 }
  }
  let before: number | undefined
  for (const step of STEPS) {
    await step(driver, disk).catch(() => {})
    if (driver.failures.length > 0) before ??= trace.acknowledged.length
  }
  const late = trace.acknowledged.length - (before ?? trace.acknowledged.length)
  const error: unknown = await driver.close().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const { calls } = disk
  await disk.pass(1000)
  return { trace, driver, error, late, afterClose: disk.calls - calls }
}

async function callsOf(durability: Durability): Promise<readonly Call[]> {
  const disk = new SimulatedDisk()
  const calls = callsOn(disk)
  await runOn(disk, (storage) => run(disk, storage, durability))
  return calls
}

/** What is not as it must be after a run in which one call failed, in words. */
async function faultsOf(durability: Durability, fails: (call: Call) => boolean): Promise<string[]> {
  const found: string[] = []
  const disk = new SimulatedDisk()
  disk.fault = (call) => (fails(call) ? 'EIO' : undefined)
  const { trace, driver, error, late, afterClose } = await runOn(disk, async (storage) => {
    const result = await run(disk, storage, durability)
    disk.fault = undefined
    if ((await storage.locked(DIR)) !== undefined) found.push('the lock was not released')
    if (storage.openFiles.size > 0) found.push(`${storage.openFiles.size} files were left open`)
    return result
  })
  if (afterClose > 0) found.push(`${afterClose} calls were made after it was closed`)
  if (driver === undefined) {
    if (codeOf(error) !== 'WALRUS_IO') found.push(`opening threw ${String(error)}`)
  } else {
    const [first] = driver.failures
    for (const failure of [...driver.failures, error]) {
      if (codeOf(failure) !== 'WALRUS_FAILED') found.push(`a call threw ${String(failure)}`)
      else if (causeOf(failure) !== causeOf(first)) found.push('another cause than the first')
    }
    if (codeOf(causeOf(first)) !== 'WALRUS_IO') found.push('the cause is not what failed')
    if (late > 0) found.push(`${late} entries were acknowledged afterwards`)
  }
  found.push(...(await faultsAfterRecovery(disk, trace, trace.acknowledged.length)))
  return found
}

function codeOf(error: unknown): string | undefined {
  return error instanceof WalrusError ? error.code : undefined
}

function causeOf(error: unknown): unknown {
  return error instanceof WalrusError ? error.cause : undefined
}

/** What is found with each call of a run failing in turn, and with `andLater` all calls after it too. */
async function faultsOfEach(durability: Durability, andLater: boolean): Promise<string[]> {
  const found: string[] = []
  for (const call of await callsOf(durability)) {
    const fails = ({ number }: Call): boolean =>
      andLater ? number >= call.number : number === call.number
    const faults = await faultsOf(durability, fails)
    found.push(...faults.map((fault) => `${nameOfCall(call)}: ${fault}`))
  }
  return found
}

describe('whichever call fails, nobody is told that all is well, and opening heals the log', () => {
  it.for(EACH)('when it fails once (%s)', async ([, durability]) => {
    expect(await faultsOfEach(durability, false)).toEqual([])
  })

  it.for(EACH)('when the disk is gone from there on (%s)', async ([, durability]) => {
    expect(await faultsOfEach(durability, true)).toEqual([])
  })
})

describe('a failed sync, of which the system has dropped what it had not written', () => {
  it('takes nothing that was durable, and opening is not led astray by the rest', async () => {
    const found: string[] = []
    for (const durability of DURABILITIES) {
      for (const call of await callsOf(durability)) {
        if (!/sync|durable/.test(call.kind)) continue
        const disk = new SimulatedDisk()
        disk.fault = ({ number }) => (number === call.number ? 'EIO' : undefined)
        const { trace } = await runOn(disk, (storage) => run(disk, storage, durability))
        disk.fault = undefined
        disk.losePower()
        const faults = await faultsAfterRecovery(disk, trace, trace.durable)
        found.push(...faults.map((fault) => `${nameOf(durability)}, ${nameOfCall(call)}: ${fault}`))
      }
    }
    expect(found).toEqual([])
  })
})

describe('a log that has failed', () => {
  it.for(EACH)('can be read as far as it was written (%s)', async ([, durability]) => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { durability })
    await log.append('written')
    await log.stream('orders').append('written too')
    disk.fault = ({ kind }) => (/write/.test(kind) ? 'EIO' : undefined)
    const lost = [log.append('lost'), log.append('lost'), log.stream('orders').append('lost')]
    const outcomes = await Promise.allSettled(lost)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(log.lastIndex).toBe(1)
    expect(text((await log.get(1)).data)).toBe('written')
    expect((await log.read({ from: 1 })).length).toBe(1)
    expect((await log.stream('orders').read()).length).toBe(1)
    await expect(log.get(2)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE', index: 2 })
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })

  it('answers those who wait in the group under way, in the next one, and for room, all alike', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { bufferBytes: 0x1_0000 })
    disk.fault = ({ kind }) => (kind === 'durable write' ? 'EIO' : undefined)
    const underWay = log.append('under way')
    await Promise.resolve()
    await Promise.resolve()
    const waiting = [log.append('next'), log.append(Buffer.alloc(60_000)), log.append('no room')]
    const calls = [underWay, ...waiting, log.appendBatch(['a', 'b']), log.sync()]
    const outcomes = await Promise.allSettled(calls)
    const errors = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as unknown)
    expect(new Set(errors).size).toBe(1)
    expect(errors[0]).toMatchObject({ code: 'WALRUS_FAILED', cause: { code: 'WALRUS_IO' } })
    expect(() => log.appendSync('later')).toThrow(errors[0] as Error)
    await expect(log.append('later')).rejects.toBe(errors[0])
    await expect(log.sync()).rejects.toBe(errors[0])
    await expect(log.close()).rejects.toBe(errors[0])
    await expect(log.close()).rejects.toBe(errors[0])
  })

  it.for(['EIO', 'ENOSPC'] as const)(
    'is not healed by a sync that succeeds after one that failed (%s)',
    async (fault) => {
      const disk = new SimulatedDisk()
      const log = await openOn(disk, { durability: { everyMs: 5 } })
      await log.append('written')
      const { durable } = log.marks
      disk.fault = ({ kind }) => (kind === 'sync' ? fault : undefined)
      await expect(log.sync()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      disk.fault = undefined
      await expect(log.sync()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      expect(log.marks.durable).toBe(durable)
      await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    },
  )

  it('fails by the timer too: an interval sync that fails is told to the next caller', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { durability: { everyMs: 5 } })
    await log.append('written')
    disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined)
    await disk.pass(20)
    await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })

  it('writes nothing more but what is under way, also not what was queued', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { durability: { everyMs: 5 } })
    await log.append('written')
    // Large enough to be written in the background, one behind the other.
    const large = Array.from({ length: 6 }, () => log.append(Buffer.alloc(2_000_000)))
    const outcomes = Promise.allSettled(large)
    const calls: Call[] = []
    disk.fault = (call) => {
      calls.push(call)
      return call.kind === 'sync' ? 'EIO' : undefined
    }
    await disk.pass(10)
    await outcomes
    await disk.pass(6000)
    const failed = calls.findLastIndex(({ kind }) => kind === 'sync')
    expect(failed).toBeGreaterThanOrEqual(0)
    const later = calls.slice(failed + 1).map(({ kind }) => kind)
    expect(later.filter((kind) => /write|sync|create/.test(kind)).length).toBeLessThanOrEqual(1)
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })
})
