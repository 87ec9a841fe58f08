/**
 * Changes to keys, told as they are acknowledged: the records of the store's stream, from any position on.
 *
 * What the stream does not have is not told: that a key has expired; and of changes that were replaced before the
 * watcher came to them, perhaps only the last one of each key.
 */

import type { Stream } from '@walrus/log'
import { type ByteString, behind, behindPrefix } from './byte-string.ts'
import {
  type DecodeKey,
  encodeKey,
  type KeyInput,
  memoryOf,
  type ValueEncoding,
} from './encoding.ts'
import { invalid } from './errors.ts'
import { checkInteger, checkNames } from './options.ts'
import type { Bounds } from './range.ts'
import { decodeRecord, type Record } from './record.ts'

export interface WatchOptions {
  /** Only this key. */
  readonly key?: KeyInput
  /** Only keys that begin so. */
  readonly prefix?: KeyInput
  /** The position to begin at: to go on behind a change, its `position + 1`. Default: what comes from now on. */
  readonly from?: number
  /** Ends it with `AbortError`. */
  readonly signal?: AbortSignal
}

/** A change to a key, or to all keys of a range; `position` is that of its record in the store's stream. */
export type KvChange<K, V> =
  | {
      readonly type: 'set'
      readonly key: K
      readonly value: V
      /** Milliseconds since the Unix epoch; `undefined` for never. */
      readonly expiresAt: number | undefined
      readonly position: number
    }
  | { readonly type: 'delete'; readonly key: K; readonly position: number }
  | {
      /** All keys from `from` on, itself included, up to `until`, which is not; without it, to the last. */
      readonly type: 'clear'
      readonly from: K
      readonly until: K | undefined
      readonly position: number
    }

/** @param closing ends the watch without an error */
export async function* watch<K, V>(
  stream: Stream,
  options: WatchOptions,
  closing: AbortSignal,
  decodeKey: DecodeKey<K>,
  encoding: ValueEncoding<V>,
): AsyncGenerator<KvChange<K, V>, void> {
  const { signal, from } = options
  const wanted = wantedBy(options)
  const start = from ?? stream.next
  const ended = signal === undefined ? closing : AbortSignal.any([signal, closing])
  try {
    for await (const { data, index } of stream.entries({
      from: start,
      follow: true,
      signal: ended,
    })) {
      const record = decodeRecord(data, index)
      if (!concerns(record, wanted)) continue
      yield changeOf(record, data, index, decodeKey, encoding)
    }
  } catch (error) {
    if (!closing.aborted || signal?.aborted === true) throw error
  }
}

function changeOf<K, V>(
  record: Record,
  data: Uint8Array,
  position: number,
  decodeKey: DecodeKey<K>,
  encoding: ValueEncoding<V>,
): KvChange<K, V> {
  if (record.type === 'delete') return { type: 'delete', key: decodeKey(record.key), position }
  if (record.type === 'clear') {
    const { from, until } = record
    const end = until === undefined ? undefined : decodeKey(until)
    return { type: 'clear', from: decodeKey(from), until: end, position }
  }
  const { key, expiresAt, valueAt } = record
  const value = encoding.decode(memoryOf(data), valueAt, data.length)
  const expires = expiresAt === 0 ? undefined : expiresAt
  return { type: 'set', key: decodeKey(key), value, expiresAt: expires, position }
}

/** Checks what is to be watched. */
export function wantedBy(options: WatchOptions): Bounds {
  checkNames('watch', options, ['key', 'prefix', 'from', 'signal'])
  const { key, prefix, from } = options
  if (from !== undefined) checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER - 1)
  if (key !== undefined && prefix !== undefined) {
    throw invalid('watch takes a key or a prefix, not both')
  }
  if (key !== undefined) {
    const first = encodeKey(key)
    return { from: first, until: behind(first) }
  }
  const first = prefix === undefined ? '' : encodeKey(prefix)
  return { from: first, until: behindPrefix(first) }
}

function concerns(record: Record, { from, until }: Bounds): boolean {
  if (record.type === 'clear') {
    const beginsBefore = until === undefined || record.from < until
    return beginsBefore && (record.until === undefined || record.until > from)
  }
  return isWithin(record.key, from, until)
}

function isWithin(key: ByteString, from: ByteString, until: ByteString | undefined): boolean {
  return key >= from && (until === undefined || key < until)
}
