/**
 * The batches and transactions of a log: committing them, the ids and expiry of those that are open, and the files of
 * those that have ended.
 */

import type { Timer } from '@walrus/segment'
import { Place } from './admission.ts'
import { Batch } from './batch.ts'
import { checkCommit, waitFor } from './input.ts'
import { checkInteger, checkNames, invalid } from './options.ts'
import { SetCommit } from './set-commit.ts'
import { Spool } from './spool.ts'
import { Transaction, type TransactionHost } from './transaction.ts'
import { type CommitOptions, expectationsOf, SetContents, type SetHost } from './write-set.ts'
import type { Writer } from './writer.ts'

const ID_BYTES = 16

export interface BeginOptions {
  /** How long it may stay open, in milliseconds: 0 to 2^31 - 1; 0, the default, for `transactionTimeoutMs`. */
  readonly timeoutMs?: number
}

/** What they need of the log they are on. */
interface Host extends SetHost {
  /** The writer; throws when the log is closed, or was opened for reading. */
  writer(): Writer
}

export class Transactions {
  readonly #host: TransactionHost
  readonly #active = new Set<Transaction>()
  /** The newest transaction's. */
  readonly #id = Buffer.alloc(ID_BYTES)
  #timer: Timer | undefined
  #removing: Promise<unknown> = Promise.resolve()

  constructor(host: Host) {
    const { options, catalog } = host
    this.#host = {
      options,
      catalog,
      writer: () => host.writer(),
      ended: (transaction, spool) => {
        this.#active.delete(transaction)
        this.#remove(spool)
      },
    }
  }

  /** Those that are pending or being committed. */
  get count(): number {
    return this.#active.size
  }

  batch(): Batch {
    this.#host.writer()
    return new Batch(this.#host)
  }

  async commit(batch: Batch, options: CommitOptions): Promise<number[]> {
    const { writer, commit } = this.#prepare(batch, options)
    const place = new Place()
    const { env } = this.#host.options.storage
    await waitFor(env, writer.commit(commit, place), options, place)
    return commit.positions
  }

  /** Resolves when all that is sequenced now is acknowledged; rejects when any of that is taken back. */
  async settled(): Promise<void> {
    await this.#host
      .writer()
      .commit(new SetCommit(new SetContents(this.#host, new Spool('native')), []))
  }

  commitSync(batch: Batch, options: Pick<CommitOptions, 'expect'>): number[] {
    checkNames('commitSync', options, ['expect'])
    const { writer, commit } = this.#prepare(batch, options)
    writer.commitSync(commit)
    return commit.positions
  }

  begin(options: BeginOptions): Transaction {
    checkNames('begin', options, ['timeoutMs'])
    const { timeoutMs = 0 } = options
    checkInteger('timeoutMs', timeoutMs, 0, 2 ** 31 - 1)
    this.#host.writer()
    const { storage, transactionTimeoutMs } = this.#host.options
    storage.env.random(this.#id)
    const deadline = storage.env.now() + (timeoutMs === 0 ? transactionTimeoutMs : timeoutMs)
    const transaction = new Transaction(this.#host, this.#id.toString('hex'), deadline)
    this.#active.add(transaction)
    this.#cleanUpLater()
    return transaction
  }

  /** Commits what `run` puts into a transaction, or rolls it back when that throws. */
  async run<T>(
    run: (transaction: Transaction) => Promise<T>,
    options: BeginOptions & CommitOptions,
  ): Promise<T> {
    const { signal, expect, ...begin } = options
    const transaction = this.begin(begin)
    try {
      const value = await run(transaction)
      if (transaction.state === 'pending' || transaction.state === 'expired') {
        await transaction.commit({
          ...(signal === undefined ? {} : { signal }),
          ...(expect === undefined ? {} : { expect }),
        })
      }
      return value
    } finally {
      transaction.abandon()
    }
  }

  /** Rolls back those that have stayed open too long; how many. */
  expire(): number {
    const now = this.#host.options.storage.env.now()
    return [...this.#active].filter((transaction) => transaction.expire(now)).length
  }

  /** Rolls back those that are pending; resolves when their files are gone. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    for (const transaction of this.#active) transaction.abandon()
    await this.#removing
  }

  #prepare(batch: Batch, options: CommitOptions): { writer: Writer; commit: SetCommit } {
    const contents = batch instanceof Batch ? batch.contentsFor(this.#host) : undefined
    if (contents === undefined)
      throw invalid('commit takes a batch that log.batch() of this log made')
    const preconditions = expectationsOf(this.#host.catalog, options)
    const writer = this.#host.writer()
    const commit = new SetCommit(contents, preconditions)
    checkCommit(commit.room(writer.sequencer))
    return { writer, commit }
  }

  #cleanUpLater(): void {
    const { storage, transactionCleanupMs } = this.#host.options
    this.#timer ??= storage.env.after(transactionCleanupMs, () => {
      this.#timer = undefined
      this.expire()
      if (this.#active.size > 0) this.#cleanUpLater()
    })
  }

  #remove(spool: Spool): void {
    if (!spool.spilled) return
    // Opening removes what cannot be removed now.
    const removed = spool.discard().catch(() => {})
    this.#removing = Promise.all([this.#removing, removed])
  }
}
