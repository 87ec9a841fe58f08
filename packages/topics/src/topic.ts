/**
 * A topic: entries in order, which any number of cursors read. It is a stream of the log, and appears with its first
 * entry. What is kept of it in memory is small, and of its cursors and groups only those that are used.
 */

import type { EntriesOptions, EntryInput, Payload, Stream, WriteSet } from '@walrus/log'
import { type AppendOptions, Appends, type BatchAppendOptions } from './appends.ts'
import { checkBoolean } from './checks.ts'
import { bytesBetween, type Counted, Counter } from './counter.ts'
import type { Cursor } from './cursor.ts'
import type {
  BatchOptions,
  ConsumeOptions,
  NextOptions,
  Place,
  TopicEntry,
} from './cursor-options.ts'
import type { Engine } from './engine.ts'
import { invalid } from './errors.ts'
import type { Group } from './group.ts'
import type { GroupOptions } from './group-options.ts'
import { checkName, streamOf } from './names.ts'
import { declared } from './records.ts'
import { retainTopic } from './retention.ts'
import {
  checkTopicRetention,
  type RetainOptions,
  type TopicRetentionReport,
} from './retention-policy.ts'
import { type CursorInfo, TopicCursors } from './topic-cursors.ts'
import { TopicGroups } from './topic-groups.ts'
import type { TopicState } from './topic-state.ts'
import type { Waiters } from './waiting.ts'

/** What is said of a topic. */
export interface TopicInfo {
  readonly name: string
  /** Position of its first entry, and of the one that is appended next. */
  readonly first: number
  readonly end: number
  readonly entries: number
  /** Entries that its default cursor has not read. */
  readonly unread: number
  /** Bytes of data of its entries. */
  readonly bytes: number
  /** When its last entry was committed, in milliseconds since the Unix epoch; `undefined` while it has none. */
  readonly lastAppend: number | undefined
  readonly clean: boolean
  readonly cursors: readonly CursorInfo[]
}

/** What a topic needs of its instance. */
export interface TopicHost extends Engine {
  topic(name: string): Topic
}

export class Topic {
  readonly name: string
  readonly #host: TopicHost
  #appended: Appends | undefined
  #cursors: TopicCursors | undefined
  #groups: TopicGroups | undefined

  /** @internal Topics are made by `topics.topic(name)`. */
  constructor(host: TopicHost, name: string) {
    this.name = name
    this.#host = host
  }

  /** @internal */
  get stream(): Stream {
    return this.#appended?.stream ?? this.#host.log.stream(streamOf(this.name))
  }

  /** Position of the first entry there is, or would be. */
  get first(): number {
    const { front = 0 } = this.#state ?? {}
    return Math.max(this.stream.first, front)
  }

  /** The position after the last entry that can be read. */
  get end(): number {
    return this.stream.next
  }

  /** How many entries it has. */
  get entries(): number {
    return Math.max(0, this.end - this.first)
  }

  /** How many entries its default cursor has not read. */
  get unread(): number {
    return this.cursor().lag
  }

  /** Whether it has entries, or cursors: it appears with the first of them. */
  get exists(): boolean {
    const state = this.#state
    return this.end > (state?.deletedAt ?? 0) || (state?.cursors.length ?? 0) > 0
  }

  /**
   * Appends an entry; resolves to its position once it is as durable as the log was asked to make it. With a
   * `producer` and a `sequence` it may be tried again: it comes into the topic once, and each try is answered with its
   * position, as long as the producer is remembered (`producerWindow`), and 64 of its sequences.
   * @throws as `Stream.append` of `@walrus/log`; `WALRUS_SEQUENCE_TOO_OLD`
   */
  append(data: Payload, options?: AppendOptions): Promise<number> {
    return this.#appends.append(data, options)
  }

  /**
   * Appends entries as one: all of them or none, to readers and after a crash. Resolves to their positions, which
   * follow one another. An empty batch gives [].
   * @throws `WALRUS_BATCH_TOO_LARGE` before anything is written, and what `append` throws
   */
  appendBatch(
    entries: readonly (Payload | EntryInput)[],
    options?: BatchAppendOptions,
  ): Promise<readonly number[]> {
    return this.#appends.appendBatch(entries, options)
  }

  /** The next entry of the default cursor. See `Cursor.next`. */
  next(options?: NextOptions): Promise<TopicEntry | undefined> {
    return this.cursor().next(options)
  }

  /** The next entry of the default cursor, without consuming it. */
  peek(): Promise<TopicEntry | undefined> {
    return this.cursor().peek()
  }

  /** The next entries of the default cursor; or from a position on, moving nothing. See `Cursor.read`. */
  read(options?: BatchOptions): Promise<readonly TopicEntry[]> {
    return this.cursor().read(options)
  }

  /** Iterates over the entries of the default cursor, consuming them. See `Cursor.consume`. */
  consume(options?: ConsumeOptions): AsyncGenerator<TopicEntry, void, undefined> {
    return this.cursor().consume(options)
  }

  /** Iterates over entries, consuming nothing. See `Stream.entries` of `@walrus/log`. */
  scan(options: EntriesOptions = {}): AsyncIterableIterator<TopicEntry> {
    return this.stream.entries({ ...options, from: Math.max(options.from ?? 0, this.first) })
  }

  /** A cursor, whether it was created or not: it is when it first consumes, at the beginning of the topic. */
  cursor(name = ''): Cursor {
    checkName('a cursor', name)
    if (this.#groups?.has(name) === true) throw mixed(name)
    return this.#opened.open(name)
  }

  /**
   * Creates a cursor at a place; resolves when it is durable.
   * @throws `WALRUS_CURSOR_EXISTS`
   */
  createCursor(name: string, place: Place = 'start'): Promise<Cursor> {
    return this.#opened.create(checkName('a cursor', name), place)
  }

  /**
   * Deletes a cursor: nothing is kept for it any more.
   * @throws `WALRUS_CURSOR_NOT_FOUND`
   */
  async deleteCursor(name: string): Promise<void> {
    await this.#opened.delete(name)
    this.#groups?.deletedOne(name)
  }

  /** The cursors that were created. */
  cursors(): CursorInfo[] {
    return this.#opened.list()
  }

  /**
   * A group of consumers that share the cursor of this name. Every member says the same of it.
   * @throws `WALRUS_INVALID_OPTION`, also when it is in use with other options, or its cursor without a group
   */
  group(name: string, options: GroupOptions = {}): Group {
    checkName('a group', name)
    if (this.#cursors?.has(name) === true) throw mixed(name)
    this.#groups ??= new TopicGroups(this.#host, this, this.#opened)
    return this.#groups.open(name, options)
  }

  /** Bytes of data of its entries. After a crash it may have to read the last ones to know. */
  async bytes(): Promise<number> {
    const { front = 0, frontBytes = 0 } = this.#state ?? {}
    if (this.first > front || frontBytes === undefined) {
      return await bytesBetween(this.stream, this.first, this.end)
    }
    const { counted = 0, countedBytes = 0 } = this.#state ?? {}
    const { counter } = this.#appends
    // Of topics opened for reading it is another process that appends.
    const all = this.#host.log.readOnly
      ? new Counter(this.stream, { position: counted, bytes: countedBytes }, this.end)
      : counter
    all.begins({ position: front, bytes: frontBytes })
    return (await all.all()).bytes - frontBytes
  }

  /** What there is to be said of it. */
  async info(): Promise<TopicInfo> {
    const { name, first, end, entries, unread, clean } = this
    const [last] = end > first ? await this.stream.read({ from: end - 1 }) : []
    const bytes = await this.bytes()
    const cursors = this.cursors()
    return { name, first, end, entries, unread, bytes, lastAppend: last?.time, clean, cursors }
  }

  /** Whether nothing was appended since it was marked as clean, or ever. */
  get clean(): boolean {
    const { cleanAt } = this.#state ?? { cleanAt: 0 }
    return cleanAt === this.end
  }

  /** Marks it as clean, until something is appended, or as dirty; resolves when that is durable. */
  async mark(clean: boolean): Promise<void> {
    checkBoolean('clean', clean)
    this.#host.checkOpen()
    const topic = this.#host.state.topic(this.name)
    const at = clean ? this.end : undefined
    await this.#host.ledger.write(declared(topic, [{ kind: 'clean', topic: topic.number, at }]))
  }

  /** Drops entries that a policy lets go, now, and says which; with `dryRun` only says it. */
  async retain(policy: RetainOptions): Promise<TopicRetentionReport> {
    const checked = checkTopicRetention('retain', policy, ['dryRun'])
    this.#host.checkOpen()
    return await retainTopic(this.#host, this, checked)
  }

  /** @internal Those who wait for entries. */
  get waiters(): Waiters {
    return this.#appends.waiters
  }

  /** @internal How far its bytes are counted, to be written down. */
  takeCount(): Counted | undefined {
    return this.#appended?.takeCount()
  }

  /** @internal What it came to is written down: forgets what can be found again. */
  rest(): void {
    this.#cursors?.rest()
    if (this.#appended?.idle === true) this.#appended = undefined
  }

  /** @internal Puts an entry into a commit; its number there. */
  put(set: WriteSet, entry: Payload | EntryInput): number {
    return this.#appends.put(set, entry)
  }

  /** @internal Puts an entry into another topic, as part of a commit. */
  putInto(topic: string, set: WriteSet, { data, timestamp }: TopicEntry): void {
    this.#host.topic(topic).put(set, { data, timestamp })
  }

  /** @internal The bytes of data of all entries before a position, where that is known. */
  bytesBefore(position: number): number | undefined {
    const { front = 0, frontBytes = 0 } = this.#state ?? {}
    if (position === front) return frontBytes
    const { counted } = this.#appends.counter
    return counted?.position === position ? counted.bytes : undefined
  }

  /** @internal It was deleted up to a position. */
  deleted(position: number): void {
    this.#appends.deleted(position)
    this.#cursors?.deleted()
    this.#groups?.deleted()
  }

  /** @internal Writes down where its cursors are. */
  async close(): Promise<void> {
    await this.#cursors?.close()
  }

  get #appends(): Appends {
    this.#appended ??= new Appends(this.#host, this.name, this.stream)
    return this.#appended
  }

  get #state(): TopicState | undefined {
    return this.#host.state.find(this.name)
  }

  get #opened(): TopicCursors {
    this.#cursors ??= new TopicCursors(this.#host, this)
    return this.#cursors
  }
}

function mixed(name: string): Error {
  return invalid(`${JSON.stringify(name)} is used both as a cursor and as a group`)
}
