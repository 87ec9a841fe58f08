/**
 * Base64 (RFC 4648, section 4) between byte arrays, accepting one spelling only of any data.
 *
 * `Buffer` does not serve here: it takes the URL alphabet and stray characters without a word, and
 * goes through a string, which ends at 512 MiB. Every entry has one valid text this way, so a
 * checksum over the text covers it.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PAD = '='.charCodeAt(0)
const NOT_BASE64 = 255

const encodeTable = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0))
const decodeTable = new Uint8Array(256).fill(NOT_BASE64)
encodeTable.forEach((code, value) => {
  decodeTable[code] = value
})

/** Characters that `length` bytes take, padding included. */
export function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4
}

/** Writes `data` in base64 into `out` at `offset` and returns where it ends. There must be room. */
export function writeBase64(data: Uint8Array, out: Uint8Array, offset: number): number {
  let at = offset
  let i = 0
  for (const last = data.length - 3; i <= last; i += 3) {
    const bits = (data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!
    out[at] = encodeTable[bits >>> 18]!
    out[at + 1] = encodeTable[(bits >>> 12) & 63]!
    out[at + 2] = encodeTable[(bits >>> 6) & 63]!
    out[at + 3] = encodeTable[bits & 63]!
    at += 4
  }
  if (i === data.length) return at
  const two = i + 1 < data.length
  const bits = (data[i]! << 16) | (two ? data[i + 1]! << 8 : 0)
  out[at] = encodeTable[bits >>> 18]!
  out[at + 1] = encodeTable[(bits >>> 12) & 63]!
  out[at + 2] = two ? encodeTable[(bits >>> 6) & 63]! : PAD
  out[at + 3] = PAD
  return at + 4
}

/**
 * The bytes that `text` stands for, or `undefined` if it is not base64 in its one canonical form:
 * this alphabet, whole groups of four, padded, the bits left over all zero.
 */
export function readBase64(text: Uint8Array): Uint8Array | undefined {
  const { length } = text
  if (length % 4 !== 0) return undefined
  const padding = text[length - 1] !== PAD ? 0 : text[length - 2] !== PAD ? 1 : 2
  const data = new Uint8Array((length / 4) * 3 - padding)
  let seen = 0
  let at = 0
  let i = 0
  for (const whole = padding === 0 ? length : length - 4; i < whole; i += 4) {
    const a = decodeTable[text[i]!]!
    const b = decodeTable[text[i + 1]!]!
    const c = decodeTable[text[i + 2]!]!
    const d = decodeTable[text[i + 3]!]!
    seen |= a | b | c | d
    const bits = (a << 18) | (b << 12) | (c << 6) | d
    data[at] = bits >>> 16
    data[at + 1] = bits >>> 8
    data[at + 2] = bits
    at += 3
  }
  if (padding > 0) {
    const a = decodeTable[text[i]!]!
    const b = decodeTable[text[i + 1]!]!
    const c = padding === 1 ? decodeTable[text[i + 2]!]! : 0
    seen |= a | b | c
    const bits = (a << 18) | (b << 12) | (c << 6)
    const leftOver = padding === 1 ? bits & 0xff : bits & 0xffff
    if (leftOver !== 0) return undefined
    data[at] = bits >>> 16
    if (padding === 1) data[at + 1] = bits >>> 8
  }
  return seen === (seen & 63) ? data : undefined
}
