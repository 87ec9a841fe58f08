/** What comes of opening a log that may be damaged, and of reading all of it. */

import { WalrusError } from '@walrus/codec'
import { Log, type LogEntry, type Stream } from '@walrus/log'
import type { Storage, StorageFile } from '@walrus/segment'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { firstIndex } from '../oracle.ts'
import { DIR } from '../workload.ts'

export interface Stop {
  readonly stream: string
  readonly next: number
  readonly error: WalrusError
}

/** What came of opening a log and reading all of it. */
export interface Outcome {
  readonly refused?: unknown
  /** How many entries of each stream can be seen, and what reading them gave. */
  readonly seen: ReadonlyMap<string, readonly (string | WalrusError)[]>
  /** Errors that ended an iteration, or kept a stream from being read at all, with the index that was next. */
  readonly stopped: readonly Stop[]
  readonly torn?: { readonly index: number } | undefined
  readonly clean?: boolean
}

/** Opens, reads everything there is, in two ways, and closes. */
export async function outcomeOf(
  disk: SimulatedDisk,
  streams: Iterable<string>,
  readOnly: boolean,
): Promise<{ outcome: Outcome; buffer: number }> {
  let buffer = 0
  const note = (bytes: number): void => {
    buffer = Math.max(buffer, bytes)
  }
  const { value } = await disk.run(async (process): Promise<Outcome> => {
    const storage = measured(process, note)
    let log: Log
    try {
      log = await Log.open(DIR, { storage, readOnly })
    } catch (refused) {
      return { refused, seen: new Map(), stopped: [] }
    }
    const seen = new Map<string, (string | WalrusError)[]>()
    const stopped: Stop[] = []
    for (const name of new Set(['', ...streams, ...log.streams()])) {
      const { read, stop } = await readAll(log, name)
      if (read !== undefined) seen.set(name, read)
      if (stop !== undefined) stopped.push(stop)
    }
    const { torn, clean } = log.recovery
    await log.close()
    return { seen, stopped, torn, clean }
  })
  return { outcome: value!, buffer }
}

/** Every entry: by iterating, and one by one where that does not get further. */
async function readAll(
  log: Log,
  name: string,
): Promise<{ read?: (string | WalrusError)[]; stop?: Stop }> {
  const stream = streamOf(log, name)
  const first = firstIndex(name)
  let next: number
  try {
    next = 'next' in stream ? stream.next : stream.lastIndex + 1
  } catch (error) {
    if (!(error instanceof WalrusError)) throw error
    return { stop: { stream: name, next: first, error } }
  }
  const read: (string | WalrusError)[] = []
  let stop: Stop | undefined
  try {
    for await (const entry of stream.entries()) read.push(textOf(entry))
  } catch (error) {
    if (!(error instanceof WalrusError)) throw error
    stop = { stream: name, next: first + read.length, error }
  }
  for (let index = first + read.length; index < next; index++) {
    try {
      read.push(textOf(stream.getSync(index)))
    } catch (error) {
      if (!(error instanceof WalrusError)) throw error
      read.push(error)
    }
  }
  return stop === undefined ? { read } : { read, stop }
}

export function streamOf(log: Log, name: string): Stream | Log {
  return name === '' ? log : log.stream(name)
}

/** All of an entry, comparable. */
export function textOf({ index, data, time, term, timestamp, transactionId }: LogEntry): string {
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1')
  return [index, time, term, timestamp, transactionId, body].join(' ')
}

/** The storage, telling the size of each buffer that is read into. */
function measured(storage: Storage, note: (bytes: number) => void): Storage {
  const noting = (file: StorageFile): StorageFile => {
    const read = file.read.bind(file)
    const readSync = file.readSync.bind(file)
    file.read = (into, at) => {
      note(into.length)
      return read(into, at)
    }
    file.readSync = (into, at) => {
      note(into.length)
      return readSync(into, at)
    }
    return file
  }
  const open = storage.open.bind(storage)
  const openSync = storage.openSync.bind(storage)
  storage.open = async (path, mode) => noting(await open(path, mode))
  storage.openSync = (path, mode) => noting(openSync(path, mode))
  return storage
}
