/** Our side: the plain log, each subject in the way its durability is meant to be used. */

import { performance } from 'node:perf_hooks'
import { type Durability, Log, type LogOptions } from '@walrus/log'

import { forOneSync, perSync, watchDevice } from './device.ts'
import { withDirectory } from './directories.ts'
import { closedLoop } from './producers.ts'
import { repeat, SPARSELY } from './repetition.ts'
import { type StorageName, storageNamed } from './storages.ts'
import type { Subject } from './subject.ts'
import {
  BURST_ENTRIES,
  LARGE_PAYLOAD,
  MEASURE_SECONDS,
  PAYLOAD,
  SCAN_ENTRIES,
  WARMUP_SECONDS,
} from './workload.ts'

/** Entries asked for at once by a reader that pulls batches. */
const PULL_ENTRIES = 4096

/** Entries of a batch (a divisor of the entries in 1 MiB), and batches in flight, of a writer of much. */
const BULK_BATCH = 64
const BULK_IN_FLIGHT = 8

/** `appendSync` without a sync, from one loop. */
export async function burst(directory: string, name: StorageName): Promise<Subject> {
  const storage = await storageNamed(name)
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability: 'none', storage })
        const load = { operations: BURST_ENTRIES, timedEvery: SPARSELY }
        const { seconds, latencies } = repeat(load, () => log.appendSync(PAYLOAD))
        await log.close()
        expectEntries(log.lastIndex, BURST_ENTRIES)
        return { values: { perSecond: BURST_ENTRIES / seconds }, latencies }
      }),
  }
}

/** Larger entries without a sync, from one loop or in awaited batches, then one sync, which is in the time. */
export async function bulk(
  directory: string,
  name: StorageName,
  how: 'appendSync' | 'appendBatch',
  bytes: number,
): Promise<Subject> {
  const storage = await storageNamed(name)
  const entries = bytes / LARGE_PAYLOAD.length
  const append = { appendSync: bulkByAppendSync, appendBatch: bulkByAppendBatch }[how]
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability: 'none', storage })
        const device = watchDevice(path)
        const begun = performance.now()
        const latencies = await append(log, entries)
        await log.sync()
        const seconds = (performance.now() - begun) / 1000
        const written = forOneSync(device())
        await log.close()
        expectEntries(log.lastIndex, entries)
        return { values: { gigabytesPerSecond: bytes / 1e9 / seconds, ...written }, latencies }
      }),
  }
}

async function bulkByAppendSync(log: Log, entries: number): Promise<Float64Array> {
  const load = { operations: entries, timedEvery: SPARSELY }
  return repeat(load, () => log.appendSync(LARGE_PAYLOAD)).latencies
}

/** The latencies are those of a batch. */
async function bulkByAppendBatch(log: Log, entries: number): Promise<Float64Array> {
  const batch = Array.from({ length: BULK_BATCH }, () => LARGE_PAYLOAD)
  const latencies: number[] = []
  let left = entries / BULK_BATCH
  async function produce(): Promise<void> {
    while (left-- > 0) {
      const sent = performance.now()
      await log.appendBatch(batch)
      latencies.push((performance.now() - sent) * 1000)
    }
  }
  await Promise.all(Array.from({ length: BULK_IN_FLIGHT }, produce))
  return Float64Array.from(latencies)
}

/** `appendSync` that returns when the entry is on disk. */
export async function durableSync(directory: string, name: StorageName): Promise<Subject> {
  const storage = await storageNamed(name)
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability: 'commit', storage })
        const append = (): number => log.appendSync(PAYLOAD)
        const warm = repeat({ seconds: WARMUP_SECONDS, timedEvery: 1 }, append)
        const device = watchDevice(path)
        const result = repeat({ seconds: MEASURE_SECONDS, timedEvery: 1 }, append)
        const written = perSync(device())
        await log.close()
        expectEntries(log.lastIndex, warm.operations + result.operations)
        const perSecond = result.operations / result.seconds
        return { values: { perSecond, ...written }, latencies: result.latencies }
      }),
  }
}

/** `await append`; under `commit` with latencies. */
export async function appends(
  directory: string,
  name: StorageName,
  durability: Extract<Durability, string>,
  producers: number,
): Promise<Subject> {
  const storage = await storageNamed(name)
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability, storage })
        const append = (): Promise<number> => log.append(PAYLOAD)
        const timed = durability === 'commit'
        const warm = await closedLoop({ producers, seconds: WARMUP_SECONDS, timed }, append)
        const device = watchDevice(path)
        const result = await closedLoop({ producers, seconds: MEASURE_SECONDS, timed }, append)
        const written = timed ? perSync(device()) : {}
        await log.close()
        expectEntries(log.lastIndex, warm.operations + result.operations)
        const values = { perSecond: result.perSecond, ...written }
        return timed ? { values, latencies: result.latencies } : { values }
      }),
  }
}

/** Reading everything from the files, checksums verified: pulled in batches, or as an async iterable. */
export async function scan(directory: string, how: 'read' | 'entries'): Promise<Subject> {
  await fill(directory, SCAN_ENTRIES)
  const pass = { read: passByRead, entries: passByEntries }[how]
  return {
    async run() {
      const log = await Log.open(directory)
      const begun = performance.now()
      let entries = 0
      let seconds = 0
      while (seconds < MEASURE_SECONDS) {
        const { count, bytes } = await pass(log)
        expectEntries(count, SCAN_ENTRIES)
        expectEntries(bytes / PAYLOAD.length, SCAN_ENTRIES)
        entries += count
        seconds = (performance.now() - begun) / 1000
      }
      await log.close()
      return { values: { perSecond: entries / seconds } }
    },
  }
}

interface Pass {
  readonly count: number
  readonly bytes: number
}

async function passByRead(log: Log): Promise<Pass> {
  let count = 0
  let bytes = 0
  for (;;) {
    const entries = await log.read({ from: count + 1, maxEntries: PULL_ENTRIES })
    if (entries.length === 0) return { count, bytes }
    for (const entry of entries) bytes += entry.data.length
    count += entries.length
  }
}

async function passByEntries(log: Log): Promise<Pass> {
  let count = 0
  let bytes = 0
  for await (const entry of log.entries()) {
    count++
    bytes += entry.data.length
  }
  return { count, bytes }
}

/** Makes a cleanly closed log of so many entries, on the fd storage with the usual payload unless told otherwise. */
export async function fill(
  directory: string,
  entries: number,
  { payload = PAYLOAD, ...options }: LogOptions & { readonly payload?: Uint8Array } = {},
): Promise<void> {
  const log = await Log.open(directory, { ...options, durability: 'none' })
  for (let i = 0; i < entries; i++) log.appendSync(payload)
  await log.close()
  expectEntries(log.lastIndex, entries)
}

/** A rate is worth nothing when the entries are not there. */
export function expectEntries(found: number, expected: number): void {
  if (found !== expected)
    throw new Error(`found ${found} entries where there should be ${expected}`)
}
