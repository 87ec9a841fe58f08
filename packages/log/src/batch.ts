/** A batch: entries of any streams that go into the log together. */

import {
  type EntryAttributes,
  MAX_BATCH_BYTES,
  MAX_BATCH_ENTRIES,
  type Payload,
  tooLarge,
} from './input.ts'
import { Spool } from './spool.ts'
import {
  type CommitPart,
  SetContents,
  type SetHost,
  type StreamTarget,
  type WriteSet,
} from './write-set.ts'

/**
 * Entries of any streams, to be committed as one by `log.commit(batch)`: all of them or none, to readers and after a
 * crash. Made by `log.batch()`. It holds at most 16,777,216 entries with 1 GiB of data. A commit takes what is in it
 * then, and leaves it as it is: it may be committed again, added to, or cleared as soon as the call has returned.
 */
export class Batch implements WriteSet {
  #contents: SetContents
  #bytes = 0

  /** @internal Batches are made by `log.batch()`. */
  constructor(host: SetHost) {
    this.#contents = new SetContents(host, new Spool(host.options.format))
  }

  /** Entries so far. */
  get count(): number {
    return this.#contents.spool.count
  }

  /** Bytes of data so far. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Adds an entry; its bytes are copied. Returns its number in the batch, from 0.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_ENTRY_TOO_LARGE`: it was not added
   */
  append(stream: StreamTarget, data: Payload, options?: EntryAttributes): number {
    const length = typeof data === 'string' ? Buffer.byteLength(data) : (data?.length ?? 0)
    if (this.count === MAX_BATCH_ENTRIES) {
      throw tooLarge(
        `a batch of ${MAX_BATCH_ENTRIES + 1} entries is larger than ${MAX_BATCH_ENTRIES}`,
      )
    }
    if (this.#bytes + length > MAX_BATCH_BYTES) {
      throw tooLarge(`a batch of ${this.#bytes + length} bytes is larger than ${MAX_BATCH_BYTES}`)
    }
    const number = this.#contents.append(stream, data, options)
    this.#bytes += length
    return number
  }

  /** Lets the commit be refused, with `WALRUS_CONFLICT`, unless the next position of a stream is `next` then. */
  expect(stream: StreamTarget, next: number): void {
    this.#contents.expect(stream, next)
  }

  /** Takes part in each commit of it. */
  join(part: CommitPart): void {
    this.#contents.parts.push(part)
  }

  /** Empties it: entries, expectations and those who take part. */
  clear(): void {
    const { host } = this.#contents
    this.#contents = new SetContents(host, new Spool(host.options.format))
    this.#bytes = 0
  }

  /** @internal */
  contentsFor(host: SetHost): SetContents | undefined {
    return this.#contents.host === host ? this.#contents : undefined
  }
}
