/** Stretches of a segment in memory, as scans read them. */

/** Bytes read in one go. */
export const CHUNK_BYTES = 0x10_0000

/** Bytes of a file in memory, word-aligned: `bytes[from]` stands at file offset `offset`. */
export interface Window {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  from: number
  to: number
  offset: number
  /** Whether the file, or what is wanted of it, ends at `to`. */
  last: boolean
}

export function windowOf(length: number): Window {
  const buffer = new ArrayBuffer((length + 3) & ~3)
  const bytes = new Uint8Array(buffer)
  return { bytes, words: new Int32Array(buffer), from: 0, to: 0, offset: 0, last: false }
}
