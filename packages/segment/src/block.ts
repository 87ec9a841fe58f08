/**
 * Fixed blocks of named little-endian fields: segment headers, seals, tail slots, index headers.
 *
 * Not for the hot path; groups and frames are written word by word instead.
 */

import { WalrusError } from '@walrus/codec'

/** Reads and writes the integer fields of one block of bytes. */
export class Block {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true)
  }

  /** A 64-bit integer as a number; beyond 2^53 - 1 it is not exact, which every caller's range check refuses. */
  u64(at: number): number {
    return this.#view.getUint32(at + 4, true) * 0x1_0000_0000 + this.#view.getUint32(at, true)
  }

  putU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  putU64(at: number, value: number): void {
    this.#view.setUint32(at, value % 0x1_0000_0000, true)
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
  }

  put(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at)
  }

  /** A copy. The `slice` of a `Buffer` is none. */
  slice(at: number, length: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(at, at + length))
  }

  startsWith(magic: Uint8Array): boolean {
    return magic.every((byte, at) => this.bytes[at] === byte)
  }
}

/** Bytes for a block whose words are also addressed as an `Int32Array`. */
export function wordAligned(length: number): { bytes: Uint8Array; words: Int32Array } {
  const buffer = new ArrayBuffer((length + 3) & ~3)
  return { bytes: new Uint8Array(buffer, 0, length), words: new Int32Array(buffer) }
}

/** The format's version, major in the high half. */
export const VERSION = 0x0001_0000

/** Refuses what another major version wrote. */
export function checkVersion(version: number, file: string): void {
  const major = version >>> 16
  if (major === VERSION >>> 16) return
  throw new WalrusError(
    'WALRUS_UNSUPPORTED_FORMAT',
    `${file} has format version ${major}.${version & 0xffff}; this Walrus reads version ${VERSION >>> 16}: open it with the version that wrote it, or a later one`,
    { file, offset: 8 },
  )
}
