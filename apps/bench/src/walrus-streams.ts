/** Our side, what streams and those who follow cost: one among a thousand, and a reader at the heels of a writer. */

import { performance } from 'node:perf_hooks'
import { type Durability, Log, type Stream } from '@walrus/log'

import { perSync, watchDevice } from './device.ts'
import { withDirectory } from './directories.ts'
import { closedLoop } from './producers.ts'
import { type StorageName, storageNamed } from './storages.ts'
import type { Subject } from './subject.ts'
import { expectEntries } from './walrus.ts'
import {
  BURST_ENTRIES,
  MEASURE_SECONDS,
  PAYLOAD,
  STREAM_ENTRIES,
  WARMUP_SECONDS,
} from './workload.ts'

/** Entries that a writer appends before it lets the event loop turn, and by how much it may be ahead of who follows. */
const TURN = 1000
const LEAD = 100_000

/** `await append` of so many producers, each entry to the next of so many streams. */
export async function appendsOver(
  directory: string,
  name: StorageName,
  streams: number,
  producers: number,
): Promise<Subject> {
  const storage = await storageNamed(name)
  const durability: Durability = 'commit'
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability, storage })
        const handles = streamsOf(log, streams)
        // Each appears with its first entry; that is not what is measured.
        await Promise.all(handles.map((stream) => stream.append(PAYLOAD)))
        let turn = 0
        const append = (): Promise<number> => handles[turn++ % streams]!.append(PAYLOAD)
        await closedLoop({ producers, seconds: WARMUP_SECONDS, timed: true }, append)
        const device = watchDevice(path)
        const result = await closedLoop(
          { producers, seconds: MEASURE_SECONDS, timed: true },
          append,
        )
        const written = perSync(device())
        const found = handles.reduce((sum, { next }) => sum + next, 0)
        await log.close()
        expectEntries(found, streams + turn)
        return {
          values: { perSecond: result.perSecond, ...written },
          latencies: result.latencies,
        }
      }),
  }
}

/** Reading one stream whole, of so many that were written in turn, equally; each time the next one. */
export async function readOneOf(
  directory: string,
  name: StorageName,
  streams: number,
): Promise<Subject> {
  const storage = await storageNamed(name)
  const filling = await Log.open(directory, { durability: 'none', storage })
  const handles = streamsOf(filling, streams)
  for (let n = 0; n < STREAM_ENTRIES; n++) {
    for (const stream of handles) stream.appendSync(PAYLOAD)
  }
  await filling.close()
  return {
    async run() {
      const log = await Log.open(directory, { storage })
      const begun = performance.now()
      let entries = 0
      let seconds = 0
      for (let pass = 0; seconds < MEASURE_SECONDS; pass++) {
        let bytes = 0
        for await (const { data } of log.stream(nameOf(pass % streams)).entries()) {
          bytes += data.length
        }
        expectEntries(bytes / PAYLOAD.length, STREAM_ENTRIES)
        entries += STREAM_ENTRIES
        seconds = (performance.now() - begun) / 1000
      }
      await log.close()
      return { values: { perSecond: entries / seconds } }
    },
  }
}

/** A follower in the writer's process: the rate at which it has everything, the writer never far ahead of it. */
export async function followed(directory: string, name: StorageName): Promise<Subject> {
  const storage = await storageNamed(name)
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const log = await Log.open(path, { durability: 'none', storage })
        let seen = 0
        let bytes = 0
        const begun = performance.now()
        const following = (async () => {
          for await (const { data } of log.entries({ follow: true })) {
            bytes += data.length
            if (++seen === BURST_ENTRIES) break
          }
        })()
        for (let appended = 0; appended < BURST_ENTRIES; ) {
          for (let n = 0; n < TURN; n++) log.appendSync(PAYLOAD)
          appended += TURN
          do await turned()
          while (appended - seen > LEAD)
        }
        await following
        const seconds = (performance.now() - begun) / 1000
        await log.close()
        expectEntries(bytes / PAYLOAD.length, BURST_ENTRIES)
        return { values: { perSecond: BURST_ENTRIES / seconds } }
      }),
  }
}

function streamsOf(log: Log, streams: number): Stream[] {
  return Array.from({ length: streams }, (_, number) => log.stream(nameOf(number)))
}

function nameOf(number: number): string {
  return `stream ${number}`
}

function turned(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
