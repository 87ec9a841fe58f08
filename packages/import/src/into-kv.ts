/** The sets and deletes of a Go key-value store become those of a store of ours, in their order. */

import type { KvRecord } from '@walrus/codec'
import type { Kv } from '@walrus/kv'
import type { Batch } from '@walrus/log'
import type { Sink } from './copy.ts'

export class KvSink implements Sink<KvRecord> {
  readonly #kv: Kv<Uint8Array, Uint8Array, Uint8Array>

  constructor(kv: Kv<Uint8Array, Uint8Array, Uint8Array>) {
    this.#kv = kv
  }

  add(batch: Batch, record: KvRecord): number {
    const writes = this.#kv.in(batch)
    if (record.op === 'delete') {
      writes.delete(record.key)
      return record.key.length
    }
    writes.set(record.key, record.value)
    return record.key.length + record.value.length
  }

  async finish(): Promise<void> {}
}
