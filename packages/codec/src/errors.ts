/**
 * The one error class of the project, and the codes this package throws with it.
 *
 * Callers tell failures apart by `code`, which is part of the interface and does not change; the
 * message is for people, says what to do, and may change at any time. Other packages use the same
 * class with codes of their own.
 */

/** Every code this package throws. */
export const CODEC_ERROR_CODES = [
  /**
   * A stored CRC-32 does not match the bytes it covers: they were damaged, or never written whole.
   */
  'WALRUS_CHECKSUM_MISMATCH',
  /** Bytes that are not an entry of the layout, or a value that no layout can carry. */
  'WALRUS_INVALID_ENTRY',
  /** Bytes that are not a key-value record, or a record that the layout cannot carry. */
  'WALRUS_INVALID_RECORD',
  /**
   * The bytes end before the entry or record that starts in them does: read more, or take it for a
   * torn tail.
   */
  'WALRUS_TRUNCATED',
  /** The caller's buffer has no room for what is to be written; nothing was written. */
  'WALRUS_BUFFER_TOO_SMALL',
  /** An entry format that does not exist was asked for. */
  'WALRUS_UNSUPPORTED_FORMAT',
  /** An argument outside its allowed range. */
  'WALRUS_INVALID_OPTION',
] as const

export type CodecErrorCode = (typeof CODEC_ERROR_CODES)[number]

/** Where an error happened and what caused it; each part only where it is known. */
export interface WalrusErrorDetails {
  /** The error underneath, unchanged. */
  readonly cause?: unknown
  /** Path of the file it happened in. */
  readonly file?: string | undefined
  /** Byte offset, in that file or in the bytes handed over. */
  readonly offset?: number | undefined
  /** Index of the entry it speaks of; a `bigint` where the index itself came from the bytes. */
  readonly index?: number | bigint | undefined
}

/**
 * Any failure that Walrus reports. Tell failures apart by {@link WalrusError.code}, not by the
 * message.
 */
export class WalrusError<Code extends string = string> extends Error {
  readonly code: Code
  declare readonly file?: string
  declare readonly offset?: number
  declare readonly index?: number | bigint

  constructor(code: Code, message: string, details: WalrusErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    if (details.file !== undefined) this.file = details.file
    if (details.offset !== undefined) this.offset = details.offset
    if (details.index !== undefined) this.index = details.index
  }

  static {
    // On the prototype, as for built-in errors: set as an own field it would be printed with every
    // error.
    Object.defineProperty(this.prototype, 'name', {
      value: 'WalrusError',
      writable: true,
      configurable: true,
    })
  }
}
