/** The operations of a batch. */

import type { KeyInput } from './encoding.ts'
import { invalid } from './errors.ts'
import type { ExpiryOptions } from './expiry-options.ts'
import { checkNames } from './options.ts'
import type { KeyRange } from './range.ts'
import type { KvWrites } from './writes.ts'

/** One of the changes of a batch. */
export type KvOperation<I> =
  | ({ readonly type: 'set'; readonly key: KeyInput; readonly value: I } & ExpiryOptions)
  | { readonly type: 'delete'; readonly key: KeyInput }
  | ({ readonly type: 'clear' } & KeyRange)

const NAMES = ['type', 'key', 'value', 'ttlMs', 'gt', 'gte', 'lt', 'lte', 'prefix']

/** @throws `WALRUS_INVALID_OPTION` for what is no operation; what the change throws */
export function applyOperation<I>(writes: KvWrites<I>, operation: KvOperation<I>): void {
  checkNames('an operation', operation, NAMES)
  if (operation.type === 'set') {
    const { key, value, ttlMs } = operation
    writes.set(key, value, ttlMs === undefined ? {} : { ttlMs })
  } else if (operation.type === 'delete') {
    writes.delete(operation.key)
  } else if (operation.type === 'clear') {
    const { type: _, ...range } = operation
    writes.clear(range)
  } else {
    throw invalid("an operation's type must be set, delete or clear")
  }
}
