/**
 * A log entry as it is interchanged, what it may hold, and what a layout for it must offer.
 *
 * Index, term and timestamp are `bigint` because both layouts carry 64 bits of each; a log that
 * counts in numbers converts at its own border.
 */

import { WalrusError } from './errors.ts'
import { hasLoneSurrogate } from './strict-text.ts'

const MAX_U32 = 0xffffffff
const MAX_U64 = 2n ** 64n - 1n
const MAX_I64 = 2n ** 63n - 1n
const MIN_I64 = -(2n ** 63n)

/** One entry of a log. */
export interface Entry {
  /** 0 to 2^64 - 1. */
  readonly index: bigint
  /** Term of the leader that wrote it, for consensus algorithms; 0 to 2^64 - 1. */
  readonly term: bigint
  /**
   * The payload. `null` is kept apart from no bytes by the JSON layout only; the binary one gives
   * no bytes.
   */
  readonly data: Uint8Array | null
  /** Nanoseconds since 1970, negative before; -2^63 to 2^63 - 1. */
  readonly timestamp: bigint
  /**
   * Empty, or the transaction that wrote it (`tx_` and 32 hex digits); any text without lone
   * surrogates.
   */
  readonly transactionId: string
}

/** An entry read from bytes, with the checksum that stood there and matched. */
export interface DecodedEntry extends Entry {
  readonly checksum: number
}

/** One layout of an entry in bytes. */
export interface EntryCodec {
  readonly format: 'binary' | 'json'

  /**
   * The entry in bytes.
   *
   * @throws {WalrusError} `WALRUS_INVALID_ENTRY` if a field is outside its range.
   */
  encode(entry: Entry): Uint8Array

  /**
   * Writes the entry into `buffer` at `offset` (0 unless given) and returns how many bytes it took.
   * `entry.data` must not overlap the place.
   *
   * @throws {WalrusError} `WALRUS_INVALID_ENTRY` as for `encode`; `WALRUS_BUFFER_TOO_SMALL` if it
   *   does not fit, and then nothing is written; `WALRUS_INVALID_OPTION` if `offset` is not a
   *   position in `buffer`.
   */
  encodeInto(entry: Entry, buffer: Uint8Array, offset?: number): number

  /**
   * Reads the entry that fills `bytes` from end to end. The result shares nothing with `bytes`.
   *
   * @throws {WalrusError} `WALRUS_CHECKSUM_MISMATCH` or `WALRUS_INVALID_ENTRY`, and nothing else,
   *   whatever `bytes` holds. Memory is bounded by a small multiple of `bytes.length`.
   */
  decode(bytes: Uint8Array): DecodedEntry

  /** As `decode`, but where the layout holds the payload as it is, `data` is a view of `bytes`. */
  decodeView(bytes: Uint8Array): DecodedEntry

  /**
   * Size in bytes, without encoding: exact for the binary layout; for JSON an upper bound, at most
   * 9 too high, as the checksum's digits are not known yet.
   *
   * @throws {WalrusError} `WALRUS_INVALID_ENTRY` as for `encode`.
   */
  estimateSize(entry: Entry): number

  /**
   * The checksum that this layout stores with the entry, an unsigned 32-bit integer.
   *
   * @throws {WalrusError} `WALRUS_INVALID_ENTRY` as for `encode`.
   */
  checksum(entry: Entry): number
}

/** Throws `WALRUS_INVALID_ENTRY` unless every field is of its type and in its range. */
export function checkEntry(entry: Entry): void {
  checkInteger('index', entry.index, 0n, MAX_U64)
  checkInteger('term', entry.term, 0n, MAX_U64)
  checkInteger('timestamp', entry.timestamp, MIN_I64, MAX_I64)
  const { data, transactionId } = entry
  if (data !== null && !(data instanceof Uint8Array)) {
    throw invalidField('data', 'a Uint8Array or null', data)
  }
  if (typeof transactionId !== 'string' || hasLoneSurrogate(transactionId)) {
    throw invalidField('transactionId', 'a string without lone surrogates', transactionId)
  }
}

function checkInteger(name: string, value: bigint, min: bigint, max: bigint): void {
  if (typeof value !== 'bigint' || value < min || value > max) {
    throw invalidField(name, `a bigint from ${min} to ${max}`, value)
  }
}

function invalidField(name: string, wanted: string, value: unknown): WalrusError {
  const got = typeof value === 'bigint' ? `${value}` : typeof value
  return new WalrusError('WALRUS_INVALID_ENTRY', `entry.${name} must be ${wanted}, not ${got}`)
}

/**
 * Throws `WALRUS_INVALID_ENTRY` if an encoded size cannot stand in the 32 bits that every layout
 * has for it.
 */
export function checkSize(entry: Entry, size: number): void {
  if (size <= MAX_U32) return
  throw new WalrusError(
    'WALRUS_INVALID_ENTRY',
    `entry ${entry.index} would take ${size} bytes, and ${MAX_U32} is the most: split its data`,
    { index: entry.index },
  )
}
