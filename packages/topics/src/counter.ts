/**
 * How many bytes of data the entries of a topic have.
 *
 * Appends are counted as they are acknowledged; what they came to is written down now and then. What was appended
 * after that, and before a crash, is counted by reading it, when somebody wants to know.
 */

import type { Stream } from '@walrus/log'

/** A position, and the bytes of data of all entries before it. */
export interface Counted {
  readonly position: number
  readonly bytes: number
}

export class Counter {
  readonly #stream: Stream
  /** Everything before is counted. */
  #base: Counted
  /** Where the entries begin that were appended while this was counting. */
  #from: number
  #entries = 0
  #bytes = 0
  #reading: Promise<void> | undefined

  /**
   * @param base what is known
   * @param from the position the next entry gets
   */
  constructor(stream: Stream, base: Counted, from: number) {
    this.#stream = stream
    this.#base = base
    this.#from = Math.max(from, base.position)
  }

  /** Entries were appended. */
  add(index: number, entries: number, bytes: number): void {
    if (index < this.#from) return
    this.#entries += entries
    this.#bytes += bytes
  }

  /** How far it has counted without a gap; `undefined` where it has to read before it knows. */
  get counted(): Counted | undefined {
    if (this.#base.position !== this.#from) return undefined
    return { position: this.#from + this.#entries, bytes: this.#base.bytes + this.#bytes }
  }

  /** What is before the front cannot be read any more, and need not be. */
  begins(front: Counted): void {
    if (front.position > this.#base.position && front.position <= this.#from) this.#base = front
  }

  /** Everything that was appended, counted. */
  async all(): Promise<Counted> {
    while (this.counted === undefined) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return this.counted
  }

  /** Counts anew from a position on: the topic was deleted. */
  begin(position: number): void {
    this.#base = { position, bytes: 0 }
    this.#from = position
    this.#entries = 0
    this.#bytes = 0
  }

  async #read(): Promise<void> {
    const { position, bytes } = this.#base
    const upTo = this.#from
    const read = await bytesBetween(this.#stream, position, upTo)
    if (this.#base.position === position) this.#base = { position: upTo, bytes: bytes + read }
  }
}

/** The bytes of data of the entries from one position to before another; what is gone counts nothing. */
export async function bytesBetween(stream: Stream, from: number, to: number): Promise<number> {
  let bytes = 0
  let at = from
  while (at < to) {
    const entries = await stream.read({ from: at })
    if (entries.length === 0) return bytes
    for (const { index, data } of entries) if (index < to) bytes += data.length
    at = entries.at(-1)!.index + 1
  }
  return bytes
}
