/**
 * The way back: the plain log as files of the Go log, byte for byte what that one writes of the same entries; and keys
 * as files of the Go key-value store.
 */

import {
  encodeFrame,
  encodeKvRecord,
  type EntryCodec,
  entryCodec,
  SEGMENT_FILE_PREFIX,
  SEGMENT_FILE_SUFFIX,
  WalrusError,
} from '@walrus/codec'
import type { Kv } from '@walrus/kv'
import type { Log } from '@walrus/log'
import { NewDirectory } from './new-directory.ts'

const MiB = 0x10_0000

export interface ExportOptions {
  /** The layout of entries. Default `'binary'`. */
  readonly encoding?: 'binary' | 'json'
  /** Size at which a file is ended, in bytes: 1 or more; default 64 MiB, of keys 10 MiB. A record may be larger. */
  readonly segmentBytes?: number
  /** Ends the export; nothing of it is left. */
  readonly signal?: AbortSignal
  /** Told after each file how many records are written. */
  readonly onProgress?: (records: number) => void
}

/**
 * Writes the entries of the plain log into a new directory, in the layout of the Go log; resolves to their number.
 * Index, term, timestamp and transaction id are kept; an entry without data has `""` in JSON, never `null`. The
 * directory is there as a whole when this resolves, durably, and not at all when it does not.
 *
 * @param into the directory, which must not exist or be empty
 * @throws `WALRUS_INVALID_OPTION`, `WALRUS_NOT_EMPTY`, `WALRUS_DISK_FULL`, `WALRUS_IO`; what reading the log throws; the
 *   error of the signal
 */
export async function exportGoLog(
  log: Log,
  into: string,
  options: ExportOptions = {},
): Promise<number> {
  const { encoding = 'binary', segmentBytes = 64 * MiB, signal, onProgress = () => {} } = options
  const codec = entryCodec(encoding)
  return await writeFiles(into, goNameOf, segmentBytes, onProgress, framesOf(log, codec, signal))
}

/**
 * Writes the keys of a store and their values into a new directory, in the layout of the Go key-value store; resolves to
 * their number. Keys are in the order of their bytes; times to live are not kept.
 *
 * @param into the directory, which must not exist or be empty
 * @throws as `exportGoLog`
 */
export async function exportKvStore(
  kv: Kv<Uint8Array, Uint8Array, Uint8Array>,
  into: string,
  options: Omit<ExportOptions, 'encoding'> = {},
): Promise<number> {
  const { segmentBytes = 10 * MiB, signal, onProgress = () => {} } = options
  return await writeFiles(into, kvNameOf, segmentBytes, onProgress, keysOf(kv, signal))
}

async function* keysOf(
  kv: Kv<Uint8Array, Uint8Array, Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const [key, value] of kv.entries()) {
    signal?.throwIfAborted()
    yield encodeKvRecord({ op: 'set', key, value })
  }
}

async function* framesOf(
  log: Log,
  codec: EntryCodec,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const entry of log.entries(signal && { signal })) {
    const { index, term, data, timestamp, transactionId } = entry
    yield encodeFrame(codec, { index: BigInt(index), term, data, timestamp, transactionId })
  }
}

/** Writes records into files of a directory; resolves to their number. */
async function writeFiles(
  into: string,
  nameOf: (number: number) => string,
  segmentBytes: number,
  tell: (records: number) => void,
  records: AsyncIterable<Uint8Array>,
): Promise<number> {
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < 1) {
    const message = `segmentBytes must be an integer of 1 or more, got ${String(segmentBytes)}`
    throw new WalrusError('WALRUS_INVALID_OPTION', message)
  }
  const directory = await NewDirectory.begin(into)
  try {
    let file = 1
    let count = 0
    await directory.file(nameOf(file))
    for await (const record of records) {
      if (directory.size > 0 && directory.size + record.length > segmentBytes) {
        await directory.file(nameOf(++file))
        tell(count)
      }
      await directory.write(record)
      count++
    }
    await directory.end()
    return count
  } catch (error) {
    await directory.abandon()
    throw error
  }
}

function kvNameOf(number: number): string {
  return `wal-${String(number).padStart(4, '0')}.log`
}

function goNameOf(number: number): string {
  return `${SEGMENT_FILE_PREFIX}${String(number).padStart(20, '0')}${SEGMENT_FILE_SUFFIX}`
}
