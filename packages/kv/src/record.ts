/**
 * The records of a store: what its stream's entries hold. docs/format.md: "Key-value records".
 *
 *   set      1 | key length, varint | key | value
 *   set      2 | key length, varint | key | expires at, u48, ms since the Unix epoch | value
 *   delete   3 | key
 *   clear    4 | length of from, varint | from | until      from <= key < until
 *   clear    5 | from                                       from <= key
 */

import { type ByteString, fromBytes } from './byte-string.ts'
import { badRecord } from './errors.ts'
import { MAX_KEY_BYTES, type ValueInput } from './encoding.ts'

const SET = 1
const SET_EXPIRING = 2
const DELETE = 3
const CLEAR = 4
const CLEAR_REST = 5

const EXPIRY_BYTES = 6
/** Kind, the length of a key, the key, its expiry. */
const MAX_HEAD_BYTES = 1 + 3 + MAX_KEY_BYTES + EXPIRY_BYTES
/** Room for a record of any key and a value of half a megabyte. */
const KEPT_BYTES = 0x10_0000

export type Record =
  | {
      readonly type: 'set'
      readonly key: ByteString
      /** Milliseconds since the Unix epoch; 0 for never. */
      readonly expiresAt: number
      /** Where the value begins in the record; it ends with it. */
      readonly valueAt: number
    }
  | { readonly type: 'delete'; readonly key: ByteString }
  | { readonly type: 'clear'; readonly from: ByteString; readonly until: ByteString | undefined }

/** Writes records into a buffer that it uses again: each one is to be copied before the next. */
export class RecordWriter {
  #buffer = Buffer.alloc(KEPT_BYTES)
  /** Of the last set: where its value begins. */
  valueAt = 0

  set(key: ByteString, value: ValueInput, expiresAt: number): Uint8Array {
    const isText = typeof value === 'string'
    this.#reserve(MAX_HEAD_BYTES + (isText ? value.length * 3 : value.length))
    const buffer = this.#buffer
    buffer[0] = expiresAt === 0 ? SET : SET_EXPIRING
    let at = this.#sizedKey(key)
    if (expiresAt !== 0) at = buffer.writeUIntLE(expiresAt, at, EXPIRY_BYTES)
    this.valueAt = at
    if (isText) {
      at += buffer.write(value, at)
    } else {
      buffer.set(value, at)
      at += value.length
    }
    return this.#written(at)
  }

  delete(key: ByteString): Uint8Array {
    this.#reserve(MAX_HEAD_BYTES)
    this.#buffer[0] = DELETE
    return this.#written(1 + this.#buffer.write(key, 1, 'latin1'))
  }

  /** @param until `undefined` for all keys from `from` on */
  clear(from: ByteString, until: ByteString | undefined): Uint8Array {
    this.#reserve(MAX_HEAD_BYTES + MAX_KEY_BYTES + 1)
    if (until === undefined) {
      this.#buffer[0] = CLEAR_REST
      return this.#written(1 + this.#buffer.write(from, 1, 'latin1'))
    }
    this.#buffer[0] = CLEAR
    const at = this.#sizedKey(from)
    return this.#written(at + this.#buffer.write(until, at, 'latin1'))
  }

  #sizedKey(key: ByteString): number {
    const buffer = this.#buffer
    let left = key.length
    let at = 1
    for (; left > 127; left >>>= 7) buffer[at++] = (left & 127) | 128
    buffer[at++] = left
    return at + buffer.write(key, at, 'latin1')
  }

  #reserve(bytes: number): void {
    const { length } = this.#buffer
    // One that had to be large is not kept for small ones.
    if (length >= bytes && (length === KEPT_BYTES || bytes > KEPT_BYTES)) return
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, KEPT_BYTES))
  }

  #written(length: number): Uint8Array {
    return this.#buffer.subarray(0, length)
  }
}

/**
 * @param position of the entry, for the message
 * @throws `WALRUS_CORRUPT`
 */
export function decodeRecord(data: Uint8Array, position: number): Record {
  const kind = data[0] ?? 0
  switch (kind) {
    case SET:
    case SET_EXPIRING: {
      const { start, end } = sizedKey(data, position)
      const key = bufferOf(data).toString('latin1', start, end)
      if (data[0] === SET) return { type: 'set', key, expiresAt: 0, valueAt: end }
      const valueAt = end + EXPIRY_BYTES
      if (valueAt > data.length) throw badRecord(position, 'ends early')
      const expiresAt = bufferOf(data).readUIntLE(end, EXPIRY_BYTES)
      return { type: 'set', key, expiresAt, valueAt }
    }
    case DELETE:
      return { type: 'delete', key: fromBytes(data.subarray(1)) }
    case CLEAR: {
      const { start, end } = sizedKey(data, position)
      const from = fromBytes(data.subarray(start, end))
      return { type: 'clear', from, until: fromBytes(data.subarray(end)) }
    }
    case CLEAR_REST:
      return { type: 'clear', from: fromBytes(data.subarray(1)), until: undefined }
    default:
      throw badRecord(position, 'is of no kind that a store knows')
  }
}

/** Reads a length and the key behind it. */
function sizedKey(data: Uint8Array, position: number): { start: number; end: number } {
  let length = 0
  let at = 1
  for (let shift = 0; ; shift += 7) {
    const byte = data[at++]
    if (byte === undefined || shift > 14) throw badRecord(position, 'has no whole length of a key')
    length += (byte & 127) << shift
    if (byte < 128) break
  }
  if (at + length > data.length) throw badRecord(position, 'ends early')
  return { start: at, end: at + length }
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A value's bytes. */
export function bytesOf(value: ValueInput): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : bufferOf(value)
}
