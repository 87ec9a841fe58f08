/** A key-value store on a log. The public face of the package. */

import { Log, type WaitOptions, type WriteSet } from '@walrus/log'
import {
  type DecodeKey,
  encodeKey,
  KEY_DECODERS,
  type KeyEncodings,
  type KeyInput,
  VALUE_ENCODINGS,
  type ValueEncoding,
  type ValueEncodings,
  type ValueInputs,
} from './encoding.ts'
import { hasCode, invalid } from './errors.ts'
import { type ExpiryOptions, expiryOf } from './expiry-options.ts'
import type { AsyncScan } from './iterators.ts'
import { applyOperation, type KvOperation } from './operations.ts'
import {
  checkNames,
  type KvOptions,
  type OwnLogOptions,
  resolveOptions,
  splitOptions,
} from './options.ts'
import { boundsOf, type KeyRange, type ScanOptions } from './range.ts'
import { type KvEntry, Reads } from './reads.ts'
import { bytesOf } from './record.ts'
import { holdNow, KvSnapshot } from './snapshot.ts'
import { Store } from './store.ts'
import { type KvChange, type WatchOptions, wantedBy, watch } from './watch.ts'
import { KvWrites } from './writes.ts'

export interface SetOptions extends ExpiryOptions, WaitOptions {}

export interface KvStats {
  /** Keys that are there. */
  readonly keys: number
  /** Why the last snapshot of the keys came to nothing; opening reads more without it. */
  readonly snapshotFailure: Error | undefined
}

/** A store with the encodings that were asked for. */
export type KvOf<KE extends keyof KeyEncodings, VE extends keyof ValueEncodings> = Kv<
  KeyEncodings[KE],
  ValueEncodings[VE],
  ValueInputs[VE]
>

const WAITING = ['signal', 'timeoutMs']

/**
 * `K` and `V` are what keys and values come back as, and `I` is what is taken as a value.
 *
 * What is read has been acknowledged: a crash does not take it back, as far as the log's durability goes. Under
 * `durability: 'none'` also what a `…Sync` call has returned is read.
 */
export class Kv<K = string, V = string, I = string | Uint8Array> implements AsyncDisposable {
  /** The log it is on. */
  readonly log: Log
  readonly #store: Store
  readonly #ownsLog: boolean
  readonly #key: DecodeKey<K>
  readonly #value: ValueEncoding<V>
  readonly #reads: Reads<K, V>
  readonly #ending = new AbortController()
  #closing: Promise<void> | undefined

  private constructor(store: Store, ownsLog: boolean, key: DecodeKey<K>, value: ValueEncoding<V>) {
    this.log = store.log
    this.#store = store
    this.#ownsLog = ownsLog
    this.#key = key
    this.#value = value
    const source = {
      find: (wanted: string) => {
        store.settle()
        return store.state.find(wanted)
      },
      hold: () => holdNow(store),
    }
    this.#reads = new Reads(source, store.values, key, value)
  }

  /**
   * Opens the store on a log: one of its own in a directory, which is made if there is none, or one that is open
   * already, and is shared with topics and other streams. Options of the log (`durability`, `readOnly`, ...) go with
   * a directory.
   *
   * With a log that is open, call this in the same turn as `Log.open` resolved in, before anything else is awaited:
   * from then on retention leaves the store what it needs.
   * @throws what `Log.open` throws; `WALRUS_INVALID_OPTION`, `WALRUS_STREAM_IN_USE`; `WALRUS_CORRUPT` when the stream
   *   holds what is no record of a store
   */
  static async open<
    KE extends keyof KeyEncodings = 'utf8',
    VE extends keyof ValueEncodings = 'utf8',
  >(dir: string, options?: OwnLogOptions<KE, VE>): Promise<KvOf<KE, VE>>
  static async open<
    KE extends keyof KeyEncodings = 'utf8',
    VE extends keyof ValueEncodings = 'utf8',
  >(log: Log, options?: KvOptions<KE, VE>): Promise<KvOf<KE, VE>>
  static async open(
    target: string | Log,
    options: OwnLogOptions = {},
  ): Promise<Kv<unknown, unknown, unknown>> {
    const ownsLog = !(target instanceof Log)
    const split = ownsLog ? splitOptions(options) : { own: options, log: {} }
    const resolved = resolveOptions(split.own)
    const log = ownsLog ? await Log.open(target, split.log) : target
    try {
      const store = await Store.open(log, resolved)
      const key: DecodeKey<unknown> = KEY_DECODERS[resolved.keyEncoding]
      const value: ValueEncoding<unknown> = VALUE_ENCODINGS[resolved.valueEncoding]
      return new Kv(store, ownsLog, key, value)
    } catch (error) {
      if (ownsLog) await log.close()
      throw error
    }
  }

  /** Keys that are there. */
  get size(): number {
    this.#store.settle()
    return this.#store.state.size
  }

  /** The position that the record of the next change gets: where a watch from now on begins. */
  get position(): number {
    this.#store.checkOpen()
    return this.#store.stream.next
  }

  /**
   * Sets a key; resolves once that is as durable as the log was asked to make it.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_KEY_TOO_LARGE`, `WALRUS_ENTRY_TOO_LARGE`, `WALRUS_CLOSED`,
   *   `WALRUS_READ_ONLY`: nothing was written
   * @throws `WALRUS_DISK_FULL`: nothing was kept; the store goes on when there is space
   * @throws `WALRUS_FAILED`: whether it is in the log, only reopening tells
   * @throws `AbortError` (`WALRUS_ABORTED`), `WALRUS_TIMEOUT`: before anything was written, or while waiting
   */
  set(key: KeyInput, value: I, options?: SetOptions): Promise<void> {
    try {
      const store = this.#store
      const wanted = encodeKey(key)
      const encoded = this.#value.encode(value)
      if (options === undefined) return store.set(wanted, encoded, 0)
      const { expiresAt, waiting } = this.#setOptions('set', options)
      if (waiting === undefined) return store.set(wanted, encoded, expiresAt)
      return store.commit((set) => store.addSet(set, wanted, encoded, expiresAt), waiting)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As `set`, blocking: durable under `commit` when it returns, written under an interval (see the log's `appendSync`). */
  setSync(key: KeyInput, value: I, options: ExpiryOptions = {}): void {
    checkNames('setSync', options, ['ttlMs'])
    const store = this.#store
    const wanted = encodeKey(key)
    const encoded = this.#value.encode(value)
    const expiresAt = expiryOf(options, store.now())
    store.commitSync((set) => store.addSet(set, wanted, encoded, expiresAt))
  }

  /**
   * Deletes a key; resolves, once that is as durable as the log was asked to make it, to whether it was there.
   * @throws as `set`
   */
  async delete(key: KeyInput): Promise<boolean> {
    return await this.#store.delete(encodeKey(key))
  }

  /** As `delete`, blocking; see `setSync`. */
  deleteSync(key: KeyInput): boolean {
    const store = this.#store
    const wanted = encodeKey(key)
    let change: { readonly wasThere: boolean } | undefined
    store.commitSync((set) => {
      change = store.addDelete(set, wanted)
    })
    store.settle()
    return change!.wasThere
  }

  /**
   * Makes changes as one: all of them or none, to readers and after a crash, applied in their order. An empty batch
   * does nothing. Throws what `set` throws; a batch may have 1 GiB and 16,777,216 records.
   */
  async batch(operations: readonly KvOperation<I>[], options: WaitOptions = {}): Promise<void> {
    const store = this.#store
    if (!Array.isArray(operations)) throw invalid('a batch must be an array of operations')
    await store.commit((set) => {
      const writes = this.in(set)
      for (const operation of operations) applyOperation(writes, operation)
    }, options)
  }

  /** Deletes all keys of a range, as one: those that are there when its turn comes. Throws what `set` throws. */
  async clear(range: KeyRange = {}): Promise<void> {
    const { from, until } = boundsOf('clear', range)
    const store = this.#store
    await store.commit((set) => store.addClear(set, from, until))
  }

  /**
   * Sets a key, or deletes it where `next` is `undefined`, if its value is `expected` when its turn comes (`undefined`:
   * if it is not there). Resolves to whether it did, once that is as durable as `set`; of any number that expect the
   * same, one does. JSON values are compared as the text that `JSON.stringify` makes. Throws what `set` throws.
   */
  async compareAndSet(
    key: KeyInput,
    expected: I | undefined,
    next: I | undefined,
    options: SetOptions = {},
  ): Promise<boolean> {
    const { expiresAt, waiting } = this.#setOptions('compareAndSet', options)
    const store = this.#store
    const wanted = encodeKey(key)
    const old = expected === undefined ? undefined : bytesOf(this.#value.encode(expected))
    const encoded = next === undefined ? undefined : this.#value.encode(next)
    for (;;) {
      const found = await store.read(wanted)
      if (
        old === undefined ? found !== undefined : found === undefined || !found.bytes.equals(old)
      ) {
        return false
      }
      try {
        await store.commit((set) => {
          store.addExpectation(set, wanted, found?.version)
          if (encoded === undefined) store.addDelete(set, wanted)
          else store.addSet(set, wanted, encoded, expiresAt)
        }, waiting)
        return true
      } catch (error) {
        // Somebody else was first, perhaps with the same value: it has been acknowledged by now.
        if (!hasCode(error, 'WALRUS_CONFLICT')) throw error
      }
    }
  }

  /**
   * Puts changes into a batch or transaction of the log, to be committed with what else is in it: with entries of
   * topics, other streams, other stores. It has its place among the store's other changes when it is committed; those
   * that the store was called for in the same turn of the event loop may come behind it: await them where that matters.
   */
  in(set: WriteSet): KvWrites<I> {
    this.#store.checkOpen()
    return new KvWrites(this.#store, set, this.#value)
  }

  /** A key's value; `undefined` when it is not there. */
  get(key: KeyInput): Promise<V | undefined> {
    return this.#reads.get(key)
  }

  /** As `get`, blocking while the value is read, where it is not in memory. */
  getSync(key: KeyInput): V | undefined {
    return this.#reads.getSync(key)
  }

  /** A key's value, version and expiry. */
  entry(key: KeyInput): Promise<KvEntry<V> | undefined> {
    return this.#reads.entry(key)
  }

  /** Whether a key is there. Keys are in memory: nothing is read. */
  has(key: KeyInput): boolean {
    return this.#reads.has(key)
  }

  /** Iterates over the keys as they are now, in the order of their bytes. Nothing is read. */
  keys(options: ScanOptions = {}): IterableIterator<K> {
    return this.#reads.keys(options)
  }

  /** Iterates over keys and values as they are now, in the order of the keys' bytes, reading ahead by one batch. */
  entries(options: ScanOptions = {}): AsyncScan<[K, V]> {
    return this.#reads.entries(options)
  }

  /** As `entries`, blocking while a value is read. */
  entriesSync(options: ScanOptions = {}): IterableIterator<[K, V]> {
    return this.#reads.entriesSync(options)
  }

  /** The store as it is now, to be closed. */
  snapshot(): KvSnapshot<K, V> {
    return new KvSnapshot(this.#store, this.#key, this.#value)
  }

  /**
   * Changes to a key, to the keys with a prefix, or to all, once they are acknowledged, in their order. Ends when the
   * store is closed. Other processes can watch, too, with a store opened for reading.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_CLOSED`; `AbortError`
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<KvChange<K, V>> {
    this.#store.checkOpen()
    wantedBy(options)
    const from = options.from ?? this.position
    const { signal } = this.#ending
    return watch(this.#store.stream, { ...options, from }, signal, this.#key, this.#value)
  }

  /** Makes every change called for before durable, whatever the durability of the log: on disk when it resolves. */
  async commit(): Promise<void> {
    await this.#store.sync()
  }

  /** Of a store opened for reading: looks how far its writer has got. Otherwise does nothing. */
  async refresh(): Promise<void> {
    await this.#store.refresh()
  }

  stats(): KvStats {
    return { keys: this.size, snapshotFailure: this.#store.snapshotFailure }
  }

  /**
   * Acknowledges what was called for before, and closes the log, if it is the store's own. Calls after the first get
   * the same promise.
   * @throws what `Log.close` throws; everything is released all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#store.close()
    } finally {
      this.#ending.abort()
      if (this.#ownsLog) await this.log.close()
    }
  }

  #setOptions(
    what: string,
    options: SetOptions,
  ): { expiresAt: number; waiting: WaitOptions | undefined } {
    checkNames(what, options, ['ttlMs', ...WAITING])
    const { ttlMs, ...waiting } = options
    const expiresAt = expiryOf(ttlMs === undefined ? {} : { ttlMs }, this.#store.now())
    return { expiresAt, waiting: Object.keys(waiting).length === 0 ? undefined : waiting }
  }
}
