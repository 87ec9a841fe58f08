/**
 * Reading ahead: a reader's next entries, in batches that grow as it goes on, the next one read while it goes through
 * the last. What all readers together hold is bounded: the ones that have not read for the longest time lose theirs.
 */

import type { LogEntry, Stream } from '@walrus/log'

/** How many readers may hold what they have read ahead, each up to two batches. */
const HOLDERS = 128
const FIRST_ENTRIES = 32
const MOST_ENTRIES = 4_096
const BATCH_BYTES = 0x4_0000
const NONE: readonly LogEntry[] = []

export class ReadAheadPool {
  readonly #holders = new Set<ReadAhead>()

  holds(reader: ReadAhead): void {
    this.#holders.delete(reader)
    this.#holders.add(reader)
    if (this.#holders.size <= HOLDERS) return
    for (const oldest of this.#holders) {
      oldest.drop()
      return
    }
  }

  released(reader: ReadAhead): void {
    this.#holders.delete(reader)
  }
}

export class ReadAhead {
  readonly #stream: Stream
  readonly #pool: ReadAheadPool
  /** Read, and not yet taken from `at` on. */
  entries: readonly LogEntry[] = NONE
  at = 0
  #want = FIRST_ENTRIES
  #next: Promise<readonly LogEntry[]> | undefined

  constructor(stream: Stream, pool: ReadAheadPool) {
    this.#stream = stream
    this.#pool = pool
  }

  /**
   * Has the entry at a position at hand, or the next one there is, unless there is none.
   * @throws as `Stream.read`
   */
  async fill(position: number): Promise<boolean> {
    const held = this.entries[this.at]
    if (held !== undefined && held.index === position) return true
    const next = this.#next
    this.drop()
    let entries = next === undefined ? NONE : await next
    if (entries[0]?.index !== position) entries = await this.#read(position)
    if (entries.length === 0) {
      this.#want = FIRST_ENTRIES
      return false
    }
    this.entries = entries
    const after = entries.at(-1)!.index + 1
    if (entries.length >= this.#want) this.#want = Math.min(4 * this.#want, MOST_ENTRIES)
    if (after < this.#stream.next) {
      this.#next = this.#read(after)
      // It is thrown when its turn comes.
      this.#next.catch(() => {})
    }
    this.#pool.holds(this)
    return true
  }

  /** Whether nothing is held. */
  get empty(): boolean {
    return this.at >= this.entries.length && this.#next === undefined
  }

  /** Forgets what was read ahead. */
  drop(): void {
    this.entries = NONE
    this.at = 0
    this.#next = undefined
    this.#pool.released(this)
  }

  async #read(from: number): Promise<readonly LogEntry[]> {
    return await this.#stream.read({ from, maxEntries: this.#want, maxBytes: BATCH_BYTES })
  }
}
