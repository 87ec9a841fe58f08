/**
 * Reads the fields of an entry from its JSON text.
 *
 * `JSON.parse` does not serve: it rounds integers above 2^53. This reader knows the six keys and
 * their types and nothing else, which also bounds what hostile bytes can make it do: one pass, no
 * recursion, and no memory beyond the transaction id.
 *
 * It takes what Go's encoding/json takes of white space, order of keys and escapes in the
 * transaction id. It refuses what that one lets pass and the checksum would not see, being made of
 * the values: unknown, repeated or missing keys, keys in another case, `null` for a number, text
 * that is not UTF-8, lone surrogates.
 */

import { WalrusError } from './errors.ts'
import { decodeUtf8, hasLoneSurrogate } from './strict-text.ts'

/** What the text says, unverified. */
export interface JsonFields {
  readonly index: bigint
  readonly term: bigint
  /** Where the base64 text stands in the bytes, its quotes excluded; `null` for `"data":null`. */
  readonly data: { readonly from: number; readonly to: number } | null
  readonly checksum: number
  readonly timestamp: bigint
  readonly transactionId: string
}

const MAX_U32 = 2n ** 32n - 1n
const MAX_U64 = 2n ** 64n - 1n
const MAX_I64 = 2n ** 63n - 1n
/** Digits of the largest 64-bit integer: a longer number is refused before it is converted. */
const MAX_DIGITS = 20

const KEYS = ['index', 'term', 'data', 'checksum', 'timestamp', 'transaction_id'] as const
type Key = (typeof KEYS)[number]

const keyBytes = KEYS.map((key) => [key, Buffer.from(`${key}"`)] as const)
const nullBytes = Buffer.from('null')

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const OPEN = 0x7b
const CLOSE = 0x7d

/**
 * Reads the six fields of the object that fills `bytes`, white space around it allowed.
 *
 * @throws {WalrusError} `WALRUS_INVALID_ENTRY`, with the offset where the text stops making sense.
 */
export function readJsonFields(bytes: Uint8Array): JsonFields {
  return new Reader(bytes).object()
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  object(): JsonFields {
    const fields = {
      index: 0n,
      term: 0n,
      data: null as JsonFields['data'],
      checksum: 0,
      timestamp: 0n,
      transactionId: '',
    }
    // Six keys, none twice, are all of them: no field keeps the value it has here.
    const seen = new Set<Key>()
    this.#token(OPEN, 'an object')
    while (seen.size < KEYS.length) {
      if (seen.size > 0) this.#token(COMMA, 'a comma and the next of the six keys')
      const key = this.#key(seen)
      this.#token(COLON, 'a colon')
      this.#space()
      switch (key) {
        case 'index':
        case 'term':
          fields[key] = this.#integer(0n, MAX_U64)
          break
        case 'data':
          fields.data = this.#base64()
          break
        case 'checksum':
          fields.checksum = Number(this.#integer(0n, MAX_U32))
          break
        case 'timestamp':
          fields.timestamp = this.#integer(-MAX_I64 - 1n, MAX_I64)
          break
        case 'transaction_id':
          fields.transactionId = this.#string()
          break
      }
    }
    this.#token(CLOSE, 'the end of the object')
    this.#space()
    if (this.#at < this.#bytes.length) throw this.#invalid('nothing', this.#at)
    return fields
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      this.#at++
    }
  }

  #token(code: number, wanted: string): void {
    this.#space()
    if (this.#bytes[this.#at] !== code) throw this.#invalid(wanted, this.#at)
    this.#at++
  }

  #skip(expected: Uint8Array): boolean {
    for (let i = 0; i < expected.length; i++) {
      if (this.#bytes[this.#at + i] !== expected[i]) return false
    }
    this.#at += expected.length
    return true
  }

  #key(seen: Set<Key>): Key {
    this.#token(QUOTE, 'a key')
    const start = this.#at
    for (const [key, bytes] of keyBytes) {
      if (!this.#skip(bytes)) continue
      if (seen.has(key)) throw this.#invalid('each key once', start)
      seen.add(key)
      return key
    }
    throw this.#invalid(`one of the keys ${KEYS.join(', ')}`, start)
  }

  #integer(min: bigint, max: bigint): bigint {
    const start = this.#at
    if (this.#bytes[start] === MINUS && min < 0n) this.#at++
    const first = this.#at
    let text = first > start ? '-' : ''
    for (let byte = this.#bytes[this.#at]; isDigit(byte); byte = this.#bytes[this.#at]) {
      if (this.#at - first === MAX_DIGITS) throw this.#invalid(integer(min, max), start)
      text += String.fromCharCode(byte)
      this.#at++
    }
    const length = this.#at - first
    if (length === 0 || (length > 1 && this.#bytes[first] === ZERO)) {
      throw this.#invalid(integer(min, max), start)
    }
    const value = BigInt(text)
    if (value < min || value > max) throw this.#invalid(integer(min, max), start)
    return value
  }

  #base64(): JsonFields['data'] {
    if (this.#skip(nullBytes)) return null
    const wanted = 'null or base64 in quotes'
    if (this.#bytes[this.#at] !== QUOTE) throw this.#invalid(wanted, this.#at)
    const from = this.#at + 1
    const to = this.#bytes.indexOf(QUOTE, from)
    if (to === -1) throw this.#invalid(wanted, this.#at)
    this.#at = to + 1
    return { from, to }
  }

  #string(): string {
    const wanted = 'a string in UTF-8'
    if (this.#bytes[this.#at] !== QUOTE) throw this.#invalid(wanted, this.#at)
    const start = ++this.#at
    let escaped = false
    for (;;) {
      const byte = this.#bytes[this.#at]
      // An escape may seem to go on behind the end.
      if (byte === undefined) throw this.#invalid(wanted, this.#bytes.length)
      // A string holds no raw control character.
      if (byte < 0x20) throw this.#invalid(wanted, this.#at)
      if (byte === QUOTE) break
      if (byte === BACKSLASH) {
        escaped = true
        this.#at++
      }
      this.#at++
    }
    let text: string
    try {
      text = decodeUtf8(this.#bytes.subarray(start, this.#at))
      if (escaped) text = JSON.parse(`"${text}"`) as string
    } catch (cause) {
      throw this.#invalid(wanted, start, cause)
    }
    if (hasLoneSurrogate(text)) throw this.#invalid(wanted, start)
    this.#at++
    return text
  }

  #invalid(wanted: string, offset: number, cause?: unknown): WalrusError {
    const message = `not an entry in JSON: ${wanted} expected at byte ${offset}`
    return new WalrusError('WALRUS_INVALID_ENTRY', message, {
      offset,
      ...(cause !== undefined && { cause }),
    })
  }
}

function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function integer(min: bigint, max: bigint): string {
  return `an integer from ${min} to ${max}`
}
