/**
 * An entry as one line of JSON: `{"index":1,"time":1763600000000,"data":"…"}`.
 *
 * `time` is in milliseconds since the Unix epoch. Data that is valid UTF-8 is a string in `data`, which gives back
 * the same bytes; any other is in `dataBase64`. `term` (an integer, beyond 2^53 too) and `transactionId` are there
 * only when the entry has them.
 */
import { isUtf8 } from 'node:buffer'
import type { LogEntry } from '@walrus/log'

export function entryToJson(entry: LogEntry): string {
  const term = entry.term === 0n ? '' : `,"term":${entry.term}`
  const transaction =
    entry.transactionId === '' ? '' : `,"transactionId":${JSON.stringify(entry.transactionId)}`
  return `{"index":${entry.index},"time":${entry.time}${term}${transaction},${dataToJson(entry.data)}}`
}

function dataToJson(data: Uint8Array): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (isUtf8(bytes)) return `"data":${JSON.stringify(bytes.toString('utf8'))}`
  return `"dataBase64":"${bytes.toString('base64')}"`
}
