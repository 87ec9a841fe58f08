/** lmdb as a key-value store: text keys, binary values, what else there is at its defaults. */

import { performance } from 'node:perf_hooks'
import type { RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb'

import { perSync, watchDevice } from './device.ts'
import { withDirectory } from './directories.ts'
import { fillShuffled, KEYS, keyOf } from './kv-keys.ts'
import { closedLoop } from './producers.ts'
import { randomIndex } from './random-index.ts'
import { repeat, SPARSELY } from './repetition.ts'
import { NotRun, type Subject } from './subject.ts'
import { MEASURE_SECONDS, PAYLOAD, WARMUP_SECONDS } from './workload.ts'

type Database = RootDatabase<Buffer, string>

const VALUE = Buffer.from(PAYLOAD)

async function openDatabase(
  path: string,
  options: Omit<RootDatabaseOptionsWithPath, 'path'>,
): Promise<Database> {
  let lmdb: typeof import('lmdb')
  try {
    lmdb = await import('lmdb')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new NotRun(`lmdb does not load (${code ?? message})`)
  }
  return lmdb.open<Buffer, string>({ path, encoding: 'binary', ...options })
}

/** `put`, then `flushed`: a commit is on disk then. */
export function durable(directory: string, producers: number): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const database = await openDatabase(path, {})
        const next = randomIndex(KEYS)
        const put = async (): Promise<void> => {
          await database.put(keyOf(next()), VALUE)
          await database.flushed
        }
        await closedLoop({ producers, seconds: WARMUP_SECONDS, timed: false }, put)
        const device = watchDevice(path)
        const result = await closedLoop({ producers, seconds: MEASURE_SECONDS, timed: true }, put)
        const written = perSync(device())
        await database.close()
        return { values: { perSecond: result.perSecond, ...written }, latencies: result.latencies }
      }),
  }
}

/** Every key once, in random order, without a sync. */
export function burst(directory: string): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const database = await openDatabase(path, { noSync: true })
        const begun = performance.now()
        await fillShuffled((key) => database.put(key, VALUE))
        const seconds = (performance.now() - begun) / 1000
        const stored = database.getKeysCount()
        await database.close()
        if (stored !== KEYS) throw new Error(`lmdb holds ${stored} of ${KEYS} keys`)
        return { values: { perSecond: KEYS / seconds } }
      }),
  }
}

export async function lookups(directory: string): Promise<Subject> {
  const database = await filled(directory)
  const next = randomIndex(KEYS)
  return {
    async run() {
      let bytes = 0
      let firsts = 0
      const get = (): void => {
        const value = database.getBinaryFast(keyOf(next()))!
        bytes += value.length
        firsts += value[0]!
      }
      const warm = repeat({ seconds: WARMUP_SECONDS, timedEvery: SPARSELY }, get)
      const result = repeat({ seconds: MEASURE_SECONDS, timedEvery: SPARSELY }, get)
      const operations = warm.operations + result.operations
      if (bytes !== operations * VALUE.length || firsts !== operations * VALUE[0]!) {
        throw new Error(`lmdb gave ${bytes} bytes in ${operations} values`)
      }
      const perSecond = result.operations / result.seconds
      return { values: { perSecond }, latencies: result.latencies }
    },
  }
}

export async function scan(directory: string): Promise<Subject> {
  const database = await filled(directory)
  return {
    async run() {
      const begun = performance.now()
      let entries = 0
      let bytes = 0
      let seconds = 0
      while (seconds < MEASURE_SECONDS) {
        for (const { value } of database.getRange()) {
          entries++
          bytes += value.length
        }
        seconds = (performance.now() - begun) / 1000
      }
      if (entries % KEYS !== 0 || bytes !== entries * VALUE.length) {
        throw new Error(`lmdb gave ${entries} entries with ${bytes} bytes`)
      }
      return { values: { perSecond: entries / seconds } }
    },
  }
}

async function filled(directory: string): Promise<Database> {
  const database = await openDatabase(directory, { noSync: true })
  await fillShuffled((key) => database.put(key, VALUE))
  return database
}
