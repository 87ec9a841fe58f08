/** A file of the faulty storage: every call goes by it, and to the power model. */

import type { StorageFile } from '@walrus/segment'
import type { Inode, PowerModel } from './power-model.ts'

/** The calls that change a disk, and those that only look. */
export type Kind =
  | 'create'
  | 'write'
  | 'durable write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'mkdir'
  | 'sync directory'
  | 'open'
  | 'read'
  | 'size'
  | 'list'

/** Where every call goes by. */
export interface Calls {
  readonly model: PowerModel | undefined
  /** Does a call at once; `partly` is what is left of it when it fails in the middle. */
  immediately<T>(kind: Kind, path: string, act: () => T, partly?: (share: number) => void): T
  /** Does a call when its turn comes. */
  later<T>(kind: Kind, path: string, act: () => T, partly?: (share: number) => void): Promise<T>
}

export class FaultyFile implements StorageFile {
  readonly #storage: Calls
  readonly #file: StorageFile
  readonly #inode: Inode | undefined
  #inFlight = 0
  #whenIdle: (() => void)[] = []

  constructor(storage: Calls, file: StorageFile, inode: Inode | undefined) {
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
