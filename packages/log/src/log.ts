/**
 * A log: opened on a directory, appended to, read, closed. The public face of the package.
 */

import { Access, type LogParts } from './access.ts'
import type { ActiveSegment } from './active-segment.ts'
import { Attachments } from './attachments.ts'
import type { Batch } from './batch.ts'
import type { StreamState } from './catalog.ts'
import type { LogEntry } from './entry.ts'
import { closedError } from './errors.ts'
import { Follower } from './follower.ts'
import type { AppendOptions, EntryInput, Payload, WaitOptions } from './input.ts'
import {
  checkBoolean,
  checkPolicy,
  invalid,
  type LogOptions,
  POLICY_NAMES,
  resolveOptions,
  show,
} from './options.ts'
import { openWriter } from './open-writer.ts'
import type { RecoveryReport } from './report.ts'
import { Retention } from './retention.ts'
import type { Claim, Need, RetainOptions, RetentionReport } from './retention-policy.ts'
import type { SegmentTable } from './segment-table.ts'
import { type EntriesOptions, type ReadOptions, Stream } from './stream.ts'
import type { Transaction } from './transaction.ts'
import { type BeginOptions, Transactions } from './transactions.ts'
import type { AttachOptions, Attachment, View } from './view.ts'
import { Waiters } from './waiters.ts'
import type { CommitOptions } from './write-set.ts'
import type { Writer } from './writer.ts'

/**
 * How far the log has got, as LSNs: everything before `sequenced` has its place in the order; everything before
 * `written` survives a killed process; everything before `durable` survives a power loss.
 */
export interface Marks {
  readonly sequenced: number
  readonly written: number
  readonly durable: number
}

export interface LogStats {
  readonly storage: string
  readonly segments: number
  readonly firstIndex: number
  readonly lastIndex: number
  readonly streams: number
  /** Transactions that are pending or being committed. */
  readonly transactions: number
  readonly marks: Marks
  /** Bytes sequenced and not yet written. */
  readonly pendingBytes: number
  /** Bytes of ended segments' indexes in memory. */
  readonly indexBytes: number
  /** Why retention in the background came to nothing the last time; `undefined` when it did not. */
  readonly retentionFailure: Error | undefined
  /** Why a view's last snapshot in the background came to nothing; `undefined` when none did. */
  readonly snapshotFailure: Error | undefined
}

export class Log implements AsyncDisposable {
  /** The directory it was opened on, as an absolute path. */
  readonly dir: string
  readonly #parts: LogParts
  readonly #access: Access
  readonly #plain: Stream
  readonly #retention: Retention
  readonly #maxEntryBytes: number
  readonly #transactions: Transactions
  readonly #attachments: Attachments
  #writer: Writer | undefined
  #closing: Promise<void> | undefined
  /** First and last index when it was closed. */
  #final: { first: number; last: number; next: number } | undefined

  private constructor(parts: LogParts) {
    this.dir = parts.options.dir
    this.#parts = parts
    this.#writer = parts.writer
    this.#maxEntryBytes = parts.options.maxEntryBytes
    const { options, table, catalog, writer } = parts
    this.#retention = new Retention(options, table, catalog, writer)
    this.#access = new Access(parts, () => this.#retention.soon())
    this.#transactions = new Transactions(this.#access)
    this.#attachments = new Attachments(this.#access, this.#retention, this.#transactions)
    const plain = (): StreamState => catalog.plain
    this.#plain = new Stream(this.#access, '', 1, plain, plain)
  }

  /**
   * Opens a log, making the directory and the log in it if there is none, and recovers what a crash left.
   *
   * For writing (the default) it takes the writer's lock, and holds it until `close` or the end of the process.
   * For reading (`readOnly`) it changes nothing, and sees what is durable while a writer runs; beside none, all that
   * is whole.
   *
   * @param dir the log's directory, nothing else's
   * @throws `WALRUS_LOCKED` naming the process that has it open
   * @throws `WALRUS_CORRUPT`, `WALRUS_SEGMENT_MISSING`, `WALRUS_FOREIGN_FILE`, `WALRUS_UNSUPPORTED_FORMAT`: the log
   *   cannot be opened without losing what was durable; nothing has been changed
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_NOT_FOUND` (`readOnly`), `WALRUS_NOT_A_DIRECTORY`,
   *   `WALRUS_PERMISSION_DENIED`, `WALRUS_DISK_FULL`, `WALRUS_IO`
   */
  static async open(dir: string, options: LogOptions = {}): Promise<Log> {
    const resolved = resolveOptions(dir, options)
    const { watch } = resolved
    const begun = watch.begin()
    const waiters = new Waiters()
    if (resolved.readOnly) {
      const follower = await Follower.open(resolved, () => waiters.wake())
      const { table, report } = follower
      watch.recovered(begun, report)
      return new Log({
        options: resolved,
        table,
        report,
        catalog: follower.catalog,
        writer: undefined,
        lock: undefined,
        follower,
        waiters,
      })
    }
    let log: Log | undefined
    const opened = await openWriter(resolved, (table) => ({
      began: (segment) => began(table, segment),
      added: (id) => void table.add(id),
      ended: (segment) => {
        table.find(segment.id)?.release()
        if (log !== undefined) log.#retention.soon()
      },
      advanced: () => {
        waiters.wake()
        if (log !== undefined) log.#attachments.advanced()
      },
    }))
    log = new Log({ ...opened, options: resolved, follower: undefined, waiters })
    watch.recovered(begun, opened.report)
    return log
  }

  /** What opening found. */
  get recovery(): RecoveryReport {
    return this.#parts.report
  }

  /** The first index of the plain log; 0 when it is empty. Readable after `close`. */
  get firstIndex(): number {
    if (this.#final !== undefined) return this.#final.first
    return this.#plain.next > this.#plain.first ? this.#plain.first : 0
  }

  /** The last index of the plain log that can be read; 0 when it is empty. Readable after `close`. */
  get lastIndex(): number {
    if (this.#final !== undefined) return this.#final.last
    return this.#plain.next > this.#plain.first ? this.#plain.next - 1 : 0
  }

  /** The index after the last one of the plain log that can be read: also while it is empty. Readable after `close`. */
  get nextIndex(): number {
    return this.#final?.next ?? this.#plain.next
  }

  /** How far it is sequenced, written and durable. Of a log opened for reading all three are what it sees. */
  get marks(): Marks {
    const { writer, follower } = this.#parts
    if (writer === undefined) {
      const { lsn } = follower!.point
      return { sequenced: lsn, written: lsn, durable: lsn }
    }
    return {
      sequenced: writer.sequencer.nextLsn,
      written: writer.written.lsn,
      durable: writer.durable.lsn,
    }
  }

  /**
   * Appends an entry to the plain log; resolves to its index, from 1, once it is as durable as the log was asked
   * to make it. The payload is copied before this returns.
   * @throws as `Stream.append`
   */
  append(data: Payload, options?: AppendOptions): Promise<number> {
    if (options === undefined && this.#isPlain(data)) {
      const writer = this.#writer
      if (writer !== undefined) return writer.append(this.#parts.catalog.plain, data, undefined)
    }
    return this.#plain.append(data, options)
  }

  /** Appends an entry without waiting for the event loop. See `Stream.appendSync`. */
  appendSync(data: Payload, options?: AppendOptions): number {
    if (options === undefined && this.#isPlain(data)) {
      const writer = this.#writer
      if (writer !== undefined) return writer.appendSync(this.#parts.catalog.plain, data, undefined)
    }
    return this.#plain.appendSync(data, options)
  }

  /** Appends entries as one, all or none; resolves to their indexes. See `Stream.appendBatch`. */
  appendBatch(
    entries: readonly (Payload | EntryInput)[],
    options?: WaitOptions,
  ): Promise<number[]> {
    return this.#plain.appendBatch(entries, options)
  }

  /** Truncates the end of the plain log: keeps the entries up to an index. See `Stream.truncate`. */
  truncate(lastKept: number, options?: WaitOptions): Promise<void> {
    return this.#plain.truncate(lastKept, options)
  }

  /** Truncates the front of the plain log: drops the entries before an index. See `Stream.truncateFront`. */
  truncateFront(firstKept: number, options?: WaitOptions): Promise<void> {
    return this.#plain.truncateFront(firstKept, options)
  }

  /**
   * An empty batch, to which entries of any streams can be added, and which `commit` puts into the log as one.
   * @throws `WALRUS_CLOSED`, `WALRUS_READ_ONLY`
   */
  batch(): Batch {
    return this.#transactions.batch()
  }

  /**
   * Commits what is in a batch now: all of it or none, to readers and after a crash. Resolves to the position of each
   * entry, in the order they were added, once they are as durable as the log was asked to make them; [] without any.
   *
   * Preconditions are checked when its turn comes, against what is sequenced before it; a refusal is told once what it
   * is based on is acknowledged itself.
   * @throws `WALRUS_CONFLICT` (a `ConflictError`): a precondition did not hold; nothing of it was kept
   * @throws `WALRUS_ENTRY_TOO_LARGE`, `WALRUS_INVALID_OPTION`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`: nothing was written
   * @throws `WALRUS_DISK_FULL`: nothing was kept; the log goes on when there is space
   * @throws `WALRUS_FAILED`: whether it is in the log, only reopening tells
   * @throws `AbortError` (`WALRUS_ABORTED`), `WALRUS_TIMEOUT`: before anything was written, or while waiting
   */
  async commit(batch: Batch, options: CommitOptions = {}): Promise<number[]> {
    return await this.#transactions.commit(batch, options)
  }

  /**
   * As `commit`, blocking: durable under `commit` when it returns, written under an interval; under `none` it may
   * still be in memory (see `Durability`). Throws what `commit` rejects with.
   */
  commitSync(batch: Batch, options: Pick<CommitOptions, 'expect'> = {}): number[] {
    return this.#transactions.commitSync(batch, options)
  }

  /**
   * Begins a transaction. It is rolled back when it is still pending after its time, and when the log is closed.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`
   */
  begin(options: BeginOptions = {}): Transaction {
    return this.#transactions.begin(options)
  }

  /**
   * Runs something with a transaction, and commits that when it is done, or rolls it back when it throws. Resolves to
   * what `run` does. Throws what `run`, `begin` and `Transaction.commit` throw; then nothing was kept, but see
   * `WALRUS_FAILED` there.
   */
  async transaction<T>(
    run: (transaction: Transaction) => Promise<T>,
    options: BeginOptions & CommitOptions = {},
  ): Promise<T> {
    return await this.#transactions.run(run, options)
  }

  /** How many transactions are pending or being committed. */
  get transactions(): number {
    return this.#transactions.count
  }

  /**
   * Rolls back every transaction that has stayed open too long, and returns how many; this also happens by itself every
   * `transactionCleanupMs`.
   */
  expireTransactions(): number {
    return this.#transactions.expire()
  }

  /** The entry with this index. See `Stream.get`. */
  get(index: number): Promise<LogEntry> {
    return this.#plain.get(index)
  }

  /** As `get`, blocking. */
  getSync(index: number): LogEntry {
    return this.#plain.getSync(index)
  }

  /** As `getSync`, without copying where the storage can: see `Stream.view`. */
  view(index: number): LogEntry {
    return this.#plain.view(index)
  }

  /** The entries from `from` to `to`, both included. See `Stream.range`. */
  range(from: number, to: number): Promise<LogEntry[]> {
    return this.#plain.range(from, to)
  }

  /** The next entries from an index on. See `Stream.read`. */
  read(options?: ReadOptions): Promise<LogEntry[]> {
    return this.#plain.read(options)
  }

  /** The index of the first entry that was committed at a time or later. See `Stream.seek`. */
  seek(time: number | Date): Promise<number> {
    return this.#plain.seek(time)
  }

  /** Iterates over the plain log. See `Stream.entries`. */
  entries(options?: EntriesOptions): AsyncIterableIterator<LogEntry> {
    return this.#plain.entries(options)
  }

  /**
   * A named stream on this log: any non-empty string of up to 1,024 bytes. Its positions are its own, from 0; it
   * appears in the log with its first entry.
   */
  stream(name: string): Stream {
    return this.#access.stream(name)
  }

  /** The names of the streams that have entries, in the order they appeared. */
  streams(): string[] {
    return this.#parts.catalog.declared().map(({ name }) => name)
  }

  /**
   * Makes everything appended before the call durable, whatever the durability of the log.
   * @throws `WALRUS_FAILED`, `WALRUS_DISK_FULL`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`
   */
  async sync(): Promise<void> {
    await this.#access.writer().sync()
  }

  /**
   * Removes the oldest segments, as far as the policy lets them go: the one given, or without any limit given the one
   * the log was opened with. What was truncated away goes in any case. Resolves when the files are removed, which is
   * durable then.
   *
   * With `dryRun` nothing is done, and the report says what would be; that works on a log opened for reading, too,
   * but knows only claims of this process.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY` (without `dryRun`), `WALRUS_DISK_FULL`,
   *   `WALRUS_FAILED`, `WALRUS_IO`; what a claim's function throws
   */
  async retain(options: RetainOptions = {}): Promise<RetentionReport> {
    const given = checkPolicy('retain', options, [...POLICY_NAMES, 'dryRun'])
    const { dryRun = false } = options
    checkBoolean('dryRun', dryRun)
    const { maxSegments, maxBytes, maxAgeMs } = given
    const isLimited = (maxSegments ?? maxBytes ?? maxAgeMs) !== undefined
    const policy = isLimited ? given : { ...this.#parts.options.retention, ...given }
    if (dryRun) {
      if (this.#access.closed) throw closedError()
      return await this.#retention.dryRun(policy)
    }
    this.#access.writer()
    return await this.#retention.retain(policy)
  }

  /**
   * Keeps what a view still needs from being removed by retention, until released: `needs` is asked each time what
   * that is. For each stream it names, entries from that position on stay, unless the policy says `dropClaimed`.
   * Truncations are not held back. Claims live with this log: make them anew, at once, when it is opened again.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`
   */
  claim(name: string, needs: () => Iterable<Need>): Claim {
    if (typeof name !== 'string' || name === '') {
      throw invalid(`a claim's name must be a non-empty string, got ${show(name)}`)
    }
    if (typeof needs !== 'function') throw invalid('what a claim needs must be given by a function')
    this.#access.writer()
    return this.#retention.claim(name, needs)
  }

  /**
   * Attaches a view: restores it from its newest snapshot, and applies the entries behind that. From then on snapshots
   * of it are made in the background, and what they need is claimed, until it is released or the log is closed. They
   * are in a stream of their own. Attach right after opening, before anything else is awaited.
   * @throws `WALRUS_ALREADY_ATTACHED` when a view over the same stream is attached
   * @throws `WALRUS_CORRUPT`: a snapshot holds what no snapshot can; what reading throws
   * @throws `WALRUS_TRUNCATED_AWAY` (`readOnly`): entries were removed while it was attached; attach a new view
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_CLOSED`; `WALRUS_DISK_FULL`, `WALRUS_FAILED` when entries of the stream
   *   were on their way to the disk; what the view's `restore` and `apply` throw
   */
  async attach(view: View, options: AttachOptions = {}): Promise<Attachment> {
    return await this.#attachments.attach(view, options)
  }

  /** For a log opened for reading: looks how far its writer has got. Otherwise does nothing. */
  async refresh(): Promise<void> {
    await this.#access.refreshToEnd()
  }

  /** What there is of it, and what is wrong in the background. Can be asked for after `close`. */
  stats(): LogStats {
    const { options, table, catalog, writer } = this.#parts
    return {
      storage: options.storage.name,
      segments: table.segments.length,
      firstIndex: this.firstIndex,
      lastIndex: this.lastIndex,
      streams: catalog.declared().length,
      transactions: this.transactions,
      marks: this.marks,
      pendingBytes: writer?.sequencer.pendingBytes ?? 0,
      indexBytes: table.indexBytes,
      retentionFailure: this.#retention.failure,
      snapshotFailure: this.#attachments.failure,
    }
  }

  /**
   * Writes and syncs what is outstanding, leaves the files so that the next opening reads next to nothing, and
   * releases the lock. Calls after the first get the same promise.
   * @throws `WALRUS_FAILED`, `WALRUS_DISK_FULL` when something could not be kept; everything is released all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** As `close`: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { writer, lock, follower, table, waiters } = this.#parts
    this.#access.closed = true
    this.#writer = undefined
    const failures: unknown[] = []
    try {
      await this.#retention.close()
      await this.#transactions.close()
      await writer?.close()
      follower?.close()
    } catch (error) {
      failures.push(error)
    }
    try {
      // Those whose commit was refused meanwhile.
      await this.#transactions.close()
      await this.#attachments.close()
      this.#final = { first: this.firstIndex, last: this.lastIndex, next: this.nextIndex }
      waiters.wake()
      table.close()
    } finally {
      await lock?.release().catch((error: unknown) => failures.push(error))
    }
    this.#parts.options.watch.closed()
    // That something could not be kept is told before that the lock could not be marked as released.
    if (failures.length > 0) throw failures[0]
  }

  /** Whether nothing about a payload needs another look. One without bytes does: its memory may have been taken away. */
  #isPlain(data: Payload): data is Uint8Array {
    return data instanceof Uint8Array && data.length > 0 && data.length <= this.#maxEntryBytes
  }
}

/** A segment that has begun: readers find it in the table, its index in memory. */
function began(table: SegmentTable, segment: ActiveSegment): void {
  table.add(segment.id).know(segment.header, segment.index)
}
