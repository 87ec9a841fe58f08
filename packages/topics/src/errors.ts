/**
 * The errors of topics, and what to do about each.
 *
 * Codes, besides those of `@walrus/log`, which come through as they are:
 * - `WALRUS_INVALID_OPTION`: an option is misspelt or out of its range; a name is none; an argument is of the wrong kind.
 * - `WALRUS_CLOSED`: the topics have been closed.
 * - `WALRUS_READ_ONLY`: the topics were opened for reading.
 * - `WALRUS_BATCH_TOO_LARGE`: beyond `maxBatchEntries` or `maxBatchBytes`; nothing was written.
 * - `WALRUS_CURSOR_EXISTS`: a cursor of this name was created before.
 * - `WALRUS_CURSOR_NOT_FOUND`: a topic has no cursor of this name.
 * - `WALRUS_CONFLICT`: a cursor was moved by somebody else since the transaction read from it; nothing was kept.
 * - `WALRUS_LEASE_LOST`: the deadline of a delivery passed, and the entry is another's now.
 * - `WALRUS_SEQUENCE_TOO_OLD`: a producer's sequence is older than what is remembered of it; nothing was written.
 * An abort by signal is an error of name `AbortError`, code `WALRUS_ABORTED`; a wait that ran out of its `timeoutMs`
 * for an entry is no error: there is none.
 */

import { WalrusError } from '@walrus/codec'

export function closedError(): WalrusError {
  return new WalrusError('WALRUS_CLOSED', 'the topics are closed')
}

export function readOnlyError(): WalrusError {
  return new WalrusError(
    'WALRUS_READ_ONLY',
    'the topics were opened for reading: nothing is consumed',
  )
}

export function invalid(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof WalrusError && error.code === code
}

export function batchTooLarge(what: string): WalrusError {
  return new WalrusError('WALRUS_BATCH_TOO_LARGE', `${what}; nothing was written`)
}

export function corruptState(what: string): WalrusError {
  return new WalrusError('WALRUS_CORRUPT', `a record of the state of topics ${what}`)
}

export function cursorNotFound(topic: string, cursor: string): WalrusError {
  const message = `topic ${JSON.stringify(topic)} has no cursor ${JSON.stringify(cursor)}`
  return new WalrusError('WALRUS_CURSOR_NOT_FOUND', message)
}
