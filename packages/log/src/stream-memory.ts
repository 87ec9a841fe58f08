/**
 * What reading has found out about named streams, so that it need not be looked for again.
 *
 * The plain log's indexes are found by the segments' headers; a named stream may be in any segment or in none of a
 * thousand. Reading on goes on from the segment where the last entry was found, and the end is looked for only in
 * segments that were not looked at before. Both may be forgotten at any time. Invariant: what is remembered concerns
 * segments that are visible as a whole, which never change, and whose numbers are never given again.
 */

interface Memory {
  /** Number of the segment where an entry was found last; 0 before that. */
  found: number
  /** The position after the stream's last one in all segments up to this number. */
  next: number
  upTo: number
}

export class StreamMemory {
  readonly #streams = new Map<number, Memory>()

  /** The segment where an entry of the stream was found last. */
  lastFound(stream: number): number {
    return this.#streams.get(stream)?.found ?? 0
  }

  found(stream: number, segment: number): void {
    this.#of(stream).found = segment
  }

  /** The stream's end in the segments up to `segment`, if that is known. */
  next(stream: number, segment: number): number | undefined {
    const memory = this.#streams.get(stream)
    return memory !== undefined && segment <= memory.upTo ? memory.next : undefined
  }

  ends(stream: number, upTo: number, next: number): void {
    const memory = this.#of(stream)
    memory.upTo = upTo
    memory.next = next
  }

  #of(stream: number): Memory {
    let memory = this.#streams.get(stream)
    if (memory === undefined) {
      memory = { found: 0, next: 0, upTo: 0 }
      this.#streams.set(stream, memory)
    }
    return memory
  }
}
