/**
 * A full disk: what was sequenced and not promised is taken back and refused, and the log goes on.
 *
 * Invariant: nothing is written while something that was taken back may still stand in the file, or come to stand in
 * it. Entries that were already returned cannot be taken back: they stay in memory, and are tried again.
 */

import type { Storage, Timer } from '@walrus/segment'
import type { Driver } from './operation.ts'
import { rejectAll } from './pending-group.ts'
import type { Sequencer } from './sequencer.ts'
import type { Watch } from './watch.ts'
import type { WriterFiles } from './writer-files.ts'

/** Entries that were promised are tried again this often, in milliseconds. */
const RETRY_EVERY_MS = 250

/** What it needs of the writer. */
export interface FullDiskHost {
  readonly storage: Storage
  readonly watch: Watch
  readonly sequencer: Sequencer
  readonly failure: Error | undefined
  /** Lets what is sequenced be written. */
  flushSoon(): void
  /** The same, unless that is about to happen, or happening. */
  flushAgain(): void
}

export class FullDisk {
  readonly #host: FullDiskHost
  readonly #files: WriterFiles
  readonly #driver: Driver
  #full: unknown
  #blocked: unknown
  #uncut: unknown
  #retryTimer: Timer | undefined

  constructor(host: FullDiskHost, files: WriterFiles, driver: Driver) {
    this.#host = host
    this.#files = files
    this.#driver = driver
  }

  /** Why entries that were promised cannot be written just now. */
  get full(): unknown {
    return this.#full
  }

  /** The lack of space because of which groups were taken back, one of which is still being written. */
  get blocked(): unknown {
    return this.#blocked
  }

  /** Cuts off what was taken back and still stands in the file; the lack of space for that. */
  cut(): unknown {
    if (this.#uncut !== undefined) this.#uncut = this.#files.cutOff()
    return this.#uncut
  }

  /** A group has been written. */
  hadSpace(): void {
    this.#full = undefined
  }

  /** A write found no space; whether everything that was not written was taken back. */
  found(error: unknown): boolean {
    this.#host.watch.full(error)
    if (this.#promised()) {
      this.#retryLater(error)
      return false
    }
    const groups = this.#host.sequencer.takeBack(this.#files.active)
    this.#uncut = this.#files.cutOff()
    rejectAll(groups, this.#host.failure ?? error)
    if (this.#driver.late) this.#waitForLate(error)
    return true
  }

  /** Nothing is tried again. */
  end(): void {
    this.#retryTimer?.cancel()
  }

  #promised(): boolean {
    const { queue, group, limit } = this.#host.sequencer
    return queue.some((queued) => queued.promised) || (limit !== 0 && group.promised)
  }

  #retryLater(error: unknown): void {
    this.#full = error
    this.#retryTimer?.cancel()
    // A process that has nothing else to do waits with them, rather than end and lose what it was promised.
    const retry = (): void => this.#host.flushAgain()
    this.#retryTimer = this.#host.storage.env.after(RETRY_EVERY_MS, retry, true)
  }

  /** A write that was taken over may still put the group there that was taken back: nothing is written before that. */
  #waitForLate(error: unknown): void {
    this.#blocked = error
    void this.#driver.idle().then(() => {
      this.#blocked = undefined
      if (this.#host.failure !== undefined) return
      this.#uncut = this.#files.cutOff()
      this.#host.flushSoon()
    })
  }
}
