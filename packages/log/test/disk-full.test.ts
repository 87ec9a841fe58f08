/** A disk without space: what does not fit is refused and leaves nothing; the log goes on when there is space again. */

import { rmSync, truncateSync } from 'node:fs'
import { basename, join } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { fd, type StorageFile } from '@walrus/segment'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { type Call, FaultyStorage, type Kind } from './faulty-storage.ts'
import { scratch } from './scratch.ts'
import { contentsOf, Trace, violations } from './trace.ts'
import { type Driver, DURABILITIES, nameOf, openDriver, SEGMENT_BYTES, STEPS } from './workload.ts'

const EACH = DURABILITIES.map((durability) => [nameOf(durability), durability] as const)
/** The calls that need space. */
const NEEDING: readonly Kind[] = ['create', 'write', 'durable write', 'mkdir']
/** For so long there is no space, in milliseconds. */
const FULL_MS = 700

const { fresh, copyOf } = scratch()

/** Waits for a step; time goes on when it waits for something that time brings. */
async function settled(step: Promise<void>, storage: FaultyStorage): Promise<void> {
  let done = false
  const end = step.catch(() => {}).finally(() => (done = true))
  for (let turns = 1; !done; turns++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (turns % 50 === 0) await storage.tick(100)
  }
  await end
}

/** Does everything that is done to a log, whatever is refused; then there is space, and it is closed. */
async function run(
  dir: string,
  storage: FaultyStorage,
  durability: Durability,
): Promise<{ trace: Trace; driver: Driver | undefined; failures: unknown[] }> {
  const trace = new Trace()
  let driver: Driver
  try {
    driver = await openDriver(dir, storage, durability, trace)
  } catch (error) {
    storage.fault = undefined
    return { trace, driver: undefined, failures: [error] }
  }
  for (const step of STEPS) await settled(step(driver, storage), storage)
  const failures = [...driver.failures]
  storage.fault = undefined
  await storage.tick(FULL_MS)
  await driver.append(123)
  await driver.append(124, 'orders')
  await driver.close()
  return { trace, driver, failures }
}

/** What is not as it must be, in words. */
async function faultsOf(durability: Durability, full: (call: Call, now: number) => boolean) {
  const dir = fresh()
  const storage = new FaultyStorage()
  storage.fault = (call) =>
    NEEDING.includes(call.kind) && full(call, storage.now) ? 'ENOSPC' : undefined
  const found: string[] = []
  try {
    const { trace, driver, failures } = await run(dir, storage, durability)
    for (const failure of failures) {
      const code = failure instanceof WalrusError ? failure.code : ''
      if (code !== 'WALRUS_DISK_FULL') found.push(`a call threw ${String(failure)}`)
    }
    if (storage.isLocked) found.push('the lock was not released')
    const log = await Log.open(dir, { storage, segmentBytes: SEGMENT_BYTES })
    if (driver !== undefined && !log.recovery.clean)
      found.push('it was closed, and did not open as closed')
    const contents = await contentsOf(log)
    await log.close()
    const held = [...contents.values()].reduce((sum, entries) => sum + entries.length, 0)
    const kept = trace.acknowledged.length + trace.promised.length
    found.push(...violations(trace, contents, kept))
    if (held !== kept) found.push(`${held} entries are there, of which ${kept} were taken`)
  } catch (error) {
    found.push(String(error))
  }
  rmSync(dir, { recursive: true })
  return found
}

async function callsOf(durability: Durability): Promise<Call[]> {
  const storage = new FaultyStorage()
  await run(fresh(), storage, durability)
  return storage.calls.filter(({ kind }) => NEEDING.includes(kind))
}

describe('what a full disk refuses is gone, and what comes later is numbered on', () => {
  it.for(EACH)('when one call finds no space (%s)', async ([, durability]) => {
    const found: string[] = []
    for (const { number, kind, path } of await callsOf(durability)) {
      const faults = await faultsOf(durability, (call) => call.number === number)
      for (const fault of faults) found.push(`${number}, ${kind} ${basename(path)}: ${fault}`)
    }
    expect(found).toEqual([])
  })

  it.for(EACH)('when there is none for a while (%s)', async ([, durability]) => {
    const found: string[] = []
    for (const { number, kind, path } of await callsOf(durability)) {
      let since: number | undefined
      const faults = await faultsOf(durability, (call, now) => {
        if (call.number >= number) since ??= now
        return since !== undefined && now < since + FULL_MS
      })
      for (const fault of faults) found.push(`${number}, ${kind} ${basename(path)}: ${fault}`)
    }
    expect(found).toEqual([])
  })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a full disk', () => {
  it('lets a write that comes to its end late spoil nothing written after it', async () => {
    const dir = fresh()
    const storage = new FaultyStorage()
    const log = await Log.open(dir, { storage })
    await log.append('first')
    // Under way in the background, and done only when the event loop turns.
    const late = log.append('refused')
    late.catch(() => {})
    await Promise.resolve()
    await Promise.resolve()
    storage.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
    expect(() => log.appendSync('refused too')).toThrow(/ENOSPC/)
    storage.fault = undefined
    // There is space, but the first write may still come and must not find anything in its place.
    expect(() => log.appendSync('refused as well')).toThrow(/ENOSPC/)
    expect(await log.append('second')).toBe(2)
    await expect(late).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(Buffer.from((await log.get(2)).data).toString()).toBe('second')
    expect(log.appendSync('third')).toBe(3)
    await log.close()
    const again = await Log.open(dir, { storage })
    const entries = await again.range(1, 3)
    expect(entries.map(({ data }) => Buffer.from(data).toString())).toEqual([
      'first',
      'second',
      'third',
    ])
    await again.close()
  })
})

describe('a tail file for which there was no space', () => {
  it('is written in the same place the next time, so that the other slot is whole', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const dir = fresh()
      const storage = new FaultyStorage({ seed })
      const log = await Log.open(dir, { storage })
      await log.append('first')
      await storage.tick(10)
      const faults = ['ENOSPC', 'stop'] as const
      let notes = 0
      storage.fault = ({ path }) => (path.endsWith('TAIL') ? faults[notes++] : undefined)
      for (const entry of ['second', 'third']) {
        await log.append(entry)
        await storage.tick(10)
      }
      expect(notes).toBe(2)
      const left = copyOf(dir)
      truncateSync(join(left, '000000000001.seg'), 192)
      const opening = Log.open(left, { storage: new FaultyStorage() })
      // Only the tail file can know that anything is missing.
      await expect(opening, `seed ${seed}`).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
    }
  })
})

describe('an append that is refused', () => {
  it('does not come back when the writer is killed then, though all of it was written', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const dir = fresh()
      const storage = new FaultyStorage({ seed })
      const log = await Log.open(dir, { storage })
      await log.append('first')
      storage.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
      await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
      const again = await Log.open(copyOf(dir), { storage: new FaultyStorage() })
      expect(again.lastIndex, `seed ${seed}`).toBe(1)
      expect(again.recovery.torn, `seed ${seed}`).toBe(undefined)
      await again.close()
    }
  })

  it('is not overtaken by those that waited behind it', async () => {
    const storage = new FaultyStorage()
    const log = await Log.open(fresh(), { storage, bufferBytes: 65_536 })
    await log.append('first')
    let full = true
    storage.fault = (call) => (full && call.kind === 'durable write' ? 'ENOSPC' : undefined)
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
    const storage = fd()
    const segments: StorageFile[] = []
    const open = storage.open.bind(storage)
    storage.open = async (path, mode) => {
      const file = await open(path, mode)
      if (path.includes('.seg')) segments.push(file)
      return file
    }
    const log = await Log.open(fresh(), { storage })
    await log.close()
    expect(segments.map(({ path }) => basename(path))).toEqual(['000000000001.seg'])
  })
})
