/** What must hold for a commit: checked in commit order, against what is sequenced before it. */

import { WalrusError } from '@walrus/codec'
import type { Catalog } from './catalog.ts'

/** The next position of a stream, as a commit expects it. */
export interface Precondition {
  /** The stream's name; empty for the plain log. */
  readonly stream: string
  readonly next: number
}

/** A commit found a stream further on than it expected, or not as far; nothing of it was kept. */
export class ConflictError extends WalrusError<'WALRUS_CONFLICT'> {
  static {
    Object.defineProperty(this.prototype, 'name', { value: 'ConflictError', configurable: true })
  }

  /** The stream's name; empty for the plain log. */
  readonly stream: string
  /** The next position that was expected, and the one that was found. */
  readonly expected: number
  readonly found: number

  constructor(stream: string, expected: number, found: number) {
    const what = stream === '' ? 'the plain log' : `stream ${JSON.stringify(stream)}`
    super(
      'WALRUS_CONFLICT',
      `the next position of ${what} is ${found}, and the commit expected ${expected}; nothing of it was kept`,
    )
    this.stream = stream
    this.expected = expected
    this.found = found
  }
}

/** The first precondition that does not hold, as an error. */
export function conflict(
  catalog: Catalog,
  preconditions: readonly Precondition[],
): ConflictError | undefined {
  for (const { stream, next } of preconditions) {
    const found = (stream === '' ? catalog.plain : catalog.find(stream))?.next ?? 0
    if (found !== next) return new ConflictError(stream, next, found)
  }
  return undefined
}
