/** What can be read of a store or of a snapshot of it, in the caller's encodings. */

import type { ByteString } from './byte-string.ts'
import {
  type DecodeKey,
  encodeKey,
  type KeyInput,
  memoryOf,
  type ValueEncoding,
} from './encoding.ts'
import { AsyncScan, type Hold, SyncScan } from './iterators.ts'
import type { Entry } from './key-table.ts'
import { type ScanOptions, scanOf } from './range.ts'
import type { Values } from './values.ts'

/** A key's value with what else is known of it. */
export interface KvEntry<V> {
  readonly value: V
  /** The position of its record in the store's stream: a later value of the key has a higher one. */
  readonly version: number
  /** When it expires, in milliseconds since the Unix epoch; `undefined` for never. */
  readonly expiresAt: number | undefined
}

/** Where keys are looked up. */
export interface Source {
  /** Throws when it is closed. */
  find(key: ByteString): Entry | undefined
  /** Holds the keys as they are; throws when it is closed. */
  hold(): Hold
}

export class Reads<K, V> {
  readonly #source: Source
  readonly #values: Values
  readonly #key: DecodeKey<K>
  readonly #value: ValueEncoding<V>

  constructor(source: Source, values: Values, key: DecodeKey<K>, value: ValueEncoding<V>) {
    this.#source = source
    this.#values = values
    this.#key = key
    this.#value = value
  }

  has(key: KeyInput): boolean {
    return this.#source.find(encodeKey(key)) !== undefined
  }

  get(key: KeyInput): Promise<V | undefined> {
    try {
      const wanted = encodeKey(key)
      const entry = this.#source.find(wanted)
      if (entry === undefined) return Promise.resolve(undefined)
      const cached = this.#values.cached(entry, this.#value)
      if (cached !== undefined) return Promise.resolve(cached)
      return this.#read(wanted, entry).then((found) => found?.value)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  getSync(key: KeyInput): V | undefined {
    const wanted = encodeKey(key)
    const entry = this.#source.find(wanted)
    return entry && this.#values.readSync(wanted, entry, this.#value)
  }

  async entry(key: KeyInput): Promise<KvEntry<V> | undefined> {
    const wanted = encodeKey(key)
    const entry = this.#source.find(wanted)
    if (entry === undefined) return undefined
    const cached = this.#values.cached(entry, this.#value)
    if (cached === undefined) return await this.#read(wanted, entry)
    return this.#entryOf(cached, entry.position, entry.expiresAt)
  }

  keys(options: ScanOptions): IterableIterator<K> {
    const scan = scanOf('keys', options)
    return new SyncScan(this.#source.hold(), scan, (key) => this.#key(key))
  }

  entries(options: ScanOptions): AsyncScan<[K, V]> {
    const scan = scanOf('entries', options)
    return new AsyncScan(this.#source.hold(), scan, (key, entry) => {
      const cached = this.#values.cached(entry, this.#value)
      if (cached !== undefined) return [this.#key(key), cached]
      return this.#pair(key, entry)
    })
  }

  entriesSync(options: ScanOptions): IterableIterator<[K, V]> {
    const scan = scanOf('entriesSync', options)
    return new SyncScan(this.#source.hold(), scan, (key, entry) => [
      this.#key(key),
      this.#values.readSync(key, entry, this.#value),
    ])
  }

  async #pair(key: ByteString, entry: Entry): Promise<[K, V]> {
    // Held as it is, it cannot be let go meanwhile.
    const { bytes } = (await this.#values.read(key, entry, () => entry))!
    return [this.#key(key), this.#decode(bytes)]
  }

  async #read(key: ByteString, entry: Entry): Promise<KvEntry<V> | undefined> {
    let { expiresAt } = entry
    const found = await this.#values.read(key, entry, () => {
      const newer = this.#source.find(key)
      expiresAt = newer?.expiresAt ?? 0
      return newer
    })
    return found && this.#entryOf(this.#decode(found.bytes), found.version, expiresAt)
  }

  #decode(bytes: Buffer): V {
    return this.#value.decode(memoryOf(bytes), 0, bytes.length)
  }

  #entryOf(value: V, version: number, expiresAt: number): KvEntry<V> {
    return { value, version, expiresAt: expiresAt === 0 ? undefined : expiresAt }
  }
}
