/** SQLite, as Node has it from 22 on: a table of keys and values, write-ahead log, every commit synced. */

import { join } from 'node:path'

import { withDirectory } from './directories.ts'
import { KEYS, keyOf } from './kv-keys.ts'
import { randomIndex } from './random-index.ts'
import { repeat } from './repetition.ts'
import { NotRun, type Subject } from './subject.ts'
import { MEASURE_SECONDS, PAYLOAD, WARMUP_SECONDS } from './workload.ts'

const BATCH = 1000

/** The part of `node:sqlite` that is used here: its types come with those of later versions of Node. */
interface Database {
  exec(sql: string): void
  prepare(sql: string): { run(key: string, value: Uint8Array): unknown }
  close(): void
}

/** One set a commit; the interface blocks, so there is one producer. */
export function durable(directory: string): Subject {
  return measured(directory, 1, (_, set) => set())
}

/** A transaction of 1,000 sets; the rate counts keys. */
export function batches(directory: string): Subject {
  return measured(directory, BATCH, (database, set) => {
    database.exec('BEGIN')
    for (let at = 0; at < BATCH; at++) set()
    database.exec('COMMIT')
  })
}

function measured(
  directory: string,
  keys: number,
  commit: (database: Database, set: () => void) => void,
): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const database = await openDatabase(join(path, 'kv.db'))
        const statement = database.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?)')
        const next = randomIndex(KEYS)
        const run = (): void => commit(database, () => void statement.run(keyOf(next()), PAYLOAD))
        repeat({ seconds: WARMUP_SECONDS, timedEvery: 1 }, run)
        const { operations, seconds, latencies } = repeat(
          { seconds: MEASURE_SECONDS, timedEvery: 1 },
          run,
        )
        database.close()
        return { values: { perSecond: (operations * keys) / seconds }, latencies }
      }),
  }
}

async function openDatabase(path: string): Promise<Database> {
  // By a name that is not known when this is compiled: Node 20 has no such module.
  const name: string = 'node:sqlite'
  const module = (await import(name).catch(() => {
    throw new NotRun('this Node has no node:sqlite')
  })) as { DatabaseSync: new (path: string) => Database }
  const database = new module.DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE kv (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID')
  return database
}
