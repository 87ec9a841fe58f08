/** The transactions of a log that are open: their ids, their expiry, and the files of those that have ended. */

import type { Timer } from '@walrus/segment'
import type { SetHost } from './write-set.ts'
import type { Spool } from './spool.ts'
import { Transaction, type TransactionHost } from './transaction.ts'
import type { Writer } from './writer.ts'

const ID_BYTES = 16

export class Transactions {
  readonly #host: TransactionHost
  readonly #active = new Set<Transaction>()
  #timer: Timer | undefined
  #removing: Promise<unknown> = Promise.resolve()

  /** @param writer throws when the log is closed, or was opened for reading */
  constructor(host: SetHost, writer: () => Writer) {
    this.#host = {
      ...host,
      writer,
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

  /** @param timeoutMs 0 for the log's own */
  begin(timeoutMs: number): Transaction {
    const { storage, transactionTimeoutMs } = this.#host.options
    const bytes = Buffer.alloc(ID_BYTES)
    storage.env.random(bytes)
    const deadline = storage.env.now() + (timeoutMs === 0 ? transactionTimeoutMs : timeoutMs)
    const transaction = new Transaction(this.#host, bytes.toString('hex'), deadline)
    this.#active.add(transaction)
    this.#cleanUpLater()
    return transaction
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
