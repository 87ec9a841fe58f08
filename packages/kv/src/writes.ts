/** Changes to a store in a batch or transaction of its log. */

import type { WriteSet } from '@walrus/log'
import { encodeKey, type KeyInput, type ValueEncoding } from './encoding.ts'
import { expiryOf, type ExpiryOptions } from './expiry-options.ts'
import { boundsOf, type KeyRange } from './range.ts'
import { checkNames } from './options.ts'
import type { Store } from './store.ts'

/**
 * Puts changes into a batch or transaction, among its other entries: all of it is committed, or none. Made by
 * `kv.in(set)`; nothing is changed before the commit is acknowledged.
 */
export class KvWrites<I> {
  readonly #store: Store
  readonly #set: WriteSet
  readonly #value: ValueEncoding<unknown>

  /** @internal */
  constructor(store: Store, set: WriteSet, value: ValueEncoding<unknown>) {
    this.#store = store
    this.#set = set
    this.#value = value
  }

  /** @throws as `Kv.set`, and as `append` of the batch or transaction */
  set(key: KeyInput, value: I, options: ExpiryOptions = {}): this {
    checkNames('set', options, ['ttlMs'])
    const expiresAt = expiryOf(options, this.#store.now())
    this.#store.addSet(this.#set, encodeKey(key), this.#value.encode(value), expiresAt)
    return this
  }

  delete(key: KeyInput): this {
    this.#store.addDelete(this.#set, encodeKey(key))
    return this
  }

  /** Deletes all keys of a range, as they are when the commit's turn comes. */
  clear(range: KeyRange = {}): this {
    const { from, until } = boundsOf('clear', range)
    this.#store.addClear(this.#set, from, until)
    return this
  }

  /**
   * Lets the commit be refused, with `WALRUS_CONFLICT`, unless a key is as it was seen when the commit's turn comes.
   * What the same batch or transaction changes does not count.
   * @param version that of `kv.entry(key)`; `undefined` for a key that must not be there
   */
  expect(key: KeyInput, version: number | undefined): this {
    this.#store.addExpectation(this.#set, encodeKey(key), version)
    return this
  }
}
