/**
 * The errors of a log, and what to do about each.
 *
 * Codes, besides those of `@walrus/segment`'s Storage:
 * - `WALRUS_INVALID_OPTION`: an option is misspelt or out of its range; an argument is of the wrong kind.
 * - `WALRUS_CLOSED`: the log has been closed.
 * - `WALRUS_READ_ONLY`: the log was opened for reading.
 * - `WALRUS_FAILED`: a write or sync failed earlier; `cause` is the first failure. Reopen to recover.
 * - `WALRUS_ENTRY_TOO_LARGE`: beyond `maxEntryBytes`; nothing was written.
 * - `WALRUS_INDEX_OUT_OF_RANGE`: no entry has this index.
 * - `WALRUS_TRUNCATED_AWAY`: an entry was removed, or given up by truncation, while it was being read or waited for.
 * - `WALRUS_CORRUPT`: bytes that were durable once do not read as they were written.
 * - `WALRUS_SEGMENT_MISSING`: a segment that must be there is not.
 * - `WALRUS_FOREIGN_FILE`: a file belongs to another log.
 * - `WALRUS_UNSUPPORTED_FORMAT`: written by a later version.
 * - `WALRUS_TIMEOUT`: `timeoutMs` ran out while waiting; the entry may still become durable.
 * - `WALRUS_CONFLICT`: a commit expected another position of a stream; nothing of it was kept.
 * - `WALRUS_ALREADY_ATTACHED`: a view over the same stream is attached to the log.
 * - `WALRUS_TRANSACTION_EXPIRED`: it stayed open too long, and was rolled back. Said once; afterwards
 *   `WALRUS_TRANSACTION_NOT_FOUND`.
 * - `WALRUS_TRANSACTION_NOT_PENDING`: it has been committed or rolled back, or is being committed.
 * - `WALRUS_TRANSACTION_TOO_LARGE`: beyond `maxTransactionEntries`; the entry was not added.
 * An abort by signal is a `DOMException`-like error of name `AbortError`, code `WALRUS_ABORTED`.
 */

import { WalrusError } from '@walrus/codec'

/** A wait given up because of the caller's signal. */
export class AbortError extends WalrusError {
  static {
    Object.defineProperty(this.prototype, 'name', { value: 'AbortError', configurable: true })
  }

  constructor(message: string, cause: unknown) {
    super('WALRUS_ABORTED', message, { cause })
  }
}

export function closedError(): WalrusError {
  return new WalrusError('WALRUS_CLOSED', 'the log is closed')
}

export function failedError(cause: unknown): WalrusError {
  const first = cause instanceof Error ? cause.message : String(cause)
  return new WalrusError(
    'WALRUS_FAILED',
    `the log takes no more entries since a write or sync failed: ${first}. Close it and open it again to recover what is durable`,
    { cause },
  )
}

export function outOfRange(index: number, first: number, last: number): WalrusError {
  const range = last < first ? 'it is empty' : `it holds ${first} to ${last}`
  return new WalrusError('WALRUS_INDEX_OUT_OF_RANGE', `no entry has index ${index}: ${range}`, {
    index,
  })
}

/** @param what the stream, as a message names it; `first` and `next` are its bounds now */
export function truncatedAway(
  what: string,
  index: number,
  first: number,
  next: number,
): WalrusError {
  const left =
    next <= first ? `it is empty, ${next} comes next` : `${first} to ${next - 1} are left`
  return new WalrusError(
    'WALRUS_TRUNCATED_AWAY',
    `index ${index} of ${what} was truncated away while it was read: ${left}`,
    { index },
  )
}

export function corrupt(file: string, offset: number, what: string, index?: number): WalrusError {
  return new WalrusError('WALRUS_CORRUPT', `${file}: ${what} at byte ${offset}`, {
    file,
    offset,
    index,
  })
}

/** A failure to read as it was found, or, when it says that a file is damaged, saying which index was wanted. */
export function withIndex(error: unknown, index: number): unknown {
  if (!(error instanceof WalrusError) || error.code !== 'WALRUS_CORRUPT') return error
  const { message, file, offset, cause } = error
  return new WalrusError('WALRUS_CORRUPT', message, { cause, file, offset, index })
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof WalrusError && error.code === code
}

export function readOnlyError(): WalrusError {
  return new WalrusError(
    'WALRUS_READ_ONLY',
    'the log was opened for reading (readOnly); open it without to append',
  )
}
