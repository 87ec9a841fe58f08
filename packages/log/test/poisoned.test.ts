/** A call that fails for good: nobody is told that all is well, the log says so from then on, and opening heals it. */

import { readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { type Call, FaultyStorage } from './faulty-storage.ts'
import { PowerModel } from './power-model.ts'
import { randomFrom } from './random.ts'
import { faultsAfterRecovery } from './recover.ts'
import { scratch } from './scratch.ts'
import { Trace } from './trace.ts'
import { type Driver, DURABILITIES, nameOf, openDriver, STEPS } from './workload.ts'

const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)
const { fresh } = scratch()

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
async function run(dir: string, storage: FaultyStorage, durability: Durability): Promise<Run> {
  const trace = new Trace()
  let driver: Driver
  try {
    driver = await openDriver(dir, storage, durability, trace)
  } catch (error) {
    return { trace, driver: undefined, error, late: 0, afterClose: 0 }
  }
  let before: number | undefined
  for (const step of STEPS) {
    await step(driver, storage).catch(() => {})
    if (driver.failures.length > 0) before ??= trace.acknowledged.length
  }
  const late = trace.acknowledged.length - (before ?? trace.acknowledged.length)
  const error: unknown = await driver.close().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const { length } = storage.calls
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve))
  return { trace, driver, error, late, afterClose: storage.calls.length - length }
}

async function callsOf(durability: Durability): Promise<readonly Call[]> {
  const storage = new FaultyStorage()
  await run(fresh(), storage, durability)
  return storage.calls
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** What is not as it must be after a run in which one call failed, in words. */
async function faultsOf(
  dir: string,
  durability: Durability,
  fails: (call: Call) => boolean,
): Promise<string[]> {
  const found: string[] = []
  const descriptors = openDescriptors()
  const storage = new FaultyStorage({ fault: (call) => (fails(call) ? 'EIO' : undefined) })
  const { trace, driver, error, late, afterClose } = await run(dir, storage, durability)
  if (afterClose > 0) found.push(`${afterClose} calls were made after it was closed`)
  if (storage.isLocked) found.push('the lock was not released')
  const left = openDescriptors() - descriptors
  if (left !== 0) found.push(`${left} files were left open`)
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
  found.push(...(await faultsAfterRecovery(dir, trace, trace.acknowledged.length, 'first boot')))
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
  for (const { number, kind, path } of await callsOf(durability)) {
    const dir = fresh()
    const fails = (call: Call): boolean =>
      andLater ? call.number >= number : call.number === number
    for (const fault of await faultsOf(dir, durability, fails)) {
      found.push(`call ${number}, ${kind} ${basename(path)}: ${fault}`)
    }
    rmSync(dir, { recursive: true })
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
    for (const { number, kind, path } of await callsOf('commit')) {
      if (!/sync|durable/.test(kind)) continue
      const dir = fresh()
      const model = new PowerModel(dir)
      const fault = (call: Call) => (call.number === number ? 'EIO' : undefined)
      const { trace } = await run(dir, new FaultyStorage({ model, fault }), 'commit')
      const left = fresh()
      model.lose(left, randomFrom(number))
      for (const each of await faultsAfterRecovery(left, trace, trace.durable, 'first boot')) {
        found.push(`call ${number}, ${kind} ${basename(path)}: ${each}`)
      }
    }
    expect(found).toEqual([])
  })
})

describe('a log that has failed', () => {
  it.for(EACH)('can be read as far as it was written (%s)', async ([, durability]) => {
    const storage = new FaultyStorage()
    const log = await Log.open(fresh(), { storage, durability })
    await log.append('written')
    await log.stream('orders').append('written too')
    storage.fault = ({ kind }) => (/write/.test(kind) ? 'EIO' : undefined)
    const lost = [log.append('lost'), log.append('lost'), log.stream('orders').append('lost')]
    const outcomes = await Promise.allSettled(lost)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(log.lastIndex).toBe(1)
    expect(Buffer.from((await log.get(1)).data).toString()).toBe('written')
    expect((await log.read({ from: 1 })).length).toBe(1)
    expect((await log.stream('orders').read()).length).toBe(1)
    await expect(log.get(2)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE', index: 2 })
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })

  it('answers those who wait in the group under way, in the next one, and for room, all alike', async () => {
    const storage = new FaultyStorage()
    const log = await Log.open(fresh(), { storage, bufferBytes: 0x1_0000 })
    storage.fault = ({ kind }) => (kind === 'durable write' ? 'EIO' : undefined)
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
      const storage = new FaultyStorage()
      const log = await Log.open(fresh(), { storage, durability: { everyMs: 5 } })
      await log.append('written')
      const { durable } = log.marks
      storage.fault = ({ kind }) => (kind === 'sync' ? fault : undefined)
      await expect(log.sync()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      storage.fault = undefined
      await expect(log.sync()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      expect(log.marks.durable).toBe(durable)
      await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    },
  )

  it('fails by the timer too: an interval sync that fails is told to the next caller', async () => {
    const storage = new FaultyStorage()
    const log = await Log.open(fresh(), { storage, durability: { everyMs: 5 } })
    await log.append('written')
    storage.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined)
    await storage.tick(10)
    await storage.tick(10)
    await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })

  it('writes nothing more but what is under way, also not what was queued', async () => {
    const storage = new FaultyStorage()
    const log = await Log.open(fresh(), { storage, durability: { everyMs: 5 } })
    await log.append('written')
    // Large enough to be written in the background, one behind the other.
    const large = Array.from({ length: 6 }, () => log.append(Buffer.alloc(2_000_000)))
    const outcomes = Promise.allSettled(large)
    storage.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined)
    await storage.tick(10)
    await outcomes
    for (let turns = 0; turns < 20; turns++) {
      await storage.tick(300)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const failed = storage.calls.findLastIndex(({ kind }) => kind === 'sync')
    const later = storage.calls.slice(failed + 1).map(({ kind }) => kind)
    expect(later.filter((kind) => /write|sync|create/.test(kind)).length).toBeLessThanOrEqual(1)
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })
})
