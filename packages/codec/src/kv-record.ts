/**
 * The record of the Go key-value store jerkeyray/walrus, byte for byte (its `wal/record.go` and
 * `wal/wal.go`):
 *
 *     magic       length  crc   op  keyLen  valueLen  key     value
 *     0xCAFEBABE  u32     u32   u8  u32     u32       keyLen  valueLen      all big endian
 *
 * length counts, and crc (CRC-32/IEEE) covers, everything from op on; op is 1 for set, 2 for
 * delete. Records follow one another in files named `wal-`, a number from 1 in at least four
 * digits, `.log`.
 *
 * Magic and length are outside the checksum. A damaged length is therefore believed as far as the
 * bytes reach, and then fails the checksum; nothing is allocated by it.
 */

import { checkPosition } from './bounds.ts'
import { crc32 } from './crc32.ts'
import { WalrusError } from './errors.ts'

/** First four bytes of every record. */
export const KV_RECORD_MAGIC = 0xcafebabe

/** Bytes of magic, length and checksum. */
export const KV_RECORD_HEADER_SIZE = 12

const OP_SET = 1
const OP_DELETE = 2
/** Bytes of op, key length and value length. */
const FIXED_SIZE = 9
const BODY_AT = KV_RECORD_HEADER_SIZE
const MAX_U32 = 0xffffffff
const NO_BYTES = new Uint8Array(0)

/** A change of the store; the empty key and the empty value are a key and a value like others. */
export type KvRecord =
  | { readonly op: 'set'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly op: 'delete'; readonly key: Uint8Array }

/** A record read from bytes, and where the next one starts. */
export interface DecodedKvRecord {
  readonly record: KvRecord
  readonly next: number
}

/**
 * Size of the record in bytes, exact.
 *
 * @throws {WalrusError} `WALRUS_INVALID_RECORD` if the operation is neither of the two, key or
 *   value are not bytes, or they are longer than 2^32 - 10 bytes together.
 */
export function kvRecordSize(record: KvRecord): number {
  return KV_RECORD_HEADER_SIZE + bodySize(record.key, valueOf(record))
}

/**
 * The record in bytes.
 *
 * @throws {WalrusError} `WALRUS_INVALID_RECORD` as {@link kvRecordSize} does.
 */
export function encodeKvRecord(record: KvRecord): Uint8Array {
  const { key } = record
  const value = valueOf(record)
  const length = bodySize(key, value)
  const bytes = new Uint8Array(KV_RECORD_HEADER_SIZE + length)
  const view = new DataView(bytes.buffer)
  view.setUint8(BODY_AT, record.op === 'set' ? OP_SET : OP_DELETE)
  view.setUint32(BODY_AT + 1, key.length)
  view.setUint32(BODY_AT + 5, value.length)
  bytes.set(key, BODY_AT + FIXED_SIZE)
  bytes.set(value, BODY_AT + FIXED_SIZE + key.length)
  view.setUint32(0, KV_RECORD_MAGIC)
  view.setUint32(4, length)
  view.setUint32(8, crc32(bytes, 0, BODY_AT))
  return bytes
}

/**
 * Reads the record that starts at `offset`. Its key and value are views of `bytes`.
 *
 * @throws {WalrusError} `WALRUS_TRUNCATED` if the bytes end before the record does, at `offset`
 *   itself included; `WALRUS_CHECKSUM_MISMATCH`; `WALRUS_INVALID_RECORD` if no record starts there,
 *   or one that makes no sense; `WALRUS_INVALID_OPTION` if `offset` is not a position in `bytes`.
 *   Nothing else, whatever `bytes` holds.
 */
export function decodeKvRecord(bytes: Uint8Array, offset: number = 0): DecodedKvRecord {
  checkPosition(bytes, offset)
  const left = bytes.length - offset
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, left)
  if (left < KV_RECORD_HEADER_SIZE) {
    throw truncated(offset, `${left} bytes are left, its header takes ${KV_RECORD_HEADER_SIZE}`)
  }
  const magic = view.getUint32(0)
  if (magic !== KV_RECORD_MAGIC) {
    throw invalid(
      `no record starts at byte ${offset}: 0x${hex(magic)} instead of 0xcafebabe`,
      offset,
    )
  }
  const length = view.getUint32(4)
  if (length > left - KV_RECORD_HEADER_SIZE) {
    throw truncated(offset, `it says ${length} bytes, ${left - KV_RECORD_HEADER_SIZE} are left`)
  }
  const next = offset + KV_RECORD_HEADER_SIZE + length
  const checksum = view.getUint32(8)
  const computed = crc32(bytes, 0, offset + BODY_AT, next)
  if (computed !== checksum) {
    throw new WalrusError(
      'WALRUS_CHECKSUM_MISMATCH',
      `the record at byte ${offset} says checksum 0x${hex(checksum)}, its bytes give 0x${hex(computed)}: it was damaged`,
      { offset },
    )
  }
  if (length < FIXED_SIZE) {
    throw invalid(`the record at byte ${offset} holds ${length} bytes, too few`, offset)
  }
  const keyLength = view.getUint32(BODY_AT + 1)
  const valueLength = view.getUint32(BODY_AT + 5)
  if (FIXED_SIZE + keyLength + valueLength !== length) {
    throw invalid(`the lengths in the record at byte ${offset} do not add up to its size`, offset)
  }
  const keyAt = offset + BODY_AT + FIXED_SIZE
  const key = bytes.subarray(keyAt, keyAt + keyLength)
  const value = bytes.subarray(keyAt + keyLength, next)
  const op = view.getUint8(BODY_AT)
  if (op === OP_SET) return { record: { op: 'set', key, value }, next }
  if (op === OP_DELETE && valueLength === 0) return { record: { op: 'delete', key }, next }
  throw invalid(
    op === OP_DELETE
      ? `the record at byte ${offset} is a delete with a value`
      : `the record at byte ${offset} has operation ${op}, neither 1 (set) nor 2 (delete)`,
    offset,
  )
}

function valueOf(record: KvRecord): Uint8Array {
  switch (record.op) {
    case 'set':
      return record.value
    case 'delete':
      return NO_BYTES
    default:
      throw invalid("a record's op must be 'set' or 'delete'")
  }
}

function bodySize(key: Uint8Array, value: Uint8Array): number {
  if (!(key instanceof Uint8Array && value instanceof Uint8Array)) {
    throw invalid("a record's key and value must each be a Uint8Array")
  }
  const size = FIXED_SIZE + key.length + value.length
  if (size > MAX_U32) {
    throw invalid(`the record would hold ${size} bytes, and ${MAX_U32} is the most`)
  }
  return size
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function invalid(message: string, offset?: number): WalrusError {
  return new WalrusError('WALRUS_INVALID_RECORD', message, { offset })
}

function truncated(offset: number, why: string): WalrusError {
  return new WalrusError(
    'WALRUS_TRUNCATED',
    `the record at byte ${offset} is not whole (${why}): read more bytes, or take it for a torn tail`,
    { offset },
  )
}
