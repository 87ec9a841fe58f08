/** What a program of this package found. */

export interface Violation {
  /** In words. */
  readonly what: string
  /** The one command that does it again. */
  readonly replay: string
}

export interface Outcome {
  readonly name: string
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
  /** What was not done, and what is missing for it: one line each. */
  readonly skipped: readonly string[]
}

/** Counts by name, in the order they are first counted. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(name: string, more = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + more)
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
