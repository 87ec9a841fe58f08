/** Numbers and text in few bytes: LEB128 for integers from 0 to 2^53 - 1, and text behind its length. */

import { corruptState } from './errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ByteWriter {
  #bytes = new Uint8Array(256)
  #end = 0

  get length(): number {
    return this.#end
  }

  /** What was written so far, as bytes of its own; it begins anew. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#end)
    this.#end = 0
    return bytes
  }

  number(value: number): void {
    this.#reserve(8)
    let left = value
    while (left > 0x7f) {
      this.#bytes[this.#end++] = (left & 0x7f) | 0x80
      left = Math.floor(left / 128)
    }
    this.#bytes[this.#end++] = left
  }

  text(value: string): void {
    const bytes = Buffer.from(value)
    this.number(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return
    const grown = new Uint8Array(2 * (this.#end + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** @throws `WALRUS_CORRUPT` */
  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw corruptState('ends early')
      value += (byte & 0x7f) * scale
      if (!Number.isSafeInteger(value)) throw corruptState('holds a number that is too large')
      if (byte < 0x80) return value
    }
  }

  /** @throws `WALRUS_CORRUPT` */
  text(): string {
    const end = this.number() + this.#at
    if (end > this.#bytes.length) throw corruptState('ends early')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    try {
      return decoder.decode(bytes)
    } catch {
      throw corruptState('has a name that is not UTF-8')
    }
  }
}
