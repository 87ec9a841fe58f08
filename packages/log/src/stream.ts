/**
 * A stream of entries with positions of its own: the plain log is one, named streams are others, all on one log.
 */

import { Addition } from './addition.ts'
import { BoundsChange, type Change } from './bounds-change.ts'
import { Place } from './admission.ts'
import type { LogEntry } from './entry.ts'
import { END, EntryIterator, type NextBatch } from './entry-iterator.ts'
import type { Catalog, StreamState } from './catalog.ts'
import { outOfRange } from './errors.ts'
import {
  type AppendOptions,
  checkAppendOptions,
  checkBatch,
  checkCommit,
  checkNotAborted,
  checkSize,
  checkWaitOptions,
  type EntryInput,
  type Payload,
  toBytes,
  type WaitOptions,
  waitFor,
} from './input.ts'
import {
  checkBoolean,
  checkInteger,
  checkNames,
  invalid,
  type ResolvedOptions,
  show,
} from './options.ts'
import { gone, type Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** Where to read. */
export interface ReadOptions {
  /** First index wanted. Default: the first there is. */
  readonly from?: number
  /** At most this many entries: 1 to 1,000,000, default 4,096. */
  readonly maxEntries?: number
  /** At most this many bytes of data, but always one entry if there is one: 1 to 1 GiB, default 256 KiB. */
  readonly maxBytes?: number
}

export interface EntriesOptions {
  /** First index wanted. Default: the first there is. */
  readonly from?: number
  /** Last index wanted. Default: the last there is when it is come to. */
  readonly to?: number
  /** At the end, wait for more. Default false. */
  readonly follow?: boolean
  /** Ends the iteration with `AbortError`. */
  readonly signal?: AbortSignal
}

const DEFAULT_BATCH_ENTRIES = 4096
const DEFAULT_BATCH_BYTES = 0x4_0000
const GiB = 2 ** 30
/** The last index there can be, so that the one after it is a safe integer. */
const LAST_INDEX = Number.MAX_SAFE_INTEGER - 1

/** What a stream needs of the log it is on. */
export interface StreamHost {
  readonly options: ResolvedOptions
  readonly catalog: Catalog
  /** The writer; throws when the log was opened for reading, or is closed. */
  writer(): Writer
  /** The reader; throws when the log is closed. What is sequenced and visible has been written when it returns. */
  reader(): Reader
  /** The position after the last visible entry. */
  visibleNext(stream: StreamState | undefined): number
  /** Looks whether there is more to read than before: another process may write. */
  refresh(): Promise<void>
  /** Resolves when a read that failed for the `attempt`-th time is worth another one; throws `error` otherwise. */
  moved(error: unknown, attempt: number): Promise<void>
  /** A stream was truncated: files may have become needless. */
  truncated(): void
  /** Resolves when more can be read, the log is closed, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void>
}

export class Stream {
  /** Its name; empty for the plain log. */
  readonly name: string
  readonly #host: StreamHost
  readonly #state: () => StreamState | undefined
  readonly #stateToWrite: () => StreamState
  readonly #start: number

  /** @internal Streams are made by `log.stream(name)`. */
  constructor(
    host: StreamHost,
    name: string,
    start: number,
    state: () => StreamState | undefined,
    stateToWrite: () => StreamState,
  ) {
    this.#host = host
    this.name = name
    this.#start = start
    this.#state = state
    this.#stateToWrite = stateToWrite
  }

  /**
   * @internal Its name, for a commit to the log of this catalog.
   * @throws `WALRUS_INVALID_OPTION` for a stream of another log
   */
  nameIn(catalog: Catalog): string {
    if (this.#host.catalog === catalog) return this.name
    throw invalid('the stream is one of another log')
  }

  /** The first index there is, or would be. */
  get first(): number {
    return this.#state()?.first ?? this.#start
  }

  /**
   * The index after the last entry that can be read.
   * @throws `WALRUS_CLOSED` for a named stream of a closed log
   */
  get next(): number {
    const state = this.#state()
    return state === undefined ? this.#start : this.#host.visibleNext(state)
  }

  /**
   * Appends an entry; resolves to its index once it is as durable as the log was asked to make it.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_ENTRY_TOO_LARGE`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`: nothing was written
   * @throws `WALRUS_DISK_FULL`: nothing was kept; the log goes on when there is space
   * @throws `WALRUS_FAILED`: whether it is in the log, only reopening tells
   * @throws `AbortError` (`WALRUS_ABORTED`), `WALRUS_TIMEOUT`: before anything was written, or while waiting
   */
  async append(data: Payload, options?: AppendOptions): Promise<number> {
    const bytes = toBytes(data)
    checkSize(bytes.length, this.#host.options.maxEntryBytes)
    if (options === undefined)
      return await this.#writer().append(this.#stateToWrite(), bytes, undefined)
    const attributes = checkAppendOptions(options)
    checkNotAborted(options.signal)
    const writer = this.#writer()
    const stream = this.#stateToWrite()
    const place = new Place()
    const appended = writer.commit(
      new Addition(stream, [{ bytes, attributes }], this.#host.options.format),
      place,
    )
    return await waitFor(this.#host.options.storage.env, appended, options, place)
  }

  /**
   * Appends and returns its index: durable under `commit`, written under an interval; under `none` it may still be
   * in memory (see `Durability`). Blocks meanwhile. Throws what `append` rejects with.
   */
  appendSync(data: Payload, options?: AppendOptions): number {
    const bytes = toBytes(data)
    checkSize(bytes.length, this.#host.options.maxEntryBytes)
    const attributes = options === undefined ? undefined : checkAppendOptions(options)
    checkNotAborted(options?.signal)
    return this.#writer().appendSync(this.#stateToWrite(), bytes, attributes)
  }

  /**
   * Appends entries as one: all of them or none, to readers and after a crash. Resolves to their indexes, which
   * follow one another. An empty batch gives []. Throws what `append` throws; `maxEntryBytes` is each entry's limit,
   * and a batch may have 1 GiB and 16,777,216 entries.
   */
  async appendBatch(
    entries: readonly (Payload | EntryInput)[],
    options: WaitOptions = {},
  ): Promise<number[]> {
    checkWaitOptions('appendBatch', options)
    const { format, maxEntryBytes, storage } = this.#host.options
    const checked = checkBatch(entries, maxEntryBytes)
    checkNotAborted(options.signal)
    const writer = this.#writer()
    if (checked.length === 0) return []
    const place = new Place()
    const addition = new Addition(this.#stateToWrite(), checked, format)
    checkCommit(addition.frames)
    const appended = writer.commit(addition, place)
    const first = await waitFor(storage.env, appended, options, place)
    return Array.from(checked, (_, at) => first + at)
  }

  /**
   * Truncates the end: keeps the entries up to `lastKept`, itself included; the next one appended gets the index after
   * it. Resolves once that is as durable as an append would be. With `lastKept` one below the first index nothing is
   * kept; at or above the last, nothing is done.
   *
   * It takes its place among the appends: those called before it are cut, too, where they lie beyond. Whoever is just
   * reading what is cut gets `WALRUS_TRUNCATED_AWAY`. The bytes stay in the files until their segments are removed
   * (`Log.retain`).
   * @throws `WALRUS_INDEX_OUT_OF_RANGE` when entries up to `lastKept` were removed from the front
   * @throws as `append`
   */
  async truncate(lastKept: number, options: WaitOptions = {}): Promise<void> {
    checkWaitOptions('truncate', options)
    checkInteger('lastKept', lastKept, -1, LAST_INDEX)
    checkNotAborted(options.signal)
    const { crowded, failure } = this.#writer()
    // Also where there is nothing to do: what was appended before it is not there, then.
    if (failure !== undefined) throw failure
    const stream = this.#state()
    const first = stream?.first ?? this.#start
    const next = stream?.next ?? this.#start
    if (lastKept < first - 1) throw outOfRange(lastKept, first, next - 1)
    // What waits to be sequenced comes before it, and may be for it to cut.
    if (stream === undefined || (lastKept >= next - 1 && !crowded)) return
    await this.#bound({ stream, next: lastKept + 1 }, options)
  }

  /**
   * Truncates the front: drops the entries before `firstKept`. Resolves once that is as durable as an append would
   * be. With `firstKept` one above the last index nothing is kept, and the next entry gets the index it would have got
   * anyway; at or below the first, nothing is done. Segments that hold nothing else are removed in the background.
   *
   * It takes its place among the appends. Where it has to wait for that, and the end is cut before it, entries that
   * were appended anew behind the cut stay: they are not those that could be read when this was called.
   * @throws `WALRUS_INDEX_OUT_OF_RANGE` when `firstKept` is above the next index
   * @throws as `append`
   */
  async truncateFront(firstKept: number, options: WaitOptions = {}): Promise<void> {
    checkWaitOptions('truncateFront', options)
    checkInteger('firstKept', firstKept, 0, Number.MAX_SAFE_INTEGER)
    checkNotAborted(options.signal)
    const { crowded, failure } = this.#writer()
    if (failure !== undefined) throw failure
    const stream = this.#state()
    const first = stream?.first ?? this.#start
    const next = stream?.next ?? this.#start
    if (firstKept > next && !crowded) throw outOfRange(firstKept, first, next - 1)
    if (stream === undefined || firstKept <= first) return
    await this.#bound({ stream, first: firstKept }, options)
  }

  /**
   * The entry with this index.
   * @throws `WALRUS_INDEX_OUT_OF_RANGE`; `WALRUS_CORRUPT` when it does not read as it was written;
   *   `WALRUS_TRUNCATED_AWAY` when it was removed in the meantime
   */
  async get(index: number): Promise<LogEntry> {
    const stream = this.#readable(index)
    return await this.#reading((reader) => reader.get(stream, index))
  }

  /** As `get`, blocking. */
  getSync(index: number): LogEntry {
    const stream = this.#readable(index)
    return this.#host.reader().getSync(stream, index)
  }

  /**
   * As `getSync`, without copying where the storage can show its files' own memory: with the storage on maps. `data`
   * is then read-only by agreement, and becomes empty when the log is closed; of a log opened for reading also when a
   * later writer has taken over the segment it stands in.
   */
  view(index: number): LogEntry {
    const stream = this.#readable(index)
    return this.#host.reader().view(stream, index)
  }

  /**
   * The entries from `from` to `to`, both included, as far as there are any; all in memory.
   * @throws `WALRUS_INVALID_OPTION` when `from` is above `to`
   */
  async range(from: number, to: number): Promise<LogEntry[]> {
    checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
    checkInteger('to', to, from, Number.MAX_SAFE_INTEGER)
    const all: LogEntry[] = []
    let at = Math.max(from, this.first)
    const end = Math.min(to + 1, this.next)
    const since = this.#state()?.latestCut ?? 0
    while (at < end) {
      this.#checkThere(at, since)
      for (const entry of await this.#batch(at, end, DEFAULT_BATCH_ENTRIES, DEFAULT_BATCH_BYTES)) {
        all.push(entry)
      }
      at = all.at(-1)!.index + 1
    }
    return all
  }

  /**
   * The next entries from an index on. The quickest way to read many: one wait for a batch. Fewer may come than
   * asked for, since a batch ends where its segment does; only [] is the end. An index below the first is taken for
   * the first.
   */
  async read(options: ReadOptions = {}): Promise<LogEntry[]> {
    checkNames('read', options, ['from', 'maxEntries', 'maxBytes'])
    const { maxEntries = DEFAULT_BATCH_ENTRIES, maxBytes = DEFAULT_BATCH_BYTES } = options
    checkInteger('maxEntries', maxEntries, 1, 1_000_000)
    checkInteger('maxBytes', maxBytes, 1, GiB)
    const { from: start = 0 } = options
    const from = Math.max(checkFrom(start), this.first)
    if (from >= this.next) await this.#host.refresh()
    if (from >= this.next) return []
    return withinBytes(await this.#batch(from, this.next, maxEntries, maxBytes), maxBytes)
  }

  /**
   * Iterates over entries in order, reading ahead by one batch. Where what comes next, or what was read before, has
   * been truncated away since it began, it ends with `WALRUS_TRUNCATED_AWAY`: begin again within `first` to `next`.
   */
  entries(options: EntriesOptions = {}): AsyncIterableIterator<LogEntry> {
    checkNames('entries', options, ['from', 'to', 'follow', 'signal'])
    checkWaitOptions('entries', options.signal === undefined ? {} : { signal: options.signal })
    const { from: start = 0, to = LAST_INDEX, follow = false, signal } = options
    checkBoolean('follow', follow)
    checkInteger('to', to, 0, LAST_INDEX)
    let from = Math.max(checkFrom(start), this.first)
    const begun = from
    let since = this.#state()?.latestCut ?? 0
    const next: NextBatch = async (ended) => {
      for (;;) {
        if (from > to || ended.aborted) return END
        // What was read before `from` must still be as it was.
        const now = this.#state()?.latestCut ?? 0
        this.#checkThere(from, from > begun ? since : now)
        since = now
        if (from >= this.next) await this.#host.refresh()
        const end = Math.min(this.next, to + 1)
        if (from < end) {
          const batch = await this.#batch(from, end, DEFAULT_BATCH_ENTRIES, DEFAULT_BATCH_BYTES)
          from = batch.at(-1)!.index + 1
          const stream = this.#state()!
          return { entries: batch, check: ({ index }) => checkNotCut(stream, index, now) }
        }
        if (!follow) return END
        await this.#host.changed(ended)
      }
    }
    return new EntryIterator(next, signal)
  }

  /**
   * The index of the first entry that was committed at a time or later; that of the entry that comes next, when there
   * is none. Looks at about log2(n) of n entries. Times are those of `entry.time`: they never run backwards.
   * @param time milliseconds since the Unix epoch, or a `Date`
   * @throws `WALRUS_INVALID_OPTION` for what is no time; what `get` throws
   */
  async seek(time: number | Date): Promise<number> {
    const wanted = checkTime(time)
    await this.#host.refresh()
    let low = 0
    let high = this.next
    for (;;) {
      // It may be truncated meanwhile, at either end.
      low = Math.max(low, this.first)
      high = Math.min(high, this.next)
      if (low >= high) return low
      const middle = low + Math.floor((high - low) / 2)
      const committed = await this.#timeOf(middle)
      if (committed === undefined) continue
      if (committed < wanted) low = middle + 1
      else high = middle
    }
  }

  /** When an entry was committed; `undefined` when it has just been truncated away. */
  async #timeOf(index: number): Promise<number | undefined> {
    try {
      return (await this.get(index)).time
    } catch (error) {
      if (index < this.first || index >= this.next) return undefined
      throw error
    }
  }

  async #batch(
    from: number,
    end: number,
    maxEntries: number,
    maxBytes: number,
  ): Promise<LogEntry[]> {
    const stream = this.#state()!
    return await this.#reading((reader) => reader.batch(stream, from, end, maxEntries, maxBytes))
  }

  async #reading<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read(this.#host.reader())
      } catch (error) {
        await this.#host.moved(error, attempt)
      }
    }
  }

  /**
   * Refuses to go on at a position when it, or one before it, was cut behind the LSN `since`, or when it was removed
   * from the front.
   */
  #checkThere(position: number, since: number): void {
    const stream = this.#state()
    if (stream === undefined || position === 0) return
    const cut = stream.cuts?.lowestSince(since) ?? position
    if (position < stream.first || cut < position) throw gone(stream, position)
  }

  async #bound(change: Change, options: WaitOptions): Promise<void> {
    const { storage, watch } = this.#host.options
    const begun = watch.begin()
    const place = new Place()
    const bounded = this.#writer().commit(new BoundsChange(this.#host.catalog, [change]), place)
    await waitFor(storage.env, bounded, options, place)
    this.#host.truncated()
    watch.truncated(begun, { stream: this.name, first: this.first, next: this.next })
  }

  #writer(): Writer {
    return this.#host.writer()
  }

  /** The stream, if an index in it can be read. */
  #readable(index: number): StreamState {
    checkInteger('index', index, 0, Number.MAX_SAFE_INTEGER)
    const state = this.#state()
    if (state !== undefined && index >= state.first && index < this.next) return state
    throw outOfRange(index, this.first, this.next - 1)
  }
}

/** The first of some entries, as many as have `most` bytes of data together, but at least one. */
function withinBytes(entries: LogEntry[], most: number): LogEntry[] {
  let bytes = 0
  const beyond = entries.findIndex(({ data }) => {
    bytes += data.length
    return bytes > most
  })
  return beyond < 0 ? entries : entries.slice(0, Math.max(1, beyond))
}

/** Refuses to hand over what was read ahead and cut since; what was only removed from the front is still right. */
function checkNotCut(stream: StreamState, index: number, since: number): void {
  if (stream.latestCut > since && stream.cuts!.lowestSince(since) <= index)
    throw gone(stream, index)
}

function checkTime(time: unknown): number {
  const milliseconds = time instanceof Date ? time.getTime() : time
  if (typeof milliseconds === 'number' && !Number.isNaN(milliseconds)) return milliseconds
  const wanted = 'a time is a number of milliseconds since the Unix epoch, or a valid Date'
  throw invalid(`${wanted}, got ${show(time)}`)
}

function checkFrom(from: number): number {
  return checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
}
