/** A snapshot of a store: its keys and values as they were at one time. */

import type { DecodeKey, KeyInput, ValueEncoding } from './encoding.ts'
import { WalrusError } from '@walrus/codec'
import { type AsyncScan, Hold, releaseWith } from './iterators.ts'
import { type KvEntry, Reads } from './reads.ts'
import type { ScanOptions } from './range.ts'
import type { Store } from './store.ts'

/** Holds the keys of a store as they are now. */
export function holdNow(store: Store): Hold {
  store.settle()
  const { state } = store
  return new Hold(state.hold(), () => state.release())
}

/**
 * A store as it was when `kv.snapshot()` was called. While it is held, values that have been replaced since stay in
 * memory's table and on disk: close it soon. One that is forgotten is closed when it is collected.
 */
export class KvSnapshot<K, V> implements Disposable {
  readonly #hold: Hold
  readonly #reads: Reads<K, V>
  #closed = false

  /** @internal Snapshots are made by `kv.snapshot()`. */
  constructor(store: Store, key: DecodeKey<K>, value: ValueEncoding<V>) {
    const hold = holdNow(store)
    this.#hold = hold
    const check = (): void => {
      store.checkOpen()
      if (this.#closed) throw new WalrusError('WALRUS_CLOSED', 'the snapshot is closed')
    }
    const source = {
      find: (wanted: string) => {
        check()
        return hold.keys.get(wanted)
      },
      hold: () => {
        check()
        // The iteration goes on when the snapshot is closed.
        const { state } = store
        state.share()
        return new Hold(hold.keys, () => state.release())
      },
    }
    this.#reads = new Reads(source, store.values, key, value)
    releaseWith(this, hold)
  }

  /** See `Kv.has`. */
  has(key: KeyInput): boolean {
    return this.#reads.has(key)
  }

  /** See `Kv.get`. */
  get(key: KeyInput): Promise<V | undefined> {
    return this.#reads.get(key)
  }

  /** See `Kv.getSync`. */
  getSync(key: KeyInput): V | undefined {
    return this.#reads.getSync(key)
  }

  /** See `Kv.entry`. */
  entry(key: KeyInput): Promise<KvEntry<V> | undefined> {
    return this.#reads.entry(key)
  }

  /** See `Kv.keys`. */
  keys(options: ScanOptions = {}): IterableIterator<K> {
    return this.#reads.keys(options)
  }

  /** See `Kv.entries`. */
  entries(options: ScanOptions = {}): AsyncScan<[K, V]> {
    return this.#reads.entries(options)
  }

  /** See `Kv.entriesSync`. */
  entriesSync(options: ScanOptions = {}): IterableIterator<[K, V]> {
    return this.#reads.entriesSync(options)
  }

  /** Lets go of it; iterations under way go on. May be called again. */
  close(): void {
    this.#closed = true
    this.#hold.release()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
