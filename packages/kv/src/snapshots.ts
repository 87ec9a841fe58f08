/**
 * When a store makes snapshots of itself: in the background, when as many records are behind the newest one as there
 * are keys, so that opening reads at most about twice the keys, and a snapshot costs each record about one key.
 */

import type { Attachment, Log } from '@walrus/log'
import type { State } from './state.ts'
import type { StateView } from './state-view.ts'

/** Records behind the newest snapshot that never make another one due. */
const LEAST_BEHIND = 0x1_0000
/** The same when the store is closed. */
const LEAST_BEHIND_CLOSED = 0x1000

export class Snapshots {
  readonly #log: Log
  readonly #state: State
  readonly #view: StateView
  readonly #attachment: Attachment
  /** The position from which on it is counted when another one is due, and how many that are. */
  #from: number
  #due = LEAST_BEHIND
  #running: Promise<void> | undefined
  #failure: Error | undefined

  constructor(log: Log, state: State, view: StateView, attachment: Attachment) {
    this.#log = log
    this.#state = state
    this.#view = view
    this.#attachment = attachment
    this.#from = state.next - view.applied
    this.#count()
  }

  /** Why the last one came to nothing; `undefined` when it did not. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** A record was applied. */
  advanced(): void {
    if (this.#state.next - this.#from >= this.#due && this.#running === undefined) {
      this.#running = this.#make().finally(() => {
        this.#running = undefined
      })
    }
  }

  /** Makes a last one, if opening again would have much to read without it. */
  async close(): Promise<void> {
    await this.#running
    const behind = this.#state.next - this.#from
    if (behind > Math.max(LEAST_BEHIND_CLOSED, this.#state.size / 8)) await this.#make()
  }

  async #make(): Promise<void> {
    // Whatever comes of it, the next one is due as long after it.
    this.#from = this.#state.next
    try {
      await this.#attachment.snapshot()
      // Before it is on disk, a power loss would lead back to the one before.
      await this.#log.sync()
      this.#state.forget(this.#view.covers)
      this.#failure = undefined
    } catch (error) {
      this.#failure = error as Error
    }
    this.#count()
  }

  #count(): void {
    this.#due = Math.max(LEAST_BEHIND, this.#state.size)
  }
}
