/** The entries of a Go log become those of the plain log, with their indexes and all they carry. */

import { type DecodedEntry, WalrusError } from '@walrus/codec'
import type { Batch } from '@walrus/log'
import type { Sink } from './copy.ts'

const NO_BYTES = new Uint8Array(0)

export class PlainLogSink implements Sink<DecodedEntry> {
  #next: number

  /** @param next the index that the log gives next */
  constructor(next: number) {
    this.#next = next
  }

  add(batch: Batch, { index, term, timestamp, data, transactionId }: DecodedEntry): number {
    if (Number(index) !== this.#next) {
      const message = `entry ${index} would get index ${this.#next}: what is missing before it cannot be left out of one log; import what follows into another`
      throw new WalrusError('WALRUS_INDEX_GAP', message, { index })
    }
    this.#next++
    const bytes = data ?? NO_BYTES
    const id = transactionId === '' ? {} : { transactionId }
    batch.append(undefined, bytes, { term, timestamp, ...id })
    return bytes.length
  }

  async finish(): Promise<void> {}
}

/** The index of an entry, as the plain log has it. */
export function firstIndexOf({ index }: DecodedEntry): number {
  if (index >= 1n && index <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(index)
  const message = `entry ${index} cannot be imported: indexes go from 1 to 2^53 - 1`
  throw new WalrusError('WALRUS_INDEX_GAP', message, { index })
}
