/**
 * Back-pressure: those whose entries must wait until there is room to sequence them, in the order they came.
 */

import { AbortError } from './errors.ts'

interface Waiting {
  readonly room: () => number
  readonly admit: () => Promise<number>
  readonly resolve: (value: number | Promise<number>) => void
  readonly reject: (error: unknown) => void
}

export class Admission {
  readonly #waiting: Waiting[] = []
  readonly #flush: () => void

  /** @param flush called when someone begins to wait, so that room is made */
  constructor(flush: () => void) {
    this.#flush = flush
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Waits for `room()` bytes, then sequences by `admit`. An abort before that leaves nothing behind. */
  wait(
    room: () => number,
    admit: () => Promise<number>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { room, admit, resolve, reject }
      this.#waiting.push(waiting)
      signal?.addEventListener(
        'abort',
        () => {
          const at = this.#waiting.indexOf(waiting)
          if (at < 0) return
          this.#waiting.splice(at, 1)
          reject(new AbortError('aborted before anything was written', signal.reason))
        },
        { once: true },
      )
      this.#flush()
    })
  }

  /** Lets in as many as there is room for, oldest first. */
  admit(hasRoom: (bytes: number) => boolean): void {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0]!
      if (!hasRoom(first.room())) return
      this.#waiting.shift()
      first.resolve(first.admit())
    }
  }

  /** Sends everyone away. */
  reject(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}
