/** `@walrus/kv` as a store for Keyv. */

import { EventEmitter } from 'node:events'
import { Kv, type OwnLogOptions } from '@walrus/kv'

/** Options of the store and its log: `durability`, `cacheBytes`, ... */
export type KeyvWalrusOptions = Omit<OwnLogOptions, 'keyEncoding' | 'valueEncoding'>

interface Entry {
  readonly key: string
  readonly value: string
  readonly ttl?: number
}

/**
 * A storage adapter for Keyv: `new Keyv({ store: new KeyvWalrus('./cache') })`. Times to live are the store's own, and
 * survive a restart. Keys of a namespace begin with its name and a colon, as Keyv makes them.
 */
export class KeyvWalrus extends EventEmitter {
  /** Keyv iterates only over stores whose dialect it has heard of. */
  readonly opts: { readonly dialect: string; readonly url: string }
  /** Set by Keyv. */
  namespace: string | undefined
  readonly #kv: Promise<Kv>
  readonly #isOwn: boolean

  /** @param target the directory of a store of its own, or a store that is open already, to share it */
  constructor(target: string | Kv, options: KeyvWalrusOptions = {}) {
    super()
    const isOwn = typeof target === 'string'
    this.#isOwn = isOwn
    this.opts = { dialect: 'sqlite', url: isOwn ? target : target.log.dir }
    this.#kv = isOwn ? Kv.open(target, options) : Promise.resolve(target)
    // Whoever calls is told. Keyv listens for the event, too.
    this.#kv.catch((error: unknown) => this.listenerCount('error') > 0 && this.emit('error', error))
  }

  async get(key: string): Promise<string | undefined> {
    return await (await this.#kv).get(key)
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    const kv = await this.#kv
    return await Promise.all(keys.map((key) => kv.get(key)))
  }

  /** @param ttl milliseconds; none or 0 for ever */
  async set(key: string, value: string, ttl?: number): Promise<void> {
    const kv = await this.#kv
    await (ttl ? kv.set(key, value, { ttlMs: Math.ceil(ttl) }) : kv.set(key, value))
  }

  async setMany(entries: readonly Entry[]): Promise<void> {
    const kv = await this.#kv
    await kv.batch(
      entries.map(({ key, value, ttl }) => ({
        type: 'set',
        key,
        value,
        ...(ttl ? { ttlMs: Math.ceil(ttl) } : {}),
      })),
    )
  }

  async delete(key: string): Promise<boolean> {
    return await (await this.#kv).delete(key)
  }

  /** Whether one of the keys was there. */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const kv = await this.#kv
    return (await Promise.all(keys.map((key) => kv.delete(key)))).includes(true)
  }

  async has(key: string): Promise<boolean> {
    return (await this.#kv).has(key)
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    const kv = await this.#kv
    return keys.map((key) => kv.has(key))
  }

  /** Deletes the keys of the namespace; all, where there is none. */
  async clear(): Promise<void> {
    const kv = await this.#kv
    await kv.clear(this.namespace === undefined ? {} : { prefix: `${this.namespace}:` })
  }

  async *iterator(namespace?: string): AsyncGenerator<[string, string], void> {
    const kv = await this.#kv
    yield* kv.entries(namespace === undefined ? {} : { prefix: `${namespace}:` })
  }

  /** Closes the store, unless it is shared. */
  async disconnect(): Promise<void> {
    if (this.#isOwn) await (await this.#kv).close()
  }
}
