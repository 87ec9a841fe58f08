/**
 * `walrus read`: entries to standard output.
 *
 * Into a pipe or a file the bytes are exact; on a terminal they are escaped. The log is opened read-only, so this
 * works beside a running writer and after a killed one, and changes nothing.
 */
import { Log, type LogEntry } from '@walrus/log'
import { printer, type ReadOptions } from '../entry-printer.ts'
import { usageError } from '../errors.ts'
import { Output } from '../output.ts'
import { Progress } from '../progress.ts'

export async function read(options: ReadOptions, topic?: string): Promise<number> {
  if (topic !== undefined) return await (await import('./read-topic.ts')).readTopic(options, topic)
  const { dir, from, to, follow = false } = options
  if (from === 0) throw usageError('--from 0: the indexes of the log count from 1')
  for (const name of ['cursor', 'peek', 'maxBytes'] as const) {
    if (options[name] !== undefined) throw usageError(`--${OPTIONS[name]} is for a topic: name one`)
  }
  if (from !== undefined && to !== undefined && from > to) {
    throw usageError(`--from ${from} is after --to ${to}`)
  }
  const log = await Log.open(dir, { readOnly: true })
  try {
    const stop = new AbortController()
    const output = new Output(() => stop.abort())
    const range = { ...(from && { from }), ...(to && { to }), follow, signal: stop.signal }
    await write(log.entries(range), output, printer(options, output), follow)
  } finally {
    await log.close()
  }
  return 0
}

const OPTIONS = { cursor: 'cursor', peek: 'peek', maxBytes: 'max-bytes' }

async function write(
  entries: AsyncIterable<LogEntry>,
  output: Output,
  print: (entry: LogEntry) => void,
  live: boolean,
): Promise<void> {
  const progress = output.isFile ? new Progress('reading') : undefined
  try {
    for await (const entry of entries) {
      print(entry)
      if (output.full) {
        await output.flush()
        progress?.update(output.written)
      } else if (live) {
        output.flushSoon()
      }
    }
    await output.flush()
  } catch (error) {
    // Where writing failed, that is the reason, and not that reading was called off because of it.
    await output.flush()
    if (!output.closed) throw error
  } finally {
    progress?.end()
  }
}
