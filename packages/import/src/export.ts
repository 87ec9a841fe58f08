/**
 * The way back: the plain log as files of the Go log, byte for byte what that one writes of the same entries.
 */

import {
  encodeFrame,
  entryCodec,
  SEGMENT_FILE_PREFIX,
  SEGMENT_FILE_SUFFIX,
  WalrusError,
} from '@walrus/codec'
import type { Log } from '@walrus/log'
import { NewDirectory } from './new-directory.ts'

const MiB = 0x10_0000

export interface ExportOptions {
  /** The layout of entries. Default `'binary'`. */
  readonly encoding?: 'binary' | 'json'
  /** Size at which a file is ended, in bytes: 1 or more, default 64 MiB. An entry may be larger. */
  readonly segmentBytes?: number
  /** Ends the export; nothing of it is left. */
  readonly signal?: AbortSignal
  /** Told now and then how many entries are written. */
  readonly onProgress?: (entries: number) => void
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
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < 1) {
    const message = `segmentBytes must be an integer of 1 or more, got ${String(segmentBytes)}`
    throw new WalrusError('WALRUS_INVALID_OPTION', message)
  }
  const directory = await NewDirectory.begin(into)
  try {
    let file = 1
    let entries = 0
    await directory.file(nameOf(file))
    for await (const { index, term, data, timestamp, transactionId } of log.entries(
      signal && { signal },
    )) {
      const entry = { index: BigInt(index), term, data, timestamp, transactionId }
      const frame = encodeFrame(codec, entry)
      if (directory.size > 0 && directory.size + frame.length > segmentBytes) {
        await directory.file(nameOf(++file))
        onProgress(entries)
      }
      await directory.write(frame)
      entries++
    }
    await directory.end()
    return entries
  } catch (error) {
    await directory.abandon()
    throw error
  }
}

function nameOf(number: number): string {
  return `${SEGMENT_FILE_PREFIX}${String(number).padStart(20, '0')}${SEGMENT_FILE_SUFFIX}`
}
