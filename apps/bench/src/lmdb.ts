/**
 * lmdb, as someone would use it for a log: ascending integer keys, binary values, and of the ways its documentation
 * offers the ones that were fastest for this. What is left at its default: page size, map size.
 */

import { performance } from 'node:perf_hooks'
import type { RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb'

import { perSync, watchDevice } from './device.ts'
import { withDirectory } from './directories.ts'
import { closedLoop } from './producers.ts'
import { randomIndex } from './random-index.ts'
import { repeat, SPARSELY } from './repetition.ts'
import { NotRun, type Subject } from './subject.ts'
import {
  BURST_ENTRIES,
  LOOKUP_ENTRIES,
  MEASURE_SECONDS,
  PAYLOAD,
  SCAN_ENTRIES,
  WARMUP_SECONDS,
} from './workload.ts'

type Database = RootDatabase<Buffer, number>

const VALUE = Buffer.from(PAYLOAD)

/** Puts in one event turn or transaction: enough to spread the cost of a commit, little enough to stay in cache. */
const TURN = 10_000

/** The keys ascend, so a put may go to the end without a search; only `putSync` has the option in its interface. */
const APPEND = { append: true }

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
  return lmdb.open<Buffer, number>({ path, encoding: 'binary', keyEncoding: 'uint32', ...options })
}

type Fill = (database: Database, entries: number) => Promise<unknown>

/** `put`, awaiting the last promise of every turn. */
const fillByPut: Fill = async (database, entries) => {
  for (let key = 0; key < entries; ) {
    const end = Math.min(key + TURN, entries)
    let last: Promise<boolean> | undefined
    while (key < end) last = database.put(key++, VALUE)
    await last
  }
}

/** `put` inside `batch`. */
const fillByBatch: Fill = async (database, entries) => {
  for (let key = 0; key < entries; ) {
    const end = Math.min(key + TURN, entries)
    await database.batch(() => {
      while (key < end) void database.put(key++, VALUE)
    })
  }
}

/** `putSync` inside `transactionSync`: the only way that needs no event loop. */
const fillByPutSync: Fill = async (database, entries) => {
  for (let key = 0; key < entries; ) {
    const end = Math.min(key + TURN, entries)
    database.transactionSync(() => {
      while (key < end) database.putSync(key++, VALUE, APPEND)
    })
  }
}

/** Puts without a sync, until all are committed and readable. */
export function burst(directory: string, how: 'put' | 'batch' | 'putSync'): Subject {
  const fill = { put: fillByPut, batch: fillByBatch, putSync: fillByPutSync }[how]
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const database = await openDatabase(path, { noSync: true })
        const begun = performance.now()
        await fill(database, BURST_ENTRIES)
        const seconds = (performance.now() - begun) / 1000
        const stored = database.getKeysCount()
        await database.close()
        if (stored !== BURST_ENTRIES)
          throw new Error(`lmdb holds ${stored} of ${BURST_ENTRIES} keys`)
        return { values: { perSecond: BURST_ENTRIES / seconds } }
      }),
  }
}

/**
 * Durable puts: with `flushed`, lmdb's default mode, where a commit is seen before it is on disk and `flushed` says when
 * it is; with `committed`, the older mode (`overlappingSync: false`), where a commit is on disk when it resolves.
 */
export function durable(
  directory: string,
  mode: 'flushed' | 'committed',
  producers: number,
): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const database = await openDatabase(path, { overlappingSync: mode === 'flushed' })
        let key = 0
        const put = {
          flushed: async (): Promise<void> => {
            await database.put(key++, VALUE)
            await database.flushed
          },
          committed: () => database.put(key++, VALUE),
        }[mode]
        await closedLoop({ producers, seconds: WARMUP_SECONDS, timed: false }, put)
        const device = watchDevice(path)
        const result = await closedLoop({ producers, seconds: MEASURE_SECONDS, timed: true }, put)
        const written = perSync(device())
        await database.close()
        return { values: { perSecond: result.perSecond, ...written }, latencies: result.latencies }
      }),
  }
}

/** `getRange` over everything, again and again until the time is over. */
export async function scan(directory: string): Promise<Subject> {
  const database = await openDatabase(directory, { noSync: true })
  await fillByPut(database, SCAN_ENTRIES)
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
      if (entries % SCAN_ENTRIES !== 0 || bytes !== entries * VALUE.length) {
        throw new Error(
          `lmdb gave ${entries} entries with ${bytes} bytes in whole passes over ${SCAN_ENTRIES}`,
        )
      }
      return { values: { perSecond: entries / seconds } }
    },
  }
}

/** `getBinaryFast` of a random key: the value in a buffer that the next call uses again, so the least that lmdb does. */
export async function lookups(directory: string): Promise<Subject> {
  const database = await openDatabase(directory, { noSync: true })
  await fillByPutSync(database, LOOKUP_ENTRIES)
  const next = randomIndex(LOOKUP_ENTRIES)
  return {
    async run() {
      let bytes = 0
      let firsts = 0
      const get = (): void => {
        const value = database.getBinaryFast(next())!
        bytes += value.length
        firsts += value[0]!
      }
      const warm = repeat({ seconds: WARMUP_SECONDS, timedEvery: SPARSELY }, get)
      const result = repeat({ seconds: MEASURE_SECONDS, timedEvery: SPARSELY }, get)
      const operations = warm.operations + result.operations
      if (bytes !== operations * VALUE.length || firsts !== operations * VALUE[0]!) {
        throw new Error(`lmdb gave ${bytes} bytes in ${operations} values`)
      }
      return {
        values: { perSecond: result.operations / result.seconds },
        latencies: result.latencies,
      }
    },
  }
}
