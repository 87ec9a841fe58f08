/** The views that are attached to a log. */

import { WalrusError } from '@walrus/codec'
import type { Access } from './access.ts'
import { type AttachmentHost, ViewAttachment } from './attachment.ts'
import { checkStreamName } from './catalog.ts'
import { closedError } from './errors.ts'
import { checkInteger, checkNames, invalid, show } from './options.ts'
import type { Retention } from './retention.ts'
import { isSnapshots, MAX_VIEW_STREAM_BYTES } from './snapshot-format.ts'
import type { Transactions } from './transactions.ts'
import type { AttachOptions, Attachment, View } from './view.ts'

export class Attachments implements AttachmentHost {
  readonly access: Access
  readonly retention: Retention
  readonly transactions: Transactions
  /** What views say of the entries of their streams, by the stream's name: only of those whose state is complete. */
  readonly isLive: Map<string, (position: number) => boolean> = new Map()
  /** By the stream's name; those that are being restored, too. */
  readonly #attached = new Map<string, ViewAttachment>()

  constructor(access: Access, retention: Retention, transactions: Transactions) {
    this.access = access
    this.retention = retention
    this.transactions = transactions
  }

  /** Why a snapshot in the background came to nothing. */
  get failure(): Error | undefined {
    for (const { failure } of this.#attached.values()) if (failure !== undefined) return failure
    return undefined
  }

  async attach(view: View, options: AttachOptions): Promise<Attachment> {
    checkView(view)
    checkNames('attach', options, ['snapshotEvery'])
    const { snapshotEvery } = options
    if (snapshotEvery !== undefined) {
      checkInteger('snapshotEvery', snapshotEvery, 1, Number.MAX_SAFE_INTEGER)
    }
    if (this.access.closed) throw closedError()
    const { stream } = view
    if (this.#attached.has(stream)) {
      throw new WalrusError(
        'WALRUS_ALREADY_ATTACHED',
        `a view over stream ${show(stream)} is attached to the log; release it first`,
      )
    }
    const attachment = new ViewAttachment(this, view, snapshotEvery)
    this.#attached.set(stream, attachment)
    await attachment.restore()
    return attachment
  }

  /** More is acknowledged. */
  advanced(): void {
    for (const attachment of this.#attached.values()) attachment.advanced()
  }

  restored({ view }: ViewAttachment): void {
    if (view.isLive !== undefined) {
      this.isLive.set(view.stream, (position) => view.isLive!(position))
    }
  }

  released({ view: { stream } }: ViewAttachment): void {
    this.isLive.delete(stream)
    this.#attached.delete(stream)
  }

  /** Resolves when all are released; the log is closed, so that what is under way comes to its end. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#attached.values(), (attachment) => attachment.release()))
  }
}

function checkView(view: unknown): asserts view is View {
  const { stream, restore, apply, snapshot, isLive } = (view ?? {}) as Partial<View>
  const functions = [restore, apply, snapshot, ...(isLive === undefined ? [] : [isLive])]
  if (!functions.every((each) => typeof each === 'function')) {
    throw invalid('a view must have a stream, and the functions restore, apply and snapshot')
  }
  checkStreamName(stream)
  if (isSnapshots(stream!)) {
    throw invalid(`stream ${show(stream)} holds the snapshots of a view, and can have none itself`)
  }
  const bytes = Buffer.byteLength(stream!)
  if (bytes > MAX_VIEW_STREAM_BYTES) {
    throw invalid(
      `a view's stream may have a name of ${MAX_VIEW_STREAM_BYTES} bytes of UTF-8, got ${bytes}`,
    )
  }
}
