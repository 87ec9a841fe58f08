/**
 * The JSON layout of an entry, byte for byte what the Go log l00pss/walrus writes (its
 * `encoding.go`, Go 1.22 and later):
 *
 *     {"index":1,"term":1,"data":"0Q==","checksum":2721966218,"timestamp":1763600000123456789,"transaction_id":""}
 *
 * `data` is base64, or `null` for none; `checksum` is CRC-32/IEEE of this same text with 0 in its
 * place. So the text that counts is the one these values make, whatever white space or order stood
 * in the bytes.
 */

import { base64Length, readBase64, writeBase64 } from './base64.ts'
import { checkRoom } from './bounds.ts'
import { crc32 } from './crc32.ts'
import { checkEntry, checkSize, type DecodedEntry, type Entry, type EntryCodec } from './entry.ts'
import { WalrusError } from './errors.ts'
import { readJsonFields } from './json-reader.ts'

const MAX_CHECKSUM_DIGITS = 10

const ZERO = Buffer.from('0')
const NO_BYTES = new Uint8Array(0)

/** Go escapes these so that the text can stand in HTML and in JavaScript. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/g

/** The JSON layout. */
export const jsonCodec: EntryCodec = {
  format: 'json',

  encode(entry) {
    const texts = textsOf(entry)
    const bytes = new Uint8Array(texts.size + MAX_CHECKSUM_DIGITS)
    return bytes.subarray(0, write(texts, bytes, 0))
  },

  encodeInto(entry, buffer, offset = 0) {
    const texts = textsOf(entry)
    checkRoom(buffer, offset, texts.size + 1)
    if (buffer.length - offset >= texts.size + MAX_CHECKSUM_DIGITS) {
      return write(texts, buffer, offset)
    }
    // So close to the end the digits of the checksum decide whether it fits, and a failure must
    // write nothing.
    const bytes = jsonCodec.encode(entry)
    checkRoom(buffer, offset, bytes.length)
    buffer.set(bytes, offset)
    return bytes.length
  },

  decode,
  decodeView: decode,

  estimateSize(entry) {
    return textsOf(entry).size + MAX_CHECKSUM_DIGITS
  },

  checksum(entry) {
    const { head, data, middle, tail } = textsOf(entry)
    const base64 = new Uint8Array(base64Length(data.length))
    writeBase64(data, base64, 0)
    return checksumOf(head, base64, middle, tail)
  },
}

/** The parts of an entry's text around the base64 and the checksum, as they stand in it. */
interface Texts {
  readonly head: Uint8Array
  readonly data: Uint8Array
  readonly middle: Uint8Array
  readonly tail: Uint8Array
  /** Bytes of the whole text but for the digits of the checksum. */
  readonly size: number
}

function textsOf(entry: Entry): Texts {
  checkEntry(entry)
  const data = entry.data ?? NO_BYTES
  const { head, middle, tail } = textsAround(entry, entry.data === null)
  const size = head.length + base64Length(data.length) + middle.length + tail.length
  checkSize(entry, size + MAX_CHECKSUM_DIGITS)
  return { head, data, middle, tail, size }
}

function textsAround(
  entry: Omit<Entry, 'data'>,
  noData: boolean,
): Pick<Texts, 'head' | 'middle' | 'tail'> {
  const { index, term, timestamp, transactionId } = entry
  const id = JSON.stringify(transactionId).replace(ESCAPED_BY_GO, unicodeEscape)
  return {
    head: Buffer.from(`{"index":${index},"term":${term},"data":${noData ? 'null' : '"'}`),
    middle: Buffer.from(noData ? ',"checksum":' : '","checksum":'),
    tail: Buffer.from(`,"timestamp":${timestamp},"transaction_id":${id}}`),
  }
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function checksumOf(
  head: Uint8Array,
  base64: Uint8Array,
  middle: Uint8Array,
  tail: Uint8Array,
): number {
  return crc32(tail, crc32(ZERO, crc32(middle, crc32(base64, crc32(head)))))
}

/**
 * Writes the text at `at` and returns its size. There must be room for it with all digits of the
 * checksum.
 */
function write(texts: Texts, bytes: Uint8Array, at: number): number {
  const { head, data, middle, tail, size } = texts
  bytes.set(head, at)
  const base64At = at + head.length
  const middleAt = writeBase64(data, bytes, base64At)
  bytes.set(middle, middleAt)
  const base64 = bytes.subarray(base64At, middleAt)
  const digits = Buffer.from(`${checksumOf(head, base64, middle, tail)}`)
  const digitsAt = middleAt + middle.length
  bytes.set(digits, digitsAt)
  bytes.set(tail, digitsAt + digits.length)
  return size + digits.length
}

function decode(bytes: Uint8Array): DecodedEntry {
  const fields = readJsonFields(bytes)
  const { index, term, checksum, timestamp, transactionId } = fields
  const base64 = fields.data === null ? NO_BYTES : bytes.subarray(fields.data.from, fields.data.to)
  const { head, middle, tail } = textsAround(fields, fields.data === null)
  const computed = checksumOf(head, base64, middle, tail)
  if (computed !== checksum) {
    throw new WalrusError(
      'WALRUS_CHECKSUM_MISMATCH',
      `the entry says checksum ${checksum}, its text gives ${computed}: it was damaged or changed by hand`,
    )
  }
  const data = fields.data === null ? null : readBase64(base64)
  if (data === undefined) {
    throw new WalrusError(
      'WALRUS_INVALID_ENTRY',
      `the data of entry ${index} is not base64 in its canonical form, though its checksum is right`,
      { index },
    )
  }
  return { index, term, data, timestamp, transactionId, checksum }
}
