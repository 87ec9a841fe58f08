/** Our side: the plain log on the fd storage, plain Node, each subject in the way its durability is meant to be used. */

import { performance } from 'node:perf_hooks'
import { Log } from '@walrus/log'
import { fd } from '@walrus/segment'

import { withDirectory } from './directories.ts'
import { closedLoop } from './producers.ts'
import type { Subject } from './subject.ts'
import {
  BURST_ENTRIES,
  MEASURE_SECONDS,
  PAYLOAD,
  SCAN_ENTRIES,
  WARMUP_SECONDS,
} from './workload.ts'

/** Entries asked for at once by a reader that pulls batches. */
const PULL_ENTRIES = 4096

/** `appendSync` without a sync, from one loop. */
export function burst(directory: string): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability: 'none' })
        const begun = performance.now()
        for (let i = 0; i < BURST_ENTRIES; i++) log.appendSync(PAYLOAD)
        const seconds = (performance.now() - begun) / 1000
        await log.close()
        expectEntries(log.lastIndex, BURST_ENTRIES)
        return { values: { perSecond: BURST_ENTRIES / seconds } }
      }),
  }
}

/** `await append`; under `commit` with latencies. */
export function appends(
  directory: string,
  durability: 'commit' | 'none',
  producers: number,
  { zeroAhead = true }: { readonly zeroAhead?: boolean } = {},
): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability, storage: fd({ zeroAhead }) })
        const append = (): Promise<number> => log.append(PAYLOAD)
        const timed = durability === 'commit'
        const warmup = { producers, seconds: WARMUP_SECONDS, timed }
        const warm = await closedLoop(warmup, append)
        const result = await closedLoop({ producers, seconds: MEASURE_SECONDS, timed }, append)
        await log.close()
        expectEntries(log.lastIndex, warm.operations + result.operations)
        const values = { perSecond: result.perSecond }
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

/** Makes a cleanly closed log of so many entries. */
export async function fill(directory: string, entries: number): Promise<void> {
  const log = await Log.open(directory, { durability: 'none' })
  for (let i = 0; i < entries; i++) log.appendSync(PAYLOAD)
  await log.close()
  expectEntries(log.lastIndex, entries)
}

/** A rate is worth nothing when the entries are not there. */
function expectEntries(found: number, expected: number): void {
  if (found !== expected)
    throw new Error(`found ${found} entries where there should be ${expected}`)
}
