/**
 * Back-pressure: those whose entries must wait until there is room to sequence them, in the order they came.
 */

import type { Commit } from './commit.ts'

interface Waiting {
  readonly commit: Commit
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
  wait(commit: Commit, place: Place | undefined): Promise<number> {
    commit.keep()
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { commit, resolve, reject }
      this.#waiting.push(waiting)
      if (place !== undefined) place.leave = () => this.#leave(waiting)
      this.#flush()
    })
  }

  /** Lets in as many as there is room for, oldest first; `attempt` gives the answer of one that is let in. */
  admit(attempt: (commit: Commit) => Promise<number> | undefined): void {
    while (this.#waiting.length > 0) {
      const { commit, resolve } = this.#waiting[0]!
      const answer = attempt(commit)
      if (answer === undefined) return
      this.#waiting.shift()
      resolve(answer)
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
