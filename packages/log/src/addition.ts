/**
 * Entries on their way into the log: one, or several that go in together.
 *
 * Their bytes are the caller's until they are sequenced. Where that has to wait they are copied (`keep`), so that
 * the caller may use its buffers again as soon as its call returns.
 */

import { type EncodedAttributes, frameBytes } from '@walrus/segment'
import type { StreamState } from './catalog.ts'
import type { Sequencer } from './sequencer.ts'

export interface NewEntry {
  readonly bytes: Uint8Array
  readonly attributes: EncodedAttributes | undefined
}

/** Something that is sequenced as a whole, in one group. */
export interface SequencedChange {
  /** Bytes it needs in one group. */
  room(sequencer: Sequencer): number
  /** Sequences all of it; the value its caller gets. There must be room. */
  add(sequencer: Sequencer): number
  /** Copies what is the caller's: it has to wait. */
  keep(): void
}

export class Addition implements SequencedChange {
  readonly #stream: StreamState
  #entries: readonly NewEntry[]
  readonly #frames: number

  /** @param entries at least one */
  constructor(stream: StreamState, entries: readonly NewEntry[]) {
    this.#stream = stream
    this.#entries = entries
    let frames = 0
    for (const { bytes, attributes } of entries) {
      frames += frameBytes(bytes.length + (attributes?.bytes.length ?? 0))
    }
    this.#frames = frames
  }

  /** Bytes it needs in one group. */
  room(sequencer: Sequencer): number {
    return sequencer.room(this.#stream, this.#frames)
  }

  /** Sequences all of it; the position of the first entry. There must be room. */
  add(sequencer: Sequencer): number {
    const first = this.#stream.next
    for (const { bytes, attributes } of this.#entries) {
      sequencer.add(this.#stream, bytes, attributes)
    }
    return first
  }

  keep(): void {
    this.#entries = this.#entries.map(({ bytes, attributes }) => ({
      bytes: bytes.slice(),
      attributes,
    }))
  }
}
