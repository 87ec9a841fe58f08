/** What keys and values are to the caller, and how they become bytes. */

import { WalrusError } from '@walrus/codec'
import { copyOf } from './byte-copies.ts'
import { type ByteString, fromBytes, isAscii, toBytes } from './byte-string.ts'
import { invalid } from './errors.ts'

/** Names of the encodings of keys, and what a key comes back as. */
export interface KeyEncodings {
  /** Text; stored as UTF-8. */
  readonly utf8: string
  readonly bytes: Uint8Array
}

/** Names of the encodings of values, and what a value comes back as. */
export interface ValueEncodings {
  /** Text; stored as UTF-8. */
  readonly utf8: string
  readonly bytes: Uint8Array
  /** Whatever `JSON.stringify` takes; stored as UTF-8. */
  readonly json: unknown
}

/** What a store takes as a value, by the name of its encoding: text stands for its bytes in UTF-8. */
export interface ValueInputs {
  readonly utf8: string | Uint8Array
  readonly bytes: string | Uint8Array
  readonly json: unknown
}

/** What a store takes as a key, whatever its encoding: text stands for its bytes in UTF-8. */
export type KeyInput = string | Uint8Array

/** The largest key, in bytes. */
export const MAX_KEY_BYTES = 0xffff

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws `WALRUS_INVALID_OPTION`, `WALRUS_KEY_TOO_LARGE` */
export function encodeKey(key: unknown): ByteString {
  const bytes = keyBytes(key)
  if (bytes.length <= MAX_KEY_BYTES) return bytes
  throw new WalrusError(
    'WALRUS_KEY_TOO_LARGE',
    `a key may have ${MAX_KEY_BYTES} bytes, got ${bytes.length}; nothing was written`,
  )
}

function keyBytes(key: unknown): ByteString {
  if (typeof key === 'string') {
    if (isAscii(key)) return key
    checkWellFormed(key, 'a key')
    return fromBytes(Buffer.from(key))
  }
  if (key instanceof Uint8Array) return fromBytes(key)
  throw invalid(`a key must be a string or a Uint8Array, got ${kindOf(key)}`)
}

/** How a store's callers see keys. */
export type DecodeKey<K> = (key: ByteString) => K

export const KEY_DECODERS: { readonly [E in keyof KeyEncodings]: DecodeKey<KeyEncodings[E]> } = {
  utf8: (key) =>
    isAscii(key) ? key : utf8(toBytes(key), 0, key.length, 'WALRUS_KEY_NOT_UTF8', 'a key'),
  bytes: (key) => new Uint8Array(toBytes(key)),
}

/** A value on its way into the store: text is written as UTF-8. */
export type ValueInput = string | Uint8Array

/** The same memory in several ways: each is the quickest for something. */
export interface Memory {
  readonly bytes: Uint8Array
  readonly text: Buffer
  /** Where values begin at multiples of 4, and have as many bytes as words hold. */
  readonly words: Int32Array | undefined
}

export function memoryOf(bytes: Uint8Array, words?: Int32Array): Memory {
  const { buffer, byteOffset, byteLength } = bytes
  return { bytes, text: Buffer.from(buffer, byteOffset, byteLength), words }
}

export interface ValueEncoding<V> {
  /** @throws `WALRUS_INVALID_OPTION` */
  encode(value: unknown): ValueInput
  /** Makes the value of its bytes, which stand in memory that is used again. */
  decode(from: Memory, start: number, end: number): V
}

function text({ text: memory }: Memory, start: number, end: number): string {
  return utf8(memory, start, end, 'WALRUS_VALUE_NOT_UTF8', 'a value')
}

function bytesOrText(value: unknown): ValueInput {
  if (value instanceof Uint8Array) return value
  if (typeof value !== 'string') {
    throw invalid(`a value must be a string or a Uint8Array, got ${kindOf(value)}`)
  }
  checkWellFormed(value, 'a value')
  return value
}

export const VALUE_ENCODINGS: {
  readonly [E in keyof ValueEncodings]: ValueEncoding<ValueEncodings[E]>
} = {
  utf8: { encode: bytesOrText, decode: text },
  bytes: {
    encode: bytesOrText,
    decode: ({ bytes, words }, start, end) => copyOf(bytes, words, start, end),
  },
  json: {
    encode(value) {
      const json: unknown = JSON.stringify(value)
      if (typeof json === 'string') return json
      throw invalid(`a value must be one that JSON has, got ${kindOf(value)}`)
    },
    decode(from, start, end) {
      const json = text(from, start, end)
      try {
        return JSON.parse(json)
      } catch (cause) {
        throw new WalrusError('WALRUS_VALUE_NOT_JSON', 'a value is not JSON', { cause })
      }
    },
  },
}

/** Text of bytes that must be UTF-8: read quickly, and looked at again only where that put a replacement character. */
function utf8(memory: Buffer, start: number, end: number, code: string, what: string): string {
  const quick = memory.toString('utf8', start, end)
  if (!quick.includes('\ufffd')) return quick
  try {
    return decoder.decode(memory.subarray(start, end))
  } catch (cause) {
    throw new WalrusError(code, `${what} is not UTF-8: open the store for bytes`, { cause })
  }
}

function checkWellFormed(given: string, what: string): void {
  // It would come back as another string.
  if (!(given as string & { isWellFormed(): boolean }).isWellFormed()) {
    throw invalid(`${what} must be well-formed Unicode; give bytes instead`)
  }
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
