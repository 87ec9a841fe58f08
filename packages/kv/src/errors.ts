/**
 * The errors of a store. Codes, besides those of `@walrus/log`, which come through as they are:
 * - `WALRUS_INVALID_OPTION`: an option is misspelt or out of its range; a key or value is of the wrong kind.
 * - `WALRUS_KEY_TOO_LARGE`: a key has more than 65,535 bytes; nothing was written.
 * - `WALRUS_CLOSED`: the store has been closed.
 * - `WALRUS_CONFLICT`: a key was not as the commit expected; nothing of it was kept.
 * - `WALRUS_KEY_NOT_UTF8`, `WALRUS_VALUE_NOT_UTF8`, `WALRUS_VALUE_NOT_JSON`: what is stored is not what the store was
 *   opened for; `index` is its position. Open it with another encoding.
 * - `WALRUS_CORRUPT`: an entry of the store's stream is no record of a store (`index` is its position), or
 *   one of its snapshots no row of one.
 * - `WALRUS_STREAM_IN_USE`: another store of this process is open on the same stream of the same log.
 */

import { WalrusError } from '@walrus/codec'

export function closedError(): WalrusError {
  return new WalrusError('WALRUS_CLOSED', 'the store is closed')
}

export function invalid(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}

export function badRecord(position: number, what: string): WalrusError {
  return new WalrusError('WALRUS_CORRUPT', `the record at position ${position} ${what}`, {
    index: position,
  })
}

export function badSnapshot(what: string): WalrusError {
  return new WalrusError('WALRUS_CORRUPT', `a row of the store's snapshot ${what}`)
}

/** @param key as a message shows it */
export function conflict(key: string, expected: string, found: string): WalrusError {
  return new WalrusError(
    'WALRUS_CONFLICT',
    `key ${JSON.stringify(key)} was expected ${expected}, and is ${found}; nothing was written`,
  )
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof WalrusError && codes.includes(error.code)
}
