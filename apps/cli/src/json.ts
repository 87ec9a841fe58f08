/**
 * JSON as every command prints it: one value a line, safe on a terminal.
 *
 * Data that is valid UTF-8 is a string in `data`, which gives back the same bytes; any other is in `dataBase64`.
 * Integers of 64 bits are strings, since readers of JSON commonly lose those beyond 2^53.
 */
import { isUtf8 } from 'node:buffer'
import type { LogEntry } from '@walrus/log'
import { escapeJson } from './escape.ts'

/** `value` as one line; bytes in it are hexadecimal. */
export function toJsonLine(value: unknown): string {
  return `${escapeJson(JSON.stringify(value, replace))}\n`
}

function replace(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

/**
 * An entry: `index`, `time` in milliseconds since the Unix epoch, `data` or `dataBase64`; `term`, `transactionId`
 * and `timestamp` (in nanoseconds) only when it was appended with them. Not yet safe on a terminal.
 */
export function entryToJson(entry: LogEntry): string {
  const { term, transactionId, timestamp, time } = entry
  let given = ''
  if (term !== 0n) given += `,"term":"${term}"`
  if (timestamp !== BigInt(time) * 1_000_000n) given += `,"timestamp":"${timestamp}"`
  if (transactionId !== '') given += `,"transactionId":${JSON.stringify(transactionId)}`
  return `{"index":${entry.index},"time":${time}${given},${dataToJson(entry.data)}}`
}

/** `"data":"…"` or `"dataBase64":"…"`. */
export function dataToJson(data: Uint8Array): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (isUtf8(bytes)) return `"data":${JSON.stringify(bytes.toString('utf8'))}`
  return `"dataBase64":"${bytes.toString('base64')}"`
}
