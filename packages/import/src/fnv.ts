/**
 * FNV-1a, 64 bits (Fowler, Noll, Vo): the checksum of payloads in the Rust topic log.
 *
 * The prime is 2^40 + 0x1b3, so a product modulo 2^64 is had from 32-bit halves in doubles, exactly.
 */

const BASIS_HIGH = 0xcbf29ce4
const BASIS_LOW = 0x84222325
const PRIME_LOW = 0x1b3

/** The hash of bytes: its high and low 32 bits, unsigned. */
export class Fnv1a64 {
  high: number = BASIS_HIGH
  low: number = BASIS_LOW

  /** Takes more bytes. */
  add(bytes: Uint8Array): this {
    let { high, low } = this
    for (let at = 0; at < bytes.length; at++) {
      low = (low ^ bytes[at]!) >>> 0
      const product = low * PRIME_LOW
      high = (Math.imul(high, PRIME_LOW) + Math.floor(product / 0x1_0000_0000) + (low << 8)) >>> 0
      low = product >>> 0
    }
    this.high = high
    this.low = low
    return this
  }
}
