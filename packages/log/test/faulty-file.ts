/** A file of the faulty storage: every call goes by it, and to the power model. */

import type { StorageFile } from '@walrus/segment'
import type { FaultyStorage, Kind } from './faulty-storage.ts'
import type { Inode } from './power-model.ts'

export class FaultyFile implements StorageFile {
  readonly #storage: FaultyStorage
  readonly #file: StorageFile
  readonly #inode: Inode | undefined
  #inFlight = 0
  #whenIdle: (() => void)[] = []

  constructor(storage: FaultyStorage, file: StorageFile, inode: Inode | undefined) {
    this.#storage = storage
    this.#file = file
    this.#inode = inode
  }

  get path(): string {
    return this.#file.path
  }

  set path(path: string) {
    this.#file.path = path
  }

  size(): Promise<number> {
    return this.#later('size', () => this.#file.sizeSync())
  }

  sizeSync(): number {
    return this.#storage.immediately('size', this.path, () => this.#file.sizeSync())
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#later('read', () => this.#file.readSync(into, at))
  }

  readSync(into: Uint8Array, at: number): number {
    return this.#storage.immediately('read', this.path, () => this.#file.readSync(into, at))
  }

  write(from: Uint8Array, at: number, durable: boolean): Promise<void> {
    const [act, partly] = this.#writing(from, at, durable)
    return this.#later(durable ? 'durable write' : 'write', act, partly)
  }

  writeSync(from: Uint8Array, at: number, durable: boolean): void {
    const [act, partly] = this.#writing(from, at, durable)
    this.#storage.immediately(durable ? 'durable write' : 'write', this.path, act, partly)
  }

  sync(): Promise<void> {
    return this.#later('sync', () => this.#synced())
  }

  syncSync(): void {
    this.#storage.immediately('sync', this.path, () => this.#synced())
  }

  truncate(size: number): Promise<void> {
    return this.#later('truncate', () => this.#truncate(size))
  }

  truncateSync(size: number): void {
    this.#storage.immediately('truncate', this.path, () => this.#truncate(size))
  }

  view(): undefined {
    return undefined
  }

  async close(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    this.#file.closeSync()
  }

  closeSync(): void {
    if (this.#inFlight === 0) this.#file.closeSync()
    else this.#whenIdle.push(() => this.#file.closeSync())
  }

  #writing(from: Uint8Array, at: number, durable: boolean): [() => void, (share: number) => void] {
    const write = (bytes: Uint8Array, synced: boolean): void => {
      this.#file.writeSync(bytes, at, false)
      if (this.#inode !== undefined) this.#storage.model?.wrote(this.#inode, bytes, at, synced)
    }
    return [
      () => write(from, durable),
      (share) => write(from.subarray(0, Math.floor(share * 1.2 * from.length)), false),
    ]
  }

  #synced(): void {
    if (this.#inode !== undefined) this.#storage.model?.synced(this.#inode)
  }

  #truncate(size: number): void {
    this.#file.truncateSync(size)
    if (this.#inode !== undefined) this.#storage.model?.truncated(this.#inode, size)
  }

  async #later<T>(kind: Kind, act: () => T, partly?: (share: number) => void): Promise<T> {
    this.#inFlight++
    try {
      return await this.#storage.later(kind, this.path, act, partly)
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }
}
