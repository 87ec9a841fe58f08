/** `walrus export`: the log as the files of an earlier system, or as JSON lines. */
import { constants } from 'node:os'
import { exportGoLog, exportKvStore } from '@walrus/import'
import { Kv } from '@walrus/kv'
import { Log } from '@walrus/log'
import { usageError } from '../errors.ts'
import { escapeText } from '../escape.ts'
import { plural } from '../format.ts'
import { print } from '../output.ts'
import { stopOnSignals } from '../signals.ts'
import { read } from './read.ts'

export interface ExportOptions {
  readonly dir: string
  readonly format: 'go' | 'kv' | 'jsonl'
  readonly encoding: 'binary' | 'json'
}

export async function exportFrom(options: ExportOptions, ...given: string[]): Promise<number> {
  const { dir, format } = options
  const [into] = given
  if (format === 'jsonl') {
    if (into !== undefined)
      throw usageError('jsonl goes to standard output: leave the directory out')
    return await read({ dir, json: true, delimiter: Buffer.alloc(0) })
  }
  if (into === undefined) throw usageError(`${format} needs a directory to write into`)
  const stop = new AbortController()
  const stopped = stopOnSignals(stop)
  try {
    const count = await (format === 'go' ? writeLog : writeKeys)(options, into, stop.signal)
    const what = format === 'go' ? plural(count, 'entry', 'entries') : plural(count, 'key', 'keys')
    await print(`${what} written into ${escapeText(into)}\n`)
    return 0
  } catch (error) {
    const signal = stopped()
    if (signal === undefined || (error as Error).name !== 'AbortError') throw error
    process.stderr.write(`walrus: ${signal}: nothing was written\n`)
    return 128 + constants.signals[signal]
  }
}

type Write = (options: ExportOptions, into: string, signal: AbortSignal) => Promise<number>

const writeLog: Write = async ({ dir, encoding }, into, signal) => {
  const log = await Log.open(dir, { readOnly: true })
  try {
    return await exportGoLog(log, into, { encoding, signal })
  } finally {
    await log.close()
  }
}

const writeKeys: Write = async ({ dir }, into, signal) => {
  const kv = await Kv.open(dir, { readOnly: true, keyEncoding: 'bytes', valueEncoding: 'bytes' })
  try {
    return await exportKvStore(kv, into, { signal })
  } finally {
    await kv.close()
  }
}
