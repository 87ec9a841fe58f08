/** Reading many entries at once. */

import type { Stream } from '@walrus/log'
import { checkInteger, checkNames } from './checks.ts'
import type { BatchOptions, TopicEntry } from './cursor-options.ts'

/** Bytes that a frame takes besides its data, at most: header, checksum and padding. */
const FRAME_BYTES = 40
/** The log is asked for at most this many entries at once, and counts at most this many bytes. */
const MOST_AT_ONCE = 100_000
const GiB = 2 ** 30

/** How much to read, checked. */
export interface BatchLimits {
  readonly maxBytes: number
  readonly maxEntries: number
}

export function checkBatchOptions(options: BatchOptions): BatchLimits {
  checkNames('read', options, ['maxBytes', 'maxEntries', 'checkpoint', 'from'])
  const { maxBytes = 2 ** 20, maxEntries = 2_000 } = options
  checkInteger('maxBytes', maxBytes, 1, GiB)
  checkInteger('maxEntries', maxEntries, 1, 1_000_000)
  return { maxBytes, maxEntries }
}

/** Entries from a position on, as many as the limits allow. */
export async function batchOf(
  topic: { readonly stream: Stream; readonly end: number },
  position: number,
  { maxBytes, maxEntries }: BatchLimits,
): Promise<readonly TopicEntry[]> {
  let all: TopicEntry[] = []
  let bytes = 0
  for (;;) {
    const from = position + all.length
    const wanted = Math.min(maxEntries - all.length, MOST_AT_ONCE)
    // The log counts what its frames take, too.
    const room = Math.min(maxBytes - bytes + wanted * FRAME_BYTES, GiB)
    const entries = await topic.stream.read({ from, maxEntries: wanted, maxBytes: room })
    let taken = 0
    for (const { data } of entries) {
      bytes += data.length
      if (bytes > maxBytes && all.length + taken > 0) break
      taken++
    }
    const fit = taken === entries.length ? entries : entries.slice(0, taken)
    all = all.length === 0 ? fit : [...all, ...fit]
    const isAll = taken < entries.length || entries.length === 0 || all.length === maxEntries
    if (isAll || bytes >= maxBytes || position + all.length >= topic.end) return all
  }
}
