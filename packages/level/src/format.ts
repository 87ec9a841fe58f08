/** The forms that abstract-level has keys and values in. */

/** A key or value as abstract-level hands it over, and takes it. */
export type Format = string | Buffer | Uint8Array

/** The store has bytes; text stands for its UTF-8. */
export type FormatName = 'utf8' | 'buffer' | 'view'

export function inFormat(bytes: Uint8Array, format: FormatName): Format {
  if (format === 'view') return bytes
  const buffer = asBuffer(bytes)
  return format === 'utf8' ? buffer.toString() : buffer
}

/** The same bytes. */
export function asBuffer(given: Format): Buffer {
  if (typeof given === 'string') return Buffer.from(given)
  return Buffer.from(given.buffer, given.byteOffset, given.byteLength)
}
