/**
 * Batches on their way into the log: in order, in bounded number, acknowledged in order.
 *
 * The log may have many batches under way at once and puts them into common commit groups; here is only counted
 * how many bytes those hold. Acknowledgements are the last index of what is settled, and never pass a batch that
 * failed: after the first failure nothing more is acknowledged.
 */

/** What of the log is used here. */
export interface BatchLog {
  appendBatch(entries: readonly Uint8Array[]): Promise<readonly number[]>
}

/** Bytes under way at which submitting waits. Enough for the next group to fill while the last one syncs. */
const MAX_BYTES_UNDER_WAY = 8 * 1024 * 1024

/** Entries in one batch: a batch commits whole, and must not make a group wait that is otherwise ready. */
export const MAX_BATCH_ENTRIES = 8192

/** What an entry costs beside its data, so that empty ones are bounded too. */
const ENTRY_OVERHEAD_BYTES = 64

export class Appender {
  readonly #log: BatchLog
  readonly #acknowledge: (lastIndex: number) => void
  readonly #fail: () => void
  /** Settles when everything submitted is acknowledged; rejects with the first failure. */
  #settled: Promise<void> = Promise.resolve()
  /** For each batch under way, oldest first, the promise that it and all before it are acknowledged. */
  readonly #underWay: Promise<void>[] = []
  #bytesUnderWay = 0
  #hasFailed = false
  #entries = 0
  #bytes = 0
  #lastIndex = 0

  /**
   * @param acknowledge is called with the last index of each batch, in order, once the log has settled it
   * @param fail is called when a batch fails; the reason comes out of the next {@link submit} or {@link drain}
   */
  constructor(log: BatchLog, acknowledge: (lastIndex: number) => void, fail: () => void) {
    this.#log = log
    this.#acknowledge = acknowledge
    this.#fail = fail
  }

  /** Entries acknowledged. */
  get entries(): number {
    return this.#entries
  }

  /** Data bytes acknowledged. */
  get bytes(): number {
    return this.#bytes
  }

  /** Index of the last entry acknowledged, 0 before there is one. */
  get lastIndex(): number {
    return this.#lastIndex
  }

  /**
   * Hands `entries` to the log at once; resolves when there is room for more. After a failure the log gets nothing
   * more, even if it would take it, so that what it holds has no gap.
   */
  async submit(entries: readonly Buffer[]): Promise<void> {
    if (this.#hasFailed) await this.drain()
    for (let start = 0; start < entries.length; start += MAX_BATCH_ENTRIES) {
      this.#start(entries.slice(start, start + MAX_BATCH_ENTRIES))
    }
    while (this.#bytesUnderWay > MAX_BYTES_UNDER_WAY) await this.#underWay[0]
  }

  /** Resolves once everything submitted is acknowledged; after a failure rejects when nothing is under way any more. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    await this.#settled
  }

  #start(batch: readonly Buffer[]): void {
    const dataBytes = batch.reduce((sum, entry) => sum + entry.length, 0)
    const bytes = dataBytes + batch.length * ENTRY_OVERHEAD_BYTES
    this.#bytesUnderWay += bytes
    const settled = Promise.all([this.#log.appendBatch(batch), this.#settled]).then(([indexes]) => {
      void this.#underWay.shift()
      this.#bytesUnderWay -= bytes
      this.#bytes += dataBytes
      this.#entries += batch.length
      this.#lastIndex = indexes.at(-1) as number
      this.#acknowledge(this.#lastIndex)
    })
    settled.catch(() => {
      this.#hasFailed = true
      this.#fail()
    })
    this.#underWay.push(settled)
    this.#settled = settled
  }
}
