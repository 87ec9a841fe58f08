/**
 * Memory that writes go through: the disk takes it as it is, and it stays as it is while a write is under way,
 * whatever becomes of the caller's.
 */

import { allocate } from '@walrus/io_uring-node'

/** The longest write that is staged, in bytes; the copy costs a few percent of the write. */
export const STAGED_BYTES = 0x10_0000

/** Buffers kept for the next write. More are made when more writes are under way at once. */
const KEPT = 4

export class Staging {
  readonly #free: Uint8Array[] = []

  /** A copy of `from`; give it back when nothing uses it any more. */
  take(from: Uint8Array): Uint8Array {
    const buffer = this.#free.pop() ?? allocate(STAGED_BYTES)
    buffer.set(from)
    return buffer
  }

  give(buffer: Uint8Array): void {
    if (this.#free.length < KEPT) this.#free.push(buffer)
  }
}
