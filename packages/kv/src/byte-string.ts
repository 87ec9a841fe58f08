/**
 * Byte strings: bytes kept as a JavaScript string with one character (0 to 255) for each.
 *
 * The engine keeps such a string in one byte a character, hashes it once, and compares it character by character: its
 * order is the order of the bytes. ASCII text is its own byte string. This is what keys are in memory.
 */

/** A string of characters below 256. */
export type ByteString = string

const scratch = Buffer.alloc(0x1_0000)

/** Whether text is the same as its bytes in UTF-8. */
export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false
  return true
}

export function fromBytes(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function toBytes(key: ByteString): Buffer {
  return Buffer.from(key, 'latin1')
}

/**
 * The same string in memory of its own: one byte a character, without the text it was cut from or put together of.
 * @param key up to 65,536 characters
 */
export function compact(key: ByteString): ByteString {
  return scratch.toString('latin1', 0, scratch.write(key, 0, 'latin1'))
}

/** The first string behind all that begin with `prefix`; `undefined` when there is none. */
export function behindPrefix(prefix: ByteString): ByteString | undefined {
  for (let length = prefix.length; length > 0; length--) {
    const last = prefix.charCodeAt(length - 1)
    if (last < 255) return prefix.slice(0, length - 1) + String.fromCharCode(last + 1)
  }
  return undefined
}

/** The string that follows next. */
export function behind(key: ByteString): ByteString {
  return `${key}\0`
}
