/**
 * Text that survives the way to UTF-8 and back unchanged: no invalid byte, no lone surrogate, and a
 * leading U+FEFF kept as the character it is.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** With the `u` flag a pair of surrogates is one character, so this finds lone ones only. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * The text these bytes hold. Throws the decoder's own error if they are not UTF-8 or too many for a
 * string.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes)
}

/** Whether UTF-8 cannot hold this text. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text)
}
