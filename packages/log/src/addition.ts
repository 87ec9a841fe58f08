/**
 * Entries on their way into the log: one, or several that go in together.
 *
 * Their bytes are the caller's until they are sequenced. Where that has to wait they are copied (`keep`), so that
 * the caller may use its buffers again as soon as its call returns.
 */

import type { StreamState } from './catalog.ts'
import type { Commit } from './commit.ts'
import { type EntryFormat, entryRoom } from './entry-format.ts'
import type { NewEntry } from './new-entry.ts'
import type { Sequencer } from './sequencer.ts'

/** Entries of one stream; nothing else is asked of them. */
export class Addition implements Commit {
  readonly empty = false
  readonly outcome = undefined
  readonly large = undefined
  readonly alone = false
  readonly #stream: StreamState
  #entries: readonly NewEntry[]
  /** Bytes of its frames, at most. */
  readonly frames: number

  /** @param entries at least one */
  constructor(stream: StreamState, entries: readonly NewEntry[], format: EntryFormat) {
    this.#stream = stream
    this.#entries = entries
    let frames = 0
    for (const entry of entries) frames += entryRoom(entry, format)
    this.frames = frames
  }

  /** Bytes it needs in one group. */
  room(sequencer: Sequencer): number {
    return sequencer.room(this.#stream, this.frames)
  }

  refusal(): undefined {}

  /** Sequences all of it; the position of the first entry. There must be room. */
  add(sequencer: Sequencer): number {
    const first = this.#stream.next
    for (const { bytes, attributes } of this.#entries) {
      sequencer.add(this.#stream, bytes, attributes)
    }
    return first
  }

  get entries(): number {
    return this.#entries.length
  }

  keep(): void {
    this.#entries = this.#entries.map(({ bytes, attributes }) => ({
      bytes: new Uint8Array(bytes),
      attributes,
    }))
  }
}
