/** The key-value store as it is meant to be used. */

import { execFile } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kv, type KvOf } from '@walrus/kv'

import { perSync, watchDevice } from './device.ts'
import { withDirectory } from './directories.ts'
import { fillShuffled, KEYS, keyOf } from './kv-keys.ts'
import type { Opening } from './open-kv.ts'
import { closedLoop } from './producers.ts'
import { randomIndex } from './random-index.ts'
import { repeat, SPARSELY } from './repetition.ts'
import { storageNamed } from './storages.ts'
import type { Subject } from './subject.ts'
import { MEASURE_SECONDS, PAYLOAD, WARMUP_SECONDS } from './workload.ts'

type Store = KvOf<'utf8', 'bytes'>

const MIB = 2 ** 20
/** All values and more. */
const CACHE_BYTES = 256 * MIB
const BATCH = 1000

/** Durable sets of random keys. */
export function durable(directory: string, producers: number): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const store = await Kv.open(path, { valueEncoding: 'bytes' })
        const next = randomIndex(KEYS)
        const set = (): Promise<void> => store.set(keyOf(next()), PAYLOAD)
        await closedLoop({ producers, seconds: WARMUP_SECONDS, timed: false }, set)
        const device = watchDevice(path)
        const result = await closedLoop({ producers, seconds: MEASURE_SECONDS, timed: true }, set)
        const written = perSync(device())
        await store.close()
        return { values: { perSecond: result.perSecond, ...written }, latencies: result.latencies }
      }),
  }
}

/** Every key once, in random order, without a sync, until all are acknowledged. */
export function burst(directory: string): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const store = await Kv.open(path, { durability: 'none', valueEncoding: 'bytes' })
        const begun = performance.now()
        await fillShuffled((key) => store.set(key, PAYLOAD))
        const seconds = (performance.now() - begun) / 1000
        if (store.size !== KEYS) throw new Error(`it holds ${store.size} of ${KEYS} keys`)
        await store.close()
        return { values: { perSecond: KEYS / seconds } }
      }),
  }
}

/** `getSync` of a random key: from the cache, or from the log through a map. */
export async function lookups(directory: string, from: 'cached' | 'mmap'): Promise<Subject> {
  const store = await filled(directory, from)
  const next = randomIndex(KEYS)
  return {
    async run() {
      let bytes = 0
      let firsts = 0
      const get = (): void => {
        const value = store.getSync(keyOf(next()))!
        bytes += value.length
        firsts += value[0]!
      }
      const warm = repeat({ seconds: WARMUP_SECONDS, timedEvery: SPARSELY }, get)
      const result = repeat({ seconds: MEASURE_SECONDS, timedEvery: SPARSELY }, get)
      const operations = warm.operations + result.operations
      if (bytes !== operations * PAYLOAD.length || firsts !== operations * PAYLOAD[0]!) {
        throw new Error(`it gave ${bytes} bytes in ${operations} values`)
      }
      const perSecond = result.operations / result.seconds
      return { values: { perSecond }, latencies: result.latencies }
    },
  }
}

/** `entriesSync` over everything, again and again until the time is over. */
export async function scan(directory: string): Promise<Subject> {
  const store = await filled(directory, 'cached')
  return {
    async run() {
      const begun = performance.now()
      let entries = 0
      let bytes = 0
      let seconds = 0
      while (seconds < MEASURE_SECONDS) {
        for (const [, value] of store.entriesSync()) {
          entries++
          bytes += value.length
        }
        seconds = (performance.now() - begun) / 1000
      }
      if (entries % KEYS !== 0 || bytes !== entries * PAYLOAD.length) {
        throw new Error(`it gave ${entries} entries with ${bytes} bytes`)
      }
      return { values: { perSecond: entries / seconds } }
    },
  }
}

/** Durable batches, one after another; the rate counts keys. */
export function batches(directory: string): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const store = await Kv.open(path, { valueEncoding: 'bytes' })
        const next = randomIndex(KEYS)
        const batch = (): Promise<void> =>
          store.batch(
            Array.from({ length: BATCH }, () => ({
              type: 'set',
              key: keyOf(next()),
              value: PAYLOAD,
            })),
          )
        await closedLoop({ producers: 1, seconds: WARMUP_SECONDS, timed: false }, batch)
        const load = { producers: 1, seconds: MEASURE_SECONDS, timed: true }
        const { perSecond, latencies } = await closedLoop(load, batch)
        await store.close()
        return { values: { perSecond: perSecond * BATCH }, latencies }
      }),
  }
}

/** Opens a store of so many keys in a fresh process. */
export async function opening(directory: string, keys: number): Promise<Subject> {
  if (keys > 0) await (await filled(directory, 'cached')).close()
  else await (await Kv.open(directory)).close()
  const program = fileURLToPath(new URL('./open-kv.js', import.meta.url))
  return {
    async run() {
      const { stdout } = await promisify(execFile)(process.execPath, [program, directory])
      const { milliseconds, rssBytes, size } = JSON.parse(stdout) as Opening
      if (size !== keys) throw new Error(`opened ${size} of ${keys} keys`)
      return { values: { milliseconds, rssMiB: rssBytes / MIB } }
    },
  }
}

async function filled(directory: string, from: 'cached' | 'mmap'): Promise<Store> {
  const store = await Kv.open(directory, {
    durability: 'none',
    valueEncoding: 'bytes',
    cacheBytes: from === 'cached' ? CACHE_BYTES : 0,
    ...(from === 'mmap' && { storage: await storageNamed('mmap') }),
  })
  await fillShuffled((key) => store.set(key, PAYLOAD))
  return store
}
