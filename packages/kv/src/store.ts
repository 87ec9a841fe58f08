/**
 * A store without encodings: keys are byte strings, values bytes. It puts records into the log's stream, takes part
 * in their commits, and has the state that comes of them.
 */

import type {
  Attachment,
  Batch,
  Claim,
  CommitOptions,
  Log,
  Need,
  Stream,
  WriteSet,
} from '@walrus/log'
import type { Timer } from '@walrus/segment'
import type { ByteString } from './byte-string.ts'
import { type Change, Changes, type Version } from './changes.ts'
import { GroupCommit } from './group-commit.ts'
import { closedError, conflict, hasCode } from './errors.ts'
import { VALUE_ENCODINGS, type ValueInput } from './encoding.ts'
import { claimStream, freeStream } from './open-streams.ts'
import type { ResolvedOptions } from './options.ts'
import { bytesOf, RecordWriter } from './record.ts'
import { Snapshots } from './snapshots.ts'
import { State } from './state.ts'
import { StateView } from './state-view.ts'
import { ValueCache } from './value-cache.ts'
import { type Found, Values } from './values.ts'

/** What has expired is removed at most so often while nobody looks, in milliseconds. */
const SWEEP_EVERY_MS = 1000

export class Store {
  readonly log: Log
  readonly stream: Stream
  readonly values: Values
  readonly isReadOnly: boolean
  readonly #env: ResolvedOptions['env']
  readonly #cache: ValueCache
  readonly #changes: Changes
  readonly #groups: GroupCommit
  readonly #records = new RecordWriter()
  #state: State
  #attachment: Attachment | undefined
  #snapshots: Snapshots | undefined
  #claim: Claim | undefined
  #refreshing: Promise<void> = Promise.resolve()
  /** Whether what is sequenced counts for readers before it is acknowledged: under `durability: 'none'`. */
  #isUnsynced: boolean | undefined
  #sweep: Timer | undefined
  #closed = false

  private constructor(log: Log, options: ResolvedOptions) {
    this.log = log
    this.stream = log.stream(options.stream)
    this.#env = options.env
    this.#state = new State(() => options.env.now())
    this.#cache = new ValueCache(options.cacheBytes)
    this.values = new Values(this.stream, this.#cache)
    this.#changes = new Changes((change, position) => this.#apply(change, position))
    this.#groups = new GroupCommit(log, (changes) => this.#changes.part(changes))
    this.isReadOnly = isReadOnly(log)
    claimStream(log, options.stream)
  }

  /**
   * To be called in the same turn as the log was opened in: from then on retention keeps what it needs.
   * @throws `WALRUS_STREAM_IN_USE`, `WALRUS_INVALID_OPTION`; what restoring it meets
   */
  static async open(log: Log, options: ResolvedOptions): Promise<Store> {
    const store = new Store(log, options)
    try {
      await store.#attach()
    } catch (error) {
      store.#letGo()
      throw error
    }
    return store
  }

  /** Why the last snapshot came to nothing. */
  get snapshotFailure(): Error | undefined {
    return this.#snapshots?.failure
  }

  get state(): State {
    return this.#state
  }

  /** Restores the state. */
  async #attach(): Promise<void> {
    const { log } = this
    const { name } = this.stream
    const state = new State(() => this.#env.now())
    const view = new StateView(name, state)
    if (!this.isReadOnly) {
      // The values are where they were written, however new the snapshot of the keys is.
      const needs = (): Need[] => [{ stream: name, from: this.#snapshots ? state.firstLive : 0 }]
      this.#claim = log.claim(`values of ${name}`, needs)
    }
    const attachment = await log.attach(view, { snapshotEvery: Number.MAX_SAFE_INTEGER })
    this.#attachment = attachment
    this.#state = state
    if (!this.isReadOnly) {
      state.reached(this.stream.next)
      this.#snapshots = new Snapshots(log, state, view, attachment)
    }
    this.#sweepLater()
  }

  /** Of a log opened for reading: takes what its writer has brought since. */
  async refresh(): Promise<void> {
    this.checkOpen()
    const refreshed = this.#refreshing.then(() => this.#refresh())
    this.#refreshing = refreshed.catch(() => {})
    await refreshed
  }

  async #refresh(): Promise<void> {
    const attachment = this.#attachment
    try {
      if (attachment === undefined) await this.#attach()
      else await attachment.refresh()
    } catch (error) {
      if (attachment === undefined || !hasCode(error, 'WALRUS_TRUNCATED_AWAY')) throw error
      // The writer has gone on by more than what is left: from its newest snapshot, then.
      this.#attachment = undefined
      await attachment.release()
      await this.#attach()
    }
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#env.now()
  }

  checkOpen(): void {
    if (this.#closed) throw closedError()
  }

  /** To be called before the state is read: it has then all that is to be seen. */
  settle(): void {
    this.checkOpen()
    if (!this.#changes.pending || this.#isUnsynced === false) return
    const { next } = this.stream
    this.#isUnsynced = next > this.state.next
    // It can be read there: reading writes it down first, and that acknowledges it.
    if (this.#isUnsynced) this.stream.getSync(next - 1)
  }

  /** A key's value in bytes of its own, and its version. */
  async read(key: ByteString): Promise<Found | undefined> {
    this.settle()
    const entry = this.state.find(key)
    if (entry === undefined) return undefined
    const cached = this.values.cached(entry, VALUE_ENCODINGS.bytes)
    if (cached !== undefined) return { bytes: bytesOf(cached), version: entry.position }
    return await this.values.read(key, entry, () => this.state.find(key))
  }

  /** @param expiresAt milliseconds since the Unix epoch; 0 for never */
  set(key: ByteString, value: ValueInput, expiresAt: number): Promise<void> {
    this.checkOpen()
    const record = this.#records.set(key, value, expiresAt)
    const group = this.#groups.groupFor(record.length)
    group.changes.push(this.#noteSet(group.batch, record, key, expiresAt))
    return this.#groups.added(group)
  }

  async delete(key: ByteString): Promise<boolean> {
    this.checkOpen()
    const group = this.#groups.groupFor(0)
    const number = group.batch.append(this.stream, this.#records.delete(key))
    const change = { type: 'delete' as const, key, number, wasThere: false }
    group.changes.push(change)
    await this.#groups.added(group)
    return change.wasThere
  }

  /** Commits what is put into a batch, behind all changes called for before. */
  async commit(fill: (set: WriteSet) => void, options: CommitOptions = {}): Promise<void> {
    const batch = this.#filled(fill)
    const committed = this.log.commit(batch, options)
    this.#groups.follow(committed)
    await committed
  }

  /** As `commit`, blocking. */
  commitSync(fill: (set: WriteSet) => void): void {
    this.log.commitSync(this.#filled(fill))
  }

  addSet(set: WriteSet, key: ByteString, value: ValueInput, expiresAt: number): void {
    this.checkOpen()
    this.#groups.submit()
    const record = this.#records.set(key, value, expiresAt)
    set.join(this.#changes.part([this.#noteSet(set, record, key, expiresAt)]))
  }

  /** Returns the change, which knows whether the key was there once it is acknowledged. */
  addDelete(set: WriteSet, key: ByteString): { readonly wasThere: boolean } {
    this.checkOpen()
    this.#groups.submit()
    const number = set.append(this.stream, this.#records.delete(key))
    const change = { type: 'delete' as const, key, number, wasThere: false }
    set.join(this.#changes.part([change]))
    return change
  }

  addClear(set: WriteSet, from: ByteString, until: ByteString | undefined): void {
    this.checkOpen()
    this.#groups.submit()
    const number = set.append(this.stream, this.#records.clear(from, until))
    set.join(this.#changes.part([{ type: 'clear', from, until, number }]))
  }

  /** Lets the commit be refused with `WALRUS_CONFLICT` unless the key's newest record is this one then. */
  addExpectation(set: WriteSet, key: ByteString, version: Version): void {
    this.checkOpen()
    set.join({
      check: () => {
        const found = this.#versionOf(key)
        if (found !== version) throw conflict(key, describe(version), describe(found))
      },
    })
  }

  /** Makes everything called for before durable. */
  async sync(): Promise<void> {
    this.checkOpen()
    this.#groups.submit()
    await Promise.all([this.#groups.idle(), this.log.sync()])
  }

  /** Commits what was called for; resolves when that has come to its end, whichever. */
  async close(): Promise<void> {
    this.#groups.submit()
    this.#closed = true
    this.#sweep?.cancel()
    await this.#groups.idle()
    try {
      await this.#snapshots?.close()
      await this.#attachment?.release()
    } finally {
      this.#letGo()
    }
  }

  #letGo(): void {
    this.#claim?.release()
    freeStream(this.log, this.stream.name)
  }

  #filled(fill: (set: WriteSet) => void): Batch {
    this.checkOpen()
    this.#groups.submit()
    const batch = this.log.batch()
    fill(batch)
    return batch
  }

  #noteSet(set: WriteSet, record: Uint8Array, key: ByteString, expiresAt: number): Change {
    const { valueAt } = this.#records
    const number = set.append(this.stream, record)
    const cachedAt = this.#cache.put(record, valueAt, record.length)
    return { type: 'set', number, key, expiresAt, cachedAt, length: record.length - valueAt }
  }

  #versionOf(key: ByteString): Version {
    const pending = this.#changes.versionOf(key)
    return pending === null ? this.state.find(key)?.position : pending
  }

  #apply(change: Change, position: number): void {
    const { state } = this
    if (change.type === 'set') {
      const { key, expiresAt, cachedAt, length } = change
      state.set(key, position, expiresAt, cachedAt, length)
      if (expiresAt !== 0) this.#sweepLater()
    } else if (change.type === 'delete') {
      change.wasThere = state.delete(change.key, position)
    } else {
      state.clear(change.from, change.until, position)
    }
    this.#snapshots?.advanced()
  }

  /** Removes what has expired when that is due, so that it takes no memory when nobody looks. */
  #sweepLater(): void {
    const { nextExpiry } = this.state
    if (nextExpiry === undefined || this.#sweep !== undefined || this.#closed) return
    const wait = Math.max(nextExpiry - this.#env.now(), SWEEP_EVERY_MS)
    this.#sweep = this.#env.after(Math.min(wait, 2 ** 31 - 1), () => {
      this.#sweep = undefined
      this.state.expire()
      this.#sweepLater()
    })
  }
}

function isReadOnly(log: Log): boolean {
  try {
    log.batch()
    return false
  } catch (error) {
    if (hasCode(error, 'WALRUS_READ_ONLY')) return true
    throw error
  }
}

function describe(version: Version): string {
  return version === undefined ? 'not to be there' : `at version ${version}`
}
