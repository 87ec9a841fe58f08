/** `walrus kv watch`: changes as they become durable, until interrupted or until nobody reads them any more. */
import { Kv, type WatchOptions as KvWatchOptions } from '@walrus/kv'
import { escapeJson } from '../escape.ts'
import { changeToJson } from '../kv-json.ts'
import { Output } from '../output.ts'
import type { KvOptions } from './kv-read.ts'

export interface WatchOptions extends KvOptions {
  readonly key?: string
  readonly prefix?: string
  readonly from?: number
}

export async function watch({ dir, stream, ...wanted }: WatchOptions): Promise<number> {
  const stop = new AbortController()
  const output = new Output(() => stop.abort())
  const options = { readOnly: true, stream, keyEncoding: 'bytes', valueEncoding: 'bytes' } as const
  await using kv = await Kv.open(dir, options)
  try {
    const watched: KvWatchOptions = { ...wanted, signal: stop.signal }
    for await (const change of kv.watch(watched)) {
      const line = changeToJson(change)
      output.putText(`${output.isTerminal ? escapeJson(line) : line}\n`)
      if (output.full) await output.flush()
      else output.flushSoon()
    }
  } catch (error) {
    // Where writing failed, that is the reason, and not that watching was called off because of it.
    await output.flush()
    if (!output.closed) throw error
  }
  return 0
}
