/** Views: state that is derived from the entries of one stream. The public shapes of `Log.attach`. */

import type { LogEntry } from './entry.ts'

/** State that is derived from one stream, and kept by snapshots of itself. */
export interface View {
  /** The stream its entries are in; nobody else appends to it. At most 1,014 bytes of UTF-8. */
  readonly stream: string
  /** Takes an entry of the newest snapshot, in the order `snapshot` gave them: while attaching, before any `apply`. */
  restore(data: Uint8Array): void
  /**
   * Takes an entry of the stream behind the snapshot, in commit order: while attaching; of a log opened for reading
   * also whenever `Attachment.refresh` finds more. Of a log opened for writing the view learns of its own commits as a
   * `CommitPart`.
   */
  apply(entry: LogEntry): void
  /**
   * The state as entries to restore from: exactly what all entries sequenced so far make of it, whatever is sequenced,
   * or taken back, while it is being iterated. The first are asked for at once, the others as the disk takes them.
   */
  snapshot(): Iterable<Uint8Array>
  /** Whether the entry at a position still counts; asked by rewriting. Without it every entry does. */
  isLive?(position: number): boolean
}

export interface AttachOptions {
  /**
   * How many entries of the stream may be behind the newest snapshot before another one is made in the background: 1
   * or more. Default: 65,536, or as many as the newest one has, whichever is more.
   */
  readonly snapshotEvery?: number
}

/** A view that is kept by a log, until it is released or the log is closed. */
export interface Attachment {
  /**
   * Makes a snapshot of everything sequenced before the call, unless there is one; resolves once it is as durable as
   * the log makes a commit. One that is under way is finished first.
   * @throws `WALRUS_DISK_FULL`, `WALRUS_FAILED`, `WALRUS_ENTRY_TOO_LARGE`, `WALRUS_READ_ONLY`, `WALRUS_CLOSED`: the one
   *   before still counts; what the view's `snapshot` throws
   */
  snapshot(): Promise<void>
  /**
   * For a log opened for reading: looks how far its writer has got, and applies what is new. Otherwise does nothing.
   * @throws `WALRUS_TRUNCATED_AWAY`: entries that were not applied yet have been removed; attach a new view
   * @throws `WALRUS_CLOSED`; what reading throws, and what the view's `apply` throws
   */
  refresh(): Promise<void>
  /** Lets go of the view, when a snapshot or refresh under way has ended. Calls after the first get the same promise. */
  release(): Promise<void>
}
