/** How long a key is to be there. */

import { checkInteger } from './options.ts'

export interface ExpiryOptions {
  /** Milliseconds from now after which the key is gone: 1 to 2^47. Default: it stays. */
  readonly ttlMs?: number
}

/** When a key expires, in milliseconds since the Unix epoch; 0 for never. */
export function expiryOf({ ttlMs }: ExpiryOptions, now: number): number {
  if (ttlMs === undefined) return 0
  return now + checkInteger('ttlMs', ttlMs, 1, 2 ** 47)
}
