/** The values of a store's entries: in the cache, or read from the log. */

import type { LogEntry, Stream } from '@walrus/log'
import type { ByteString } from './byte-string.ts'
import { memoryOf, type ValueEncoding } from './encoding.ts'
import { badRecord, hasCode } from './errors.ts'
import type { Entry } from './key-table.ts'
import { bufferOf, decodeRecord } from './record.ts'
import type { ValueCache } from './value-cache.ts'

/** A value's bytes, and the position of the record they are from. */
export interface Found {
  readonly bytes: Buffer
  readonly version: number
}

export class Values {
  readonly #stream: Stream
  readonly #cache: ValueCache

  constructor(stream: Stream, cache: ValueCache) {
    this.#stream = stream
    this.#cache = cache
  }

  /** An entry's value, if it is in the cache; otherwise `undefined`, which is no value in any encoding. */
  cached<V>(entry: Entry, encoding: ValueEncoding<V>): V | undefined {
    const cache = this.#cache
    const start = cache.find(entry)
    return start < 0 ? undefined : encoding.decode(cache.memory, start, start + entry.length)
  }

  /** An entry's value; blocks while it is read, if it has to be. */
  readSync<V>(key: ByteString, entry: Entry, encoding: ValueEncoding<V>): V {
    const cached = this.cached(entry, encoding)
    if (cached !== undefined) return cached
    const bytes = this.#take(key, entry, this.#stream.view(entry.position))
    return encoding.decode(memoryOf(bytes), 0, bytes.length)
  }

  /**
   * An entry's value, read from the log.
   * @param newer looks the key up anew: the entry may be changed, and its record let go, while it is being read
   */
  async read(
    key: ByteString,
    entry: Entry,
    newer: () => Entry | undefined,
  ): Promise<Found | undefined> {
    for (let wanted: Entry | undefined = entry; wanted !== undefined; wanted = newer()) {
      const { position } = wanted
      try {
        const read = await this.#stream.get(position)
        return { bytes: this.#take(key, wanted, read), version: position }
      } catch (error) {
        const isGone = hasCode(error, 'WALRUS_TRUNCATED_AWAY', 'WALRUS_INDEX_OUT_OF_RANGE')
        if (!isGone || newer()?.position === position) throw error
      }
    }
    return undefined
  }

  /** The value in a record, which must be one of the key. */
  #take(key: ByteString, entry: Entry, { data, index }: LogEntry): Buffer {
    const record = decodeRecord(data, index)
    if (record.type !== 'set' || record.key !== key) {
      throw badRecord(index, `is not one of key ${JSON.stringify(key)}`)
    }
    const { valueAt } = record
    if (entry.position === index) {
      entry.cachedAt = this.#cache.put(data, valueAt, data.length)
      entry.length = data.length - valueAt
    }
    return bufferOf(data.subarray(valueAt))
  }
}
