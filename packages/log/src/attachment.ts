/**
 * A view that is attached to a log: restored, kept up to date where another process writes, and kept short by snapshots.
 *
 * One thing at a time is done for it. Invariant: `position` is that of the first entry the view was not given while it
 * was attached or refreshed.
 */

import { WalrusError } from '@walrus/codec'
import type { Access } from './access.ts'
import { closedError } from './errors.ts'
import { gone } from './reader.ts'
import type { Retention } from './retention.ts'
import type { Claim, Need } from './retention-policy.ts'
import { snapshotsOf } from './snapshot-format.ts'
import { type Snapshot, Snapshots } from './snapshots.ts'
import type { Stream } from './stream.ts'
import type { Transactions } from './transactions.ts'
import type { Attachment, View } from './view.ts'

const LEAST_EVERY = 65_536

/** What an attachment needs of the log. */
export interface AttachmentHost {
  readonly access: Access
  readonly retention: Retention
  readonly transactions: Transactions
  /** The view's state is complete. */
  restored(attachment: ViewAttachment): void
  released(attachment: ViewAttachment): void
}

export class ViewAttachment implements Attachment {
  readonly view: View
  readonly #host: AttachmentHost
  readonly #every: number | undefined
  readonly #stream: Stream
  readonly #snapshots: Snapshots
  readonly #claim: Claim | undefined
  #newest: Snapshot | undefined
  /** LSN at which it ended, if that was in this process. */
  #endLsn = 0
  #position = 0
  /** Up to where the last snapshot that was tried speaks. */
  #tried = 0
  #running: Promise<unknown> = Promise.resolve()
  #asked = false
  #restored = false
  #released: Promise<void> | undefined
  #failure: Error | undefined

  constructor(host: AttachmentHost, view: View, every: number | undefined) {
    const { access, retention } = host
    this.view = view
    this.#host = host
    this.#every = every
    this.#stream = access.stream(view.stream)
    this.#snapshots = new Snapshots(access, view.stream)
    if (access.readOnly) return
    const needs = (): Need[] => this.#needs()
    this.#claim = retention.claim(`view of ${view.stream}`, needs, () => this.#inTheWay())
  }

  /** Why the last snapshot in the background came to nothing. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Restores the view; lets go of it when that fails. */
  async restore(): Promise<void> {
    try {
      await this.#inTurn(() => this.#restore())
    } catch (error) {
      this.#letGo()
      throw error
    }
  }

  async snapshot(): Promise<void> {
    this.#check()
    this.#host.access.writer()
    await this.#inTurn(async () => {
      if (this.#sequenced() > this.#covers) await this.#write()
    })
  }

  async refresh(): Promise<void> {
    this.#check()
    const { access } = this.#host
    await this.#inTurn(async () => {
      if (!access.readOnly) return
      await access.refreshToEnd()
      if (this.#stream.first > this.#position) {
        throw gone(access.catalog.find(this.view.stream)!, this.#position)
      }
      await this.#catchUp()
    })
  }

  release(): Promise<void> {
    this.#released ??= this.#running.then(() => this.#letGo())
    return this.#released
  }

  /** More is acknowledged: a snapshot may be due. */
  advanced(): void {
    const behind = this.#sequenced() - Math.max(this.#covers, this.#tried)
    if (this.#restored && behind >= this.#due) this.#soon()
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  get #covers(): number {
    return this.#newest?.covers ?? 0
  }

  /** How many entries behind the newest snapshot make another one due. */
  get #due(): number {
    return this.#every ?? Math.max(LEAST_EVERY, this.#rows)
  }

  get #rows(): number {
    return this.#newest === undefined ? 0 : this.#newest.end - this.#newest.begin
  }

  /** The position the next entry of the view's stream gets. */
  #sequenced(): number {
    return this.#host.access.catalog.find(this.view.stream)?.next ?? 0
  }

  /** What retention must keep: until the view is restored, everything. */
  #needs(): Need[] {
    const { stream } = this.view
    const newest = this.#restored ? this.#newest : undefined
    return [
      { stream, from: newest?.covers ?? 0 },
      { stream: snapshotsOf(stream), from: newest?.begin ?? 0 },
    ]
  }

  /** Moves on with what it claims, unless the log has not grown by more than another snapshot would cost. */
  #inTheWay(): void {
    const { sequencer } = this.#host.access.writer()
    if (this.#restored && sequencer.nextLsn - this.#endLsn > this.#rows) this.#soon()
  }

  async #restore(): Promise<void> {
    const { view } = this
    const { access } = this.#host
    if (access.readOnly) {
      const found = await this.#snapshots.newestInMemory()
      this.#newest = found?.snapshot
      for (const row of found?.rows ?? []) view.restore(row)
    } else {
      this.#newest = await this.#snapshots.newest()
      if (this.#newest !== undefined) {
        for await (const row of this.#snapshots.rows(this.#newest)) view.restore(row)
      }
    }
    this.#position = Math.max(this.#covers, this.#stream.first)
    await this.#catchUp()
    this.#restored = true
    this.#host.restored(this)
    if (!access.readOnly) this.advanced()
  }

  /** Applies what can be read; of a log opened for writing, all that has been sequenced. */
  async #catchUp(): Promise<void> {
    const { access, transactions } = this.#host
    for (;;) {
      const end = this.#stream.next
      if (this.#position < end) {
        for await (const entry of this.#stream.entries({ from: this.#position, to: end - 1 })) {
          this.view.apply(entry)
          this.#position = entry.index + 1
        }
        this.#position = end
      }
      if (access.readOnly || this.#position >= this.#sequenced()) return
      await transactions.settled()
    }
  }

  #soon(): void {
    if (this.#asked || this.#released !== undefined) return
    this.#asked = true
    const { access } = this.#host
    const known = this.#newest
    void this.#inTurn(async () => {
      try {
        if (this.#released === undefined && this.#newest === known) await this.#write()
        this.#failure = undefined
      } catch (error) {
        // Kept for who asks: the snapshot before still counts.
        this.#failure = error as Error
        if (!access.closed) access.options.watch.snapshotFailed(this.view.stream, error)
      } finally {
        this.#asked = false
      }
    })
  }

  async #write(): Promise<void> {
    const { access, retention } = this.#host
    const writer = access.writer()
    const covers = this.#sequenced()
    this.#tried = covers
    this.#newest = await this.#snapshots.write(this.view.snapshot(), covers)
    this.#endLsn = writer.sequencer.nextLsn
    retention.soon()
  }

  #check(): void {
    if (this.#host.access.closed) throw closedError()
    if (this.#released !== undefined)
      throw new WalrusError('WALRUS_CLOSED', 'the view was released')
  }

  #letGo(): void {
    this.#restored = false
    this.#claim?.release()
    this.#host.released(this)
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#running.then(run)
    this.#running = turn.catch(() => {})
    return await turn
  }
}
