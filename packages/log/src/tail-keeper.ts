/**
 * Keeps the tail file up with the writer: soon after commits for those who follow, durably where it begins and ends
 * and where the log is to begin later.
 */

import type { Storage, Timer } from '@walrus/segment'
import { hasCode } from './errors.ts'
import type { Point, TailFile } from './tail-file.ts'

/** The tail file is rewritten at most this often, in milliseconds. */
const EVERY_MS = 5

/** What stays the same in every tail of one writer. */
export interface TailFrame {
  readonly logId: Uint8Array
  readonly firstSegment: number
  readonly boot: number
  readonly epoch: number
}

export class TailKeeper {
  readonly #storage: Storage
  readonly #file: TailFile
  #frame: TailFrame
  readonly #durable: () => Point
  readonly #failed: (error: unknown) => void
  #timer: Timer | undefined
  /** Whether it is being written durably while the log is in use: nothing else may be written then. */
  #moving = false

  /**
   * @param durable up to where the log is durable
   * @param failed called when a write that nobody waits for has failed
   */
  constructor(
    storage: Storage,
    file: TailFile,
    frame: TailFrame,
    durable: () => Point,
    failed: (error: unknown) => void,
  ) {
    this.#storage = storage
    this.#file = file
    this.#frame = frame
    this.#durable = durable
    this.#failed = failed
  }

  /** Writes it before long. */
  soon(): void {
    if (this.#moving) return
    this.#timer ??= this.#storage.env.after(EVERY_MS, () => {
      this.#timer = undefined
      try {
        this.#file.note(this.#now(false))
      } catch (error) {
        // Nobody needs this one: there is another soon after the next commit.
        if (!hasCode(error, 'WALRUS_DISK_FULL')) this.#failed(error)
      }
    })
  }

  /** Writes durably where a writer begins. */
  async begun(): Promise<void> {
    await this.#file.noteDurably(this.#now(false))
  }

  /** Writes durably that the log begins with another segment. */
  async moveOldest(firstSegment: number): Promise<void> {
    this.#frame = { ...this.#frame, firstSegment }
    this.#timer?.cancel()
    this.#timer = undefined
    this.#moving = true
    try {
      // In both slots: the next write may be torn, and leave what the other one says.
      await this.#file.noteDurably(this.#now(false))
      await this.#file.noteDurably(this.#now(false))
    } finally {
      this.#moving = false
      this.soon()
    }
  }

  /** Writes durably that the log has been closed. Nothing may be written after that. */
  async closed(): Promise<void> {
    // A note that was put off would stand behind this one, and say that the log is open.
    this.#timer?.cancel()
    await this.#file.noteDurably(this.#now(true))
  }

  async release(): Promise<void> {
    this.#timer?.cancel()
    await this.#file.close()
  }

  #now(closed: boolean): Parameters<TailFile['note']>[0] {
    return { ...this.#frame, durable: this.#durable(), time: this.#storage.env.now(), closed }
  }
}
