/**
 * `walrus append`: standard input into the log.
 *
 * Invariants: entries are appended in the order of the input without a gap, and an index is printed only once it
 * and all before it are as durable as was asked for. Whatever ends the command early (a signal, a line that is too
 * long, a full disk), what was read before that point is settled and acknowledged before it exits.
 */
import { constants } from 'node:os'
import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import { Acknowledgements } from '../acknowledgements.ts'
import { Appender, type BatchLog, MAX_BATCH_ENTRIES } from '../appender.ts'
import { HintedError } from '../errors.ts'
import { formatBytes, formatDuration, plural } from '../format.ts'
import { Accumulator, LineSplitter } from '../lines.ts'
import { Progress } from '../progress.ts'
import { stopOnSignals } from '../signals.ts'
import { chunksOf, standardInput } from '../stdin.ts'
import type { Durability } from '../values.ts'

/** The most a log takes: a longer line is refused by where it stands in the input. */
const MAX_ENTRY_BYTES = 1024 ** 3

export interface AppendOptions {
  readonly dir: string
  readonly durability: Durability
  readonly ack?: true
  readonly delimiter: Buffer
  readonly whole?: true
}

export async function append(options: AppendOptions, topic?: string): Promise<number> {
  const stop = new AbortController()
  const stopped = stopOnSignals(stop)
  const target = await (topic === undefined ? openLog(options) : openTopic(options, topic))
  let dropped: number
  try {
    dropped = await appendInput(target, options, stop)
  } catch (error) {
    // What went wrong first is the reason; a log that has failed fails to close for the same one.
    await Promise.allSettled([target.close()])
    throw error
  }
  await target.close()
  const signal = stopped()
  if (signal === undefined) return 0
  if (dropped > 0) {
    const bytes = plural(dropped, 'byte', 'bytes')
    process.stderr.write(
      `walrus: ${signal}: the unfinished last entry was not appended (${bytes})\n`,
    )
  }
  return 128 + constants.signals[signal]
}

/** What entries go into. */
interface Target extends BatchLog {
  close(): Promise<void>
}

async function openLog({ dir, durability }: AppendOptions): Promise<Target> {
  return await Log.open(dir, { durability, maxEntryBytes: MAX_ENTRY_BYTES })
}

async function openTopic({ dir, durability }: AppendOptions, name: string): Promise<Target> {
  const { Topics } = await import('@walrus/topics')
  const options = { durability, maxEntryBytes: MAX_ENTRY_BYTES, maxBatchEntries: MAX_BATCH_ENTRIES }
  const topics = await Topics.open(dir, options)
  try {
    const topic = topics.topic(name)
    return {
      appendBatch: (entries) => topic.appendBatch(entries),
      close: () => topics.close(),
    }
  } catch (error) {
    await topics.close()
    throw error
  }
}

/** Appends the input until it ends or `stop` aborts; resolves to the bytes of an unfinished entry left out. */
async function appendInput(
  log: BatchLog,
  options: AppendOptions,
  stop: AbortController,
): Promise<number> {
  const abort = (): void => stop.abort()
  const acknowledgements = options.ack ? new Acknowledgements(abort) : undefined
  const appender = new Appender(log, (index) => acknowledgements?.add(index), abort)
  const { stream, bytes, isTerminal } = standardInput()
  if (isTerminal) process.stderr.write('Type entries, one a line; Ctrl-D ends.\n')
  const isQuiet = isTerminal || (options.ack === true && process.stdout.isTTY)
  const progress = new Progress('appending', bytes, !isQuiet)
  const input = chunksOf(stream, stop.signal)
  let dropped: number
  try {
    try {
      dropped = options.whole
        ? await feedWhole(input, appender, progress, stop.signal)
        : await feedLines(input, options.delimiter, appender, progress, stop.signal)
    } finally {
      await appender.drain()
      await acknowledgements?.finish()
    }
  } catch (error) {
    if (!(error instanceof WalrusError)) throw error
    throw new HintedError(error, [`Before that: ${appended(appender)}.`])
  } finally {
    progress.end()
  }
  if (process.stderr.isTTY) process.stderr.write(`${summary(appender, progress.elapsedMs)}\n`)
  return dropped
}

async function feedLines(
  input: AsyncIterable<Buffer>,
  delimiter: Buffer,
  appender: Appender,
  progress: Progress,
  stop: AbortSignal,
): Promise<number> {
  const splitter = new LineSplitter(delimiter, MAX_ENTRY_BYTES)
  let read = 0
  for await (const chunk of input) {
    const lines: Buffer[] = []
    try {
      splitter.push(chunk, lines)
    } finally {
      await appender.submit(lines)
    }
    read += chunk.length
    progress.update(read)
  }
  if (stop.aborted) return splitter.begunBytes
  const last: Buffer[] = []
  splitter.end(last)
  await appender.submit(last)
  return 0
}

async function feedWhole(
  input: AsyncIterable<Buffer>,
  appender: Appender,
  progress: Progress,
  stop: AbortSignal,
): Promise<number> {
  const whole = new Accumulator(MAX_ENTRY_BYTES)
  for await (const chunk of input) {
    if (whole.length + chunk.length > MAX_ENTRY_BYTES) {
      throw new WalrusError(
        'WALRUS_ENTRY_TOO_LARGE',
        `the input is longer than an entry may be (${MAX_ENTRY_BYTES} bytes)`,
      )
    }
    whole.push(chunk)
    progress.update(whole.length)
  }
  if (stop.aborted) return whole.length
  await appender.submit([whole.take()])
  return 0
}

function appended(appender: Appender): string {
  if (appender.entries === 0) return 'nothing was appended'
  const count = plural(appender.entries, 'entry was', 'entries were')
  return `${count} appended, the last with index ${appender.lastIndex}`
}

function summary(appender: Appender, elapsedMs: number): string {
  return `${appended(appender)} (${formatBytes(appender.bytes)} in ${formatDuration(elapsedMs / 1000)})`
}
