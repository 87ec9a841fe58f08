/**
 * A transaction: entries that are put together over time, and committed as one or not at all.
 *
 * Nothing of it is in the log before it is committed. Its entries are in memory or in a file of its own (`Spool`).
 */

import { WalrusError } from '@walrus/codec'
import { type EncodedAttributes, encodeAttributes } from '@walrus/segment'
import { Place } from './admission.ts'
import { type EntryAttributes, type Payload, waitFor } from './input.ts'
import { transactionPath } from './names.ts'
import { SetCommit } from './set-commit.ts'
import { Spool } from './spool.ts'
import {
  type CommitOptions,
  type CommitPart,
  expectationsOf,
  SetContents,
  type SetHost,
  type StreamTarget,
  type WriteSet,
} from './write-set.ts'
import type { Writer } from './writer.ts'

/**
 * - `pending`: entries can be added; it can be committed or rolled back
 * - `committing`: its commit is under way
 * - `committed`
 * - `rolledBack`: nothing of it is in the log
 * - `expired`: it stayed open too long, and was rolled back
 * - `failed`: the log failed during its commit; whether it is in the log, only reopening tells
 */
export type TransactionState =
  | 'pending'
  | 'committing'
  | 'committed'
  | 'rolledBack'
  | 'expired'
  | 'failed'

/** The attributes of an entry of a transaction, whose id it gets. */
export type TransactionEntryOptions = Omit<EntryAttributes, 'transactionId'>

/** What a transaction needs of the log it is on. */
export interface TransactionHost extends SetHost {
  /** The writer; throws when the log is closed. */
  writer(): Writer
  /** It is not active any more; what it kept is to be removed. */
  ended(transaction: Transaction, spool: Spool): void
}

export class Transaction implements WriteSet {
  /** `tx_` and 32 hexadecimal digits. Its entries have it as their transaction id. */
  readonly id: string
  readonly #host: TransactionHost
  /** None once it has ended. */
  #contents: SetContents | undefined
  /** When it expires, in milliseconds since the Unix epoch. */
  readonly #deadline: number
  /** As its entries have it. */
  readonly #id: { readonly id: string; readonly alone: EncodedAttributes }
  #state: TransactionState = 'pending'
  #reported = false

  /** @internal Transactions are made by `log.begin()`. */
  constructor(host: TransactionHost, digits: string, deadline: number) {
    const { options } = host
    const { storage, dir, transactionMemoryBytes: memoryBytes } = options
    this.id = `tx_${digits}`
    this.#host = host
    this.#deadline = deadline
    this.#id = { id: this.id, alone: encodeAttributes({ transactionId: this.id })! }
    const path = (): string => transactionPath(dir, digits)
    const place = { storage, path, memoryBytes }
    this.#contents = new SetContents(host, new Spool(options.format, place))
  }

  /** How far it has come. */
  get state(): TransactionState {
    return this.#state
  }

  /** Entries so far; 0 once it has ended. */
  get count(): number {
    return this.#contents?.spool.count ?? 0
  }

  /**
   * Adds an entry to the plain log. Its bytes are copied.
   * @throws as `append`
   */
  add(data: Payload, options?: TransactionEntryOptions): void {
    this.append(undefined, data, options)
  }

  /**
   * Adds an entry to a stream; returns its number in the transaction, from 0. Its bytes are copied: into memory, and
   * beyond `transactionMemoryBytes` into a file.
   * @throws `WALRUS_TRANSACTION_TOO_LARGE`, `WALRUS_ENTRY_TOO_LARGE`, `WALRUS_INVALID_OPTION`, `WALRUS_DISK_FULL`: the
   *   entry was not added, and the transaction is as it was
   * @throws `WALRUS_TRANSACTION_EXPIRED`, `WALRUS_TRANSACTION_NOT_FOUND`, `WALRUS_TRANSACTION_NOT_PENDING`
   */
  append(stream: StreamTarget, data: Payload, options?: TransactionEntryOptions): number {
    const contents = this.#pending()
    const { maxTransactionEntries: most } = this.#host.options
    if (contents.spool.count >= most) {
      const message = `transaction ${this.id} has ${most} entries, and may not have more (maxTransactionEntries); the entry was not added`
      throw new WalrusError('WALRUS_TRANSACTION_TOO_LARGE', message)
    }
    return contents.append(stream, data, options, this.#id)
  }

  /**
   * Lets the commit be refused, with `WALRUS_CONFLICT`, unless the next position of a stream is `next` then.
   * @throws as `rollback`
   */
  expect(stream: StreamTarget, next: number): void {
    this.#pending().expect(stream, next)
  }

  /**
   * Takes part in the commit.
   * @throws as `rollback`
   */
  join(part: CommitPart): void {
    this.#pending().parts.push(part)
  }

  /**
   * Commits it: all of its entries or none, to readers and after a crash, durable as the log was asked to make them;
   * one that outgrew `transactionMemoryBytes` always on disk. Resolves to the position of each entry, in the order
   * they were added; [] without any.
   * @throws `WALRUS_CONFLICT`, `WALRUS_DISK_FULL`, and `WALRUS_TIMEOUT` or `AbortError` that say so: nothing was kept;
   *   the transaction is pending again
   * @throws `WALRUS_FAILED`: whether it is in the log, only reopening tells
   * @throws `WALRUS_TRANSACTION_EXPIRED`, `WALRUS_TRANSACTION_NOT_FOUND`, `WALRUS_TRANSACTION_NOT_PENDING`
   */
  async commit(options?: CommitOptions): Promise<number[]> {
    const contents = this.#pending()
    const preconditions = options === undefined ? [] : expectationsOf(this.#host.catalog, options)
    const writer = this.#host.writer()
    const commit = new SetCommit(contents, preconditions)
    this.#state = 'committing'
    const place = new Place()
    const settled = writer.commit(commit, place).then(
      (value) => {
        this.#end('committed')
        return value
      },
      (error: unknown) => {
        const known = !(error instanceof WalrusError) || error.code !== 'WALRUS_FAILED'
        if (known) this.#state = 'pending'
        else this.#end('failed')
        throw error
      },
    )
    const leave = (): boolean => {
      const left = place.leave()
      if (left) this.#state = 'pending'
      return left
    }
    const { env } = this.#host.options.storage
    await (options === undefined ? settled : waitFor(env, settled, options, { leave }))
    return commit.positions
  }

  /**
   * Gives it up: nothing of it comes into the log.
   * @throws `WALRUS_TRANSACTION_EXPIRED`, `WALRUS_TRANSACTION_NOT_FOUND`, `WALRUS_TRANSACTION_NOT_PENDING`
   */
  rollback(): void {
    this.#pending()
    this.#end('rolledBack')
  }

  /** @internal Rolls it back if it is pending and has been open too long; whether it was. */
  expire(now: number): boolean {
    if (this.#state !== 'pending' || now < this.#deadline) return false
    this.#end('expired')
    return true
  }

  /** @internal Rolls it back if it is pending: the log is being closed. */
  abandon(): void {
    if (this.#state === 'pending') this.#end('rolledBack')
  }

  /** What is in it, if it can be added to. */
  #pending(): SetContents {
    this.expire(this.#host.options.storage.env.now())
    if (this.#state === 'pending') return this.#contents!
    if (this.#state !== 'expired') {
      const message = `transaction ${this.id} is ${STATES[this.#state]}, not pending`
      throw new WalrusError('WALRUS_TRANSACTION_NOT_PENDING', message)
    }
    if (this.#reported) {
      const message = `there is no transaction ${this.id}: it expired`
      throw new WalrusError('WALRUS_TRANSACTION_NOT_FOUND', message)
    }
    this.#reported = true
    const message = `transaction ${this.id} stayed open too long, and was rolled back: commit sooner, or give a longer timeoutMs`
    throw new WalrusError('WALRUS_TRANSACTION_EXPIRED', message)
  }

  #end(state: TransactionState): void {
    this.#state = state
    const { spool } = this.#contents!
    this.#contents = undefined
    this.#host.ended(this, spool)
  }
}

const STATES = {
  committing: 'being committed',
  committed: 'committed',
  rolledBack: 'rolled back',
  failed: 'undecided, because the log has failed',
} as const
