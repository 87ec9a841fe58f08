/** How `read` and `export` print entries: exactly into pipes and files, escaped on a terminal. */
import type { LogEntry } from '@walrus/log'
import { escapeBytes, escapeJson } from './escape.ts'
import { entryToJson } from './json.ts'
import type { Output } from './output.ts'

export interface ReadOptions {
  readonly dir: string
  readonly from?: number
  readonly to?: number
  readonly follow?: true
  readonly json?: true
  readonly raw?: true
  readonly delimiter: Buffer
  /** Of a topic. */
  readonly cursor?: string
  readonly peek?: true
  readonly maxBytes?: number
}

/** What prints an entry, as the options say. */
export function printer(options: ReadOptions, output: Output): (entry: LogEntry) => void {
  const { isTerminal } = output
  if (options.json) {
    return (entry) =>
      output.putText(`${isTerminal ? escapeJson(entryToJson(entry)) : entryToJson(entry)}\n`)
  }
  const delimiter = options.raw ? Buffer.alloc(0) : options.delimiter
  return (entry) => {
    if (isTerminal) output.putText(escapeBytes(entry.data))
    else output.put(entry.data)
    output.put(delimiter)
  }
}
