/**
 * What of an open log can be read and written, and by whom: streams, transactions and retention come through here.
 *
 * Readers see what has been acknowledged, or of a log opened for reading what is durable. Once `closed` is set nobody
 * gets anything.
 */

import { type Lock, PLAIN_STREAM } from '@walrus/segment'
import { type Catalog, checkStreamName, type StreamState } from './catalog.ts'
import { closedError, readOnlyError } from './errors.ts'
import type { Follower } from './follower.ts'
import type { ResolvedOptions } from './options.ts'
import { Reader } from './reader.ts'
import type { RecoveryReport } from './report.ts'
import type { SegmentTable } from './segment-table.ts'
import { Stream, type StreamHost } from './stream.ts'
import type { Point } from './tail-file.ts'
import type { Waiters } from './waiters.ts'
import type { Writer } from './writer.ts'

/** The parts of an open log. */
export interface LogParts {
  readonly options: ResolvedOptions
  readonly table: SegmentTable
  readonly report: RecoveryReport
  readonly catalog: Catalog
  /** None when it was opened for reading; then there is a follower. */
  readonly writer: Writer | undefined
  readonly lock: Lock | undefined
  readonly follower: Follower | undefined
  readonly waiters: Waiters
}

export class Access implements StreamHost {
  readonly options: ResolvedOptions
  readonly catalog: Catalog
  readonly truncated: () => void
  closed = false
  readonly #parts: LogParts
  readonly #reader: Reader

  /** @param truncated called when a stream was truncated */
  constructor(parts: LogParts, truncated: () => void) {
    const { options, catalog, table, follower } = parts
    this.options = options
    this.catalog = catalog
    this.truncated = truncated
    this.#parts = parts
    this.#reader = new Reader(table, () => this.visible(), options.verifyReads, follower)
  }

  /** A stream by its name, whether it has entries or not. */
  stream(name: string): Stream {
    checkStreamName(name)
    const { catalog } = this
    const find = (): StreamState | undefined => catalog.find(name)
    return new Stream(this, name, 0, find, () => catalog.named(name))
  }

  /** Whether it was opened for reading. */
  get readOnly(): boolean {
    return this.#parts.writer === undefined
  }

  writer(): Writer {
    this.#checkOpen()
    const { writer } = this.#parts
    if (writer === undefined) throw readOnlyError()
    return writer
  }

  reader(): Reader {
    this.#checkOpen()
    const { writer } = this.#parts
    // What was just appended may still be in memory only.
    if (this.#seesUnwritten() && writer!.sequencer.pendingBytes > 0) writer!.flushSync()
    return this.#reader
  }

  /** Everything before this point can be read. */
  visible(): Point {
    const { writer, follower } = this.#parts
    if (writer === undefined) return follower!.point
    if (this.options.durability === 'commit') return writer.durable
    if (!this.#seesUnwritten()) return writer.written
    const { segment, nextLsn, sequencedEnd } = writer.sequencer
    return {
      lsn: nextLsn,
      segment: segment.id,
      salt: segment.header.salt,
      offset: sequencedEnd,
      plainNext: this.catalog.plain.next,
    }
  }

  visibleNext(stream: StreamState | undefined): number {
    if (stream === undefined) return 0
    if (stream.id !== PLAIN_STREAM) {
      this.#checkOpen()
      if (this.#seesUnwritten()) return stream.next
    }
    return this.#reader.next(stream)
  }

  async refresh(): Promise<void> {
    this.#checkOpen()
    await this.#parts.follower?.refresh()
  }

  /** As `refresh`; and where its writer is gone, up to the end of what that left. */
  async refreshToEnd(): Promise<void> {
    this.#checkOpen()
    await this.#parts.follower?.refreshToEnd()
  }

  async moved(error: unknown, attempt: number): Promise<void> {
    const { follower } = this.#parts
    if (follower === undefined || this.closed) throw error
    await follower.moved(error, attempt)
  }

  async changed(signal: AbortSignal): Promise<void> {
    const { follower, waiters, writer } = this.#parts
    this.#checkOpen()
    await (follower?.changed(signal) ?? waiters.wait(signal))
    this.#checkOpen()
    if (writer?.failure !== undefined) throw writer.failure
  }

  #checkOpen(): void {
    if (this.closed) throw closedError()
  }

  /** Whether what has been sequenced can be read at once: it is written first. Not once writing has failed. */
  #seesUnwritten(): boolean {
    const { writer } = this.#parts
    return (
      this.options.durability === 'none' && writer !== undefined && writer.failure === undefined
    )
  }
}
