/** `@walrus/kv` as an abstract-level database. */

import { WalrusError } from '@walrus/codec'
import { Kv, type KvOperation, type OwnLogOptions } from '@walrus/kv'
import { Log, type LogOptions } from '@walrus/log'
import { type AbstractDatabaseOptions, AbstractLevel } from 'abstract-level'
import { type Format, type FormatName, inFormat } from './format.ts'
import {
  type Database,
  type IteratorOptions,
  LevelIterator,
  LevelSnapshot,
  type RangeOptions,
  rangeOf,
  scanOf,
} from './level-iterator.ts'

type Bytes = Uint8Array
type Store = Kv<Bytes, Bytes>

export interface WalrusLevelOptions<KDefault, VDefault>
  extends AbstractDatabaseOptions<KDefault, VDefault> {
  /** Options of the store and its log: `durability`, `cacheBytes`, ... */
  readonly kv?: Omit<OwnLogOptions, 'keyEncoding' | 'valueEncoding'>
}

/** Options of single calls, as abstract-level hands them over. */
interface CallOptions {
  readonly keyEncoding: FormatName
  readonly valueEncoding: FormatName
  readonly snapshot?: LevelSnapshot
}

interface Operation {
  readonly type: 'put' | 'del'
  readonly key: Format
  readonly value?: Format
}

const SUPPORTED = {
  implicitSnapshots: true,
  explicitSnapshots: true,
  permanence: true,
  seek: true,
  has: true,
  getSync: true,
  createIfMissing: true,
  errorIfExists: true,
  encodings: { utf8: true, buffer: true, view: true },
  signals: { iterators: true },
}

/**
 * An ordered database on a log, with the interface of abstract-level: what `level` gives, durable by default. Sublevels,
 * encodings, hooks and events are abstract-level's own.
 */
export class WalrusLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  Format,
  KDefault,
  VDefault
> {
  readonly #location: string | Log
  #kv: Store | undefined

  /** @param location the directory of a log of its own, or a log that is open already */
  constructor(location: string | Log, options: WalrusLevelOptions<KDefault, VDefault> = {}) {
    super(SUPPORTED, options)
    this.#location = location
  }

  /** The store, while the database is open: to set keys in a transaction of its log, say. */
  get kv(): Store {
    if (this.#kv === undefined) throw new WalrusError('WALRUS_CLOSED', 'the database is not open')
    return this.#kv
  }

  async _open(options: WalrusLevelOptions<KDefault, VDefault>): Promise<void> {
    const { createIfMissing, errorIfExists, kv = {} } = options
    const location = this.#location
    const own = { ...kv, keyEncoding: 'bytes', valueEncoding: 'bytes' } as const
    if (location instanceof Log) {
      this.#kv = await Kv.open(location, own)
      return
    }
    if (createIfMissing === false || errorIfExists === true) {
      const there = await isThere(location, own)
      if (!there && createIfMissing === false) {
        throw new WalrusError('WALRUS_NOT_FOUND', `${location}: the database does not exist`)
      }
      if (there && errorIfExists === true) {
        throw new WalrusError('WALRUS_EXISTS', `${location}: the database exists already`)
      }
    }
    this.#kv = await Kv.open(location, own)
  }

  async _close(): Promise<void> {
    const kv = this.#kv
    this.#kv = undefined
    await kv?.close()
  }

  async _put(key: Format, value: Format): Promise<void> {
    await this.kv.set(key, value)
  }

  async _get(key: Format, options: CallOptions): Promise<Format | undefined> {
    const value = await this.#in(options).get(key)
    return value && inFormat(value, options.valueEncoding)
  }

  _getSync(key: Format, options: CallOptions): Format | undefined {
    const value = this.#in(options).getSync(key)
    return value && inFormat(value, options.valueEncoding)
  }

  async _getMany(keys: readonly Format[], options: CallOptions): Promise<(Format | undefined)[]> {
    return await Promise.all(keys.map((key) => this._get(key, options)))
  }

  async _has(key: Format, options: CallOptions): Promise<boolean> {
    return this.#in(options).has(key)
  }

  async _hasMany(keys: readonly Format[], options: CallOptions): Promise<boolean[]> {
    const state = this.#in(options)
    return keys.map((key) => state.has(key))
  }

  async _del(key: Format): Promise<void> {
    await this.kv.delete(key)
  }

  async _batch(operations: readonly Operation[]): Promise<void> {
    await this.kv.batch(
      operations.map(
        ({ type, key, value }): KvOperation<Format> =>
          type === 'put' ? { type: 'set', key, value: value! } : { type: 'delete', key },
      ),
    )
  }

  async _clear(options: RangeOptions): Promise<void> {
    const { limit = -1, snapshot } = options
    const bounded = limit >= 0 && limit < Number.POSITIVE_INFINITY
    if (!bounded && snapshot === undefined) {
      await this.kv.clear(rangeOf(options))
      return
    }
    const keys = [...(snapshot?.state ?? this.kv).keys(scanOf(options))]
    await this.kv.batch(keys.map((key) => ({ type: 'delete', key })))
  }

  _iterator(options: IteratorOptions): LevelIterator {
    return new LevelIterator(this as unknown as Database, options, this.kv)
  }

  _snapshot(options: object): LevelSnapshot {
    return new LevelSnapshot(options, this.kv)
  }

  #in({ snapshot }: CallOptions): Pick<Store, 'get' | 'getSync' | 'has'> {
    return snapshot?.state ?? this.kv
  }
}

/** Whether there is a log in a directory; looks without changing anything. */
async function isThere(dir: string, { storage }: LogOptions): Promise<boolean> {
  try {
    const log = await Log.open(dir, {
      readOnly: true,
      ...(storage === undefined ? {} : { storage }),
    })
    await log.close()
    return true
  } catch (error) {
    if (error instanceof WalrusError && error.code === 'WALRUS_NOT_FOUND') return false
    throw error
  }
}
