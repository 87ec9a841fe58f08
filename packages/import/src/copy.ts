/**
 * An import: the records of a source go into a log of Walrus, some at a time, each time together with how far it has got.
 *
 * So an import that was stopped goes on where it was, with nothing left out and nothing there twice: its progress is a
 * stream of the log it fills, and is committed with the records it speaks of.
 */

import { crc32, WalrusError } from '@walrus/codec'
import type { Batch, Log } from '@walrus/log'
import type { SourceEntry, SourcePlace } from './source.ts'
import type { SourceDirectory, SourceFormat } from './source-directory.ts'
import { SourceFile } from './source-file.ts'

/** The stream that tells how far an import has got. */
const PROGRESS_STREAM = 'import'
/** Bytes of records that are committed together, about. */
const COMMIT_BYTES = 0x10_0000
/** Commits under way at once. */
const COMMITS = 4
/** Bytes of a source's first file that tell it from others. */
const FINGERPRINT_BYTES = 4_096

/** How far an import has got. */
export interface Progress {
  readonly format: SourceFormat
  /** Tells the source from others. */
  readonly fingerprint: number
  /** Records so far. */
  readonly records: number
  /** Bytes of them, as the log counts an entry's data. */
  readonly bytes: number
  /** Behind the last one; `undefined` before the first. */
  readonly place?: SourcePlace | undefined
  /** Whether all of the source is in. */
  readonly done: boolean
}

/** Takes the records of a source. */
export interface Sink<T> {
  /** Puts a record into a batch; how many bytes of data that were. */
  add(batch: Batch, record: T): number
  /** Brings in what is not a record, once all of those are in. */
  finish(): Promise<void>
}

/**
 * How far the import of a source into a log has got.
 * @throws `WALRUS_NOT_EMPTY` when the log holds anything but an import of this source
 */
export async function progressOf(log: Log, source: SourceDirectory): Promise<Progress> {
  const fingerprint = await fingerprintOf(source)
  const { format } = source
  const stream = log.stream(PROGRESS_STREAM)
  if (stream.next === stream.first) {
    if (log.firstIndex === 0 && log.streams().length === 0) {
      return { format, fingerprint, records: 0, bytes: 0, done: false }
    }
    throw notEmpty(log, 'it holds data of its own')
  }
  const { data } = await stream.get(stream.next - 1)
  const progress = JSON.parse(Buffer.from(data).toString()) as Progress
  if (progress.fingerprint !== fingerprint || progress.format !== format) {
    throw notEmpty(log, 'an import of another directory was begun in it')
  }
  return progress
}

/**
 * Copies records into the log until there are no more, or the signal says so; resolves to how far it got. What is in
 * then stays; the next call goes on behind it.
 * @param tell called now and then
 * @throws what reading the source and committing to the log throw, `AbortError`
 */
export async function copy<T>(
  log: Log,
  begun: Progress,
  records: AsyncIterable<SourceEntry<T>>,
  sink: Sink<T>,
  { signal, tell }: { signal?: AbortSignal | undefined; tell: (progress: Progress) => void },
): Promise<Progress> {
  let progress = begun
  let batch = log.batch()
  let filled = 0
  const underWay: Promise<unknown>[] = []
  const commit = async (): Promise<void> => {
    batch.append(PROGRESS_STREAM, JSON.stringify(progress))
    const committed = log.commit(batch)
    // Looked at below, in order.
    committed.catch(() => {})
    underWay.push(committed)
    tell(progress)
    batch = log.batch()
    filled = 0
    if (underWay.length >= COMMITS) await underWay.shift()
  }
  for await (const { record, place } of records) {
    const bytes = sink.add(batch, record)
    progress = { ...progress, records: progress.records + 1, bytes: progress.bytes + bytes, place }
    filled += bytes + 32
    if (filled < COMMIT_BYTES) continue
    await commit()
    if (signal?.aborted === true) break
  }
  if (filled > 0) await commit()
  await Promise.all(underWay)
  signal?.throwIfAborted()
  await sink.finish()
  progress = { ...progress, done: true }
  await commit()
  await log.sync()
  // What is left tells that it was done, and of what.
  const stream = log.stream(PROGRESS_STREAM)
  await stream.truncateFront(stream.next - 1)
  return progress
}

/** Says which directory this is, as well as its oldest bytes can: more may have been written behind them. */
async function fingerprintOf({ files }: SourceDirectory): Promise<number> {
  const [first] = files
  const file = await SourceFile.open(first!.path)
  try {
    return crc32(await file.bytes(0, FINGERPRINT_BYTES))
  } finally {
    await file.close()
  }
}

function notEmpty({ dir }: Log, why: string): WalrusError {
  const message = `${dir} cannot be imported into: ${why}. Choose a directory that does not exist yet`
  return new WalrusError('WALRUS_NOT_EMPTY', message, { file: dir })
}
