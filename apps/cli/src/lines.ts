/**
 * A stream of bytes cut into entries at a delimiter.
 *
 * Bytes are never decoded. A line is handed out as a view of the chunk it came in; only one that spans chunks is
 * copied. What follows the last delimiter is a line too, unless it is empty. Memory is bounded by one chunk and
 * one and a half times the longest line allowed.
 */
import { WalrusError } from '@walrus/codec'

export class LineSplitter {
  readonly #delimiter: Buffer
  readonly #maxLineBytes: number
  /** The line that has begun in earlier chunks; it contains no whole delimiter. */
  readonly #begun: Accumulator
  #lines = 0
  /** Byte offset in the stream of the first line that is not complete. */
  #offset = 0

  constructor(delimiter: Buffer, maxLineBytes: number) {
    this.#delimiter = delimiter
    this.#maxLineBytes = maxLineBytes
    this.#begun = new Accumulator(maxLineBytes + delimiter.length)
  }

  /** Lines completed so far. */
  get lines(): number {
    return this.#lines
  }

  /** Bytes read of a line that is not complete yet. */
  get begunBytes(): number {
    return this.#begun.length
  }

  /**
   * Adds the lines that `chunk` completes to `into`.
   * @throws `WALRUS_ENTRY_TOO_LARGE` at a line over the limit; the lines before it are in `into`.
   */
  push(chunk: Buffer, into: Buffer[]): void {
    const size = this.#delimiter.length
    let start = this.#begun.length > 0 ? this.#completeBegun(chunk, into) : 0
    // A one-byte search by number is several times faster than one by Buffer.
    const needle = size === 1 ? (this.#delimiter[0] as number) : this.#delimiter
    let end = chunk.indexOf(needle, start)
    while (end >= 0) {
      this.#take(chunk.subarray(start, end), into)
      start = end + size
      end = chunk.indexOf(needle, start)
    }
    if (start < chunk.length) this.#begin(chunk.subarray(start))
  }

  /** The last line, when the stream did not end with a delimiter. */
  end(into: Buffer[]): void {
    if (this.#begun.length > 0) this.#take(this.#begun.take(), into)
  }

  /** Ends the begun line when `chunk` can, else adds to it; returns where the unread part of `chunk` starts. */
  #completeBegun(chunk: Buffer, into: Buffer[]): number {
    const size = this.#delimiter.length
    const tail = this.#begun.tail(size - 1)
    const across = Buffer.concat([tail, chunk.subarray(0, size - 1)]).indexOf(this.#delimiter)
    if (across >= 0) {
      const line = this.#begun.take()
      this.#take(line.subarray(0, line.length - (tail.length - across)), into)
      return across + size - tail.length
    }
    const end = chunk.indexOf(this.#delimiter)
    this.#begin(chunk.subarray(0, end < 0 ? chunk.length : end))
    if (end < 0) return chunk.length
    this.#take(this.#begun.take(), into)
    return end + size
  }

  #begin(part: Buffer): void {
    // A delimiter that spans the border may still take some bytes off the end of what has begun.
    this.#check(this.#begun.length + part.length - (this.#delimiter.length - 1))
    this.#begun.push(part)
  }

  #take(line: Buffer, into: Buffer[]): void {
    this.#check(line.length)
    into.push(line)
    this.#lines++
    this.#offset += line.length + this.#delimiter.length
  }

  #check(lineBytes: number): void {
    if (lineBytes <= this.#maxLineBytes) return
    throw new WalrusError(
      'WALRUS_ENTRY_TOO_LARGE',
      `line ${this.#lines + 1} of the input, which starts at byte ${this.#offset}, is longer than an entry may be (${this.#maxLineBytes} bytes)`,
      { offset: this.#offset },
    )
  }
}

/** Bytes that arrive in pieces and are wanted as one; the copying stays in proportion to their number. */
export class Accumulator {
  readonly #mostBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0

  /** @param mostBytes no room is made beyond these, which the caller does not exceed */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  get length(): number {
    return this.#length
  }

  push(part: Buffer): void {
    const needed = this.#length + part.length
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(2 * this.#bytes.length, this.#mostBytes)),
      )
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(part, this.#length)
    this.#length = needed
  }

  /** The last `length` bytes, or all where there are fewer; valid until the next call. */
  tail(length: number): Buffer {
    return this.#bytes.subarray(Math.max(0, this.#length - length), this.#length)
  }

  /** All bytes, which now belong to the caller; the next piece starts anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = Buffer.alloc(0)
    this.#length = 0
    return taken
  }
}
