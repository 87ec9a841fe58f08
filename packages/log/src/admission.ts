/**
 * Back-pressure: those whose entries must wait until there is room to sequence them, in the order they came.
 */

import type { SequencedChange } from './addition.ts'

interface Waiting {
  readonly addition: SequencedChange
  readonly resolve: (value: Promise<number>) => void
  readonly reject: (error: unknown) => void
}

/** A caller's place among those who wait, if it came to that. */
export class Place {
  /** Gives it up; whether that was before anything was sequenced. */
  leave: () => boolean = () => false
}

export class Admission {
  readonly #waiting: Waiting[] = []
  readonly #flush: () => void

  /** @param flush called when someone begins to wait, or gives up, so that room is made and found */
  constructor(flush: () => void) {
    this.#flush = flush
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Waits for room; `admit` then sequences. Who leaves its place before that leaves nothing behind. */
  wait(addition: SequencedChange, place: Place | undefined): Promise<number> {
    addition.keep()
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { addition, resolve, reject }
      this.#waiting.push(waiting)
      if (place !== undefined) place.leave = () => this.#leave(waiting)
      this.#flush()
    })
  }

  /** Lets in as many as there is room for, oldest first. */
  admit(
    hasRoom: (addition: SequencedChange) => boolean,
    sequence: (addition: SequencedChange) => Promise<number>,
  ): void {
    while (this.#waiting.length > 0) {
      const { addition, resolve } = this.#waiting[0]!
      if (!hasRoom(addition)) return
      this.#waiting.shift()
      resolve(sequence(addition))
    }
  }

  /** Sends everyone away. */
  reject(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }

  #leave(waiting: Waiting): boolean {
    const at = this.#waiting.indexOf(waiting)
    if (at < 0) return false
    this.#waiting.splice(at, 1)
    this.#flush()
    return true
  }
}
