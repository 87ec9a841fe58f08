/**
 * What a process that uses a log and the one that watches it say to one another.
 *
 * Reports are lines of JSON, each written to the pipe before the process goes on: what has been read was said, and
 * what was said can be read, also when the process was killed right after.
 */

import type { LogOptions } from '@walrus/log'

/** The descriptor of the pipe. */
export const REPORT_FD = 3

export interface Task {
  readonly dir: string
  readonly storage: string
  readonly durability: NonNullable<LogOptions['durability']>
  readonly seed: number
  readonly life: number
  readonly steps: number
  /** Whether to wait to be killed when all is done. */
  readonly linger: boolean
}

/** An error as it crosses the pipe. */
export interface Failure {
  /** Its code, its cause's code, and so on. */
  readonly codes: readonly string[]
  /** Errors with the same cause object have the same number. */
  readonly cause: number
  readonly message: string
}

export type Report =
  | { readonly what: 'opening' | 'opened' | 'closing' | 'closed' }
  | { readonly what: 'notOpened' | 'notSynced' | 'notClosed'; readonly failure: Failure }
  | { readonly what: 'began'; readonly unit: number }
  | { readonly what: 'acknowledged'; readonly unit: number; readonly indexes: readonly number[] }
  | { readonly what: 'returned'; readonly unit: number; readonly index: number }
  | { readonly what: 'rejected'; readonly unit: number; readonly failure: Failure }
  | { readonly what: 'synced'; readonly units: number }

/** Makes failures of errors, telling causes apart. */
export class Failures {
  readonly #causes = new Map<unknown, number>()

  of(error: unknown): Failure {
    const codes: string[] = []
    for (let at: unknown = error; at instanceof Error; at = at.cause) codes.push(codeOf(at))
    const cause = error instanceof Error ? error.cause : error
    const number = this.#causes.get(cause) ?? this.#causes.size + 1
    this.#causes.set(cause, number)
    return { codes, cause: number, message: error instanceof Error ? error.message : String(error) }
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
