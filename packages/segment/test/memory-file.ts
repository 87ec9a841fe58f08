/** A file in memory that notes what is read of it. */

import type { StorageFile } from '../src/storage.ts'

export class MemoryFile implements StorageFile {
  readonly path = 'memory.seg'
  #bytes: Uint8Array
  /** Bytes asked for by each read. */
  readonly asked: number[] = []
  /** Is called before each read, with where it begins and how much it asks for. */
  beforeRead: (at: number, length: number) => void = () => {}

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get longestRead(): number {
    return Math.max(0, ...this.asked)
  }

  sizeSync(): number {
    return this.#bytes.length
  }

  readSync(into: Uint8Array, at: number): number {
    this.asked.push(into.length)
    this.beforeRead(at, into.length)
    const part = this.#bytes.subarray(at, at + into.length)
    into.set(part)
    return part.length
  }

  async size(): Promise<number> {
    return this.sizeSync()
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve))
    return this.readSync(into, at)
  }

  cut(size: number): void {
    this.#bytes = this.#bytes.subarray(0, size)
  }

  closed = false

  closeSync(): void {
    this.closed = true
  }

  async close(): Promise<void> {
    this.closeSync()
  }

  view(): undefined {
    return undefined
  }

  write(): never {
    throw new Error('nothing that reads a segment writes to it')
  }

  writeSync = this.write
  sync = this.write
  syncSync = this.write
  truncate = this.write
  truncateSync = this.write
}
