/**
 * Data made harmless for a terminal.
 *
 * Stored bytes are somebody else's: printed as they are they could move the cursor, set the window's title or hide
 * text. Control characters (C0, DEL, C1), line separators, the characters that reorder text, and bytes that are
 * not UTF-8 are written as escapes. A tab stays, since it only moves the cursor forward.
 */
import { isUtf8 } from 'node:buffer'

const UNSAFE = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu
const NAMED: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\\0',
}

/** `text` with every character escaped that a terminal would obey. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter)
}

/** `bytes` as text, escaped; a byte that is not part of valid UTF-8 is written `\xNN`. */
export function escapeBytes(bytes: Uint8Array): string {
  return isUtf8(bytes) ? escapeText(decode(bytes)) : decodeLossless(bytes, escapeText)
}

/** JSON that is still the same JSON, with the characters escaped that `JSON.stringify` leaves alone. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${hex(character.charCodeAt(0), 4)}`)
}

/** The first `maxBytes` of `bytes` in double quotes, on one line, `…` where more follows. */
export function excerpt(bytes: Uint8Array, maxBytes: number): string {
  const text = decodeLossless(bytes.subarray(0, maxBytes), (part) =>
    escapeText(part.replace(/["\\\t]/g, (character) => NAMED[character] ?? `\\${character}`)),
  )
  return `"${text}"${bytes.length > maxBytes ? '…' : ''}`
}

function escapeCharacter(character: string): string {
  const named = NAMED[character]
  if (named !== undefined) return named
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/** Decodes UTF-8, hands runs of valid text to `escape`, and writes every other byte as `\xNN`. */
function decodeLossless(bytes: Uint8Array, escape: (text: string) => string): string {
  let out = ''
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at] as number)
    if (length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length))) {
      at += length
      continue
    }
    out += `${escape(decode(bytes.subarray(start, at)))}\\x${hex(bytes[at] as number, 2)}`
    at++
    start = at
  }
  return out + escape(decode(bytes.subarray(start)))
}

/** How many bytes the UTF-8 sequence takes that starts with `lead`; 0 where none can. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
