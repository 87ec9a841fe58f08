/** What cursors are told, and what they hand over. */

import type { LogEntry } from '@walrus/log'
import type { WaitOptions } from './waiting.ts'

/** An entry of a topic; `index` is its position. */
export type TopicEntry = LogEntry

/** A place in a topic: its first entry, behind its last one, a position, or the first entry of a time or later. */
export type Place =
  | 'start'
  | 'end'
  | { readonly position: number }
  | { readonly time: number | Date }

export interface NextOptions extends WaitOptions {
  /** Whether the entry is consumed; `false` looks at it and moves nothing. Default true. */
  readonly checkpoint?: boolean
  /** Whether to wait for an entry where there is none. Default: only when `timeoutMs` is given. */
  readonly follow?: boolean
}

export interface BatchOptions {
  /** At most this many bytes of data, but always one entry if there is one: 1 to 1 GiB, default 1 MiB. */
  readonly maxBytes?: number
  /** At most this many entries: 1 to 1,000,000, default 2,000. */
  readonly maxEntries?: number
  /** Whether the entries are consumed. Default true, but not with `from`. */
  readonly checkpoint?: boolean
  /** Reads from this position on, and moves no cursor. */
  readonly from?: number
}

export interface ConsumeOptions {
  /** At the end, wait for more. Default false. */
  readonly follow?: boolean
  /** Ends it with `AbortError`. */
  readonly signal?: AbortSignal
}

export function bytesOf(entries: readonly TopicEntry[]): number {
  let bytes = 0
  for (const { data } of entries) bytes += data.length
  return bytes
}
