/**
 * A file on plain descriptors.
 *
 * A file opened for writing gets a second descriptor, with O_DSYNC, at its first durable write: a
 * durable write is then one trip through the thread pool instead of two (write, then sync). Where
 * the system offers no such descriptor, it is the two.
 *
 * Invariants:
 * - A descriptor is closed only when no call uses it: its number may be given to another file at
 *   once, and a late write would land there.
 * - A path is used only to open; afterwards the file may be renamed.
 */

import {
  close,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstat,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncate,
  ftruncateSync,
  openSync,
} from 'node:fs'
import { WalrusError } from '@walrus/codec'
import { readAll, readAllSync, writeAll, writeAllSync } from './fd-transfer.ts'
import type { StorageFile } from './storage.ts'
import { attemptSync, systemError } from './system-error.ts'

// On Darwin fdatasync leaves the data in the drive's cache; Node's fsync is F_FULLFSYNC there.
const syncData = process.platform === 'darwin' ? fsync : fdatasync
const syncDataSync = process.platform === 'darwin' ? fsyncSync : fdatasyncSync

/** Opens a file again so that every write is synced; `undefined` where the system cannot. */
function openForDurableWrites(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    // Through /proc, not by path: the file may have been renamed since it was opened.
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_DSYNC)
  } catch {
    // No /proc, or no descriptor left. Writing and then syncing keeps the same promise.
    return undefined
  }
}

/** What `fd()` opens; also the ground for storages that do some of it otherwise. */
export class FdFile implements StorageFile {
  path: string
  readonly #fd: number
  readonly #writable: boolean
  #durableFd: number | undefined
  #durableFdTried = false
  /** Closed with the file. */
  readonly #descriptors: number[]
  #inFlight = 0
  #closed = false
  #closing: Promise<void> | undefined
  /** Closes the descriptors; set while a close waits for the calls in flight. */
  #whenIdle: (() => void) | undefined

  /** Takes the descriptor over. */
  constructor(path: string, fd: number, writable: boolean) {
    this.path = path
    this.#fd = fd
    this.#descriptors = [fd]
    this.#writable = writable
  }

  /** The descriptor, for a storage that builds on this one. It must not be closed, nor used once the file is. */
  get descriptor(): number {
    this.checkOpen()
    return this.#fd
  }

  size(): Promise<number> {
    return this.#call<number>((settle) => {
      fstat(this.#fd, (error, stats) => settle(error, 'read the size', stats?.size))
    })
  }

  sizeSync(): number {
    this.checkOpen()
    return attemptSync('read the size', this.path, () => fstatSync(this.#fd).size)
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.checkOpen()
      this.#checkOffset('offset', at)
      if (into.length === 0) return resolve(0)
      this.#inFlight++
      readAll(this.#fd, this.path, into, at, (error, bytes) => {
        this.leave()
        if (error) reject(error)
        else resolve(bytes)
      })
    })
  }

  readSync(into: Uint8Array, at: number): number {
    this.checkOpen()
    this.#checkOffset('offset', at)
    return readAllSync(this.#fd, this.path, into, at)
  }

  write(from: Uint8Array, at: number, durable: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.checkWrite(at)
      if (from.length === 0) return resolve()
      const durableFd = durable ? this.#durable() : undefined
      const settle = (error: WalrusError | undefined): void => {
        this.leave()
        if (error) reject(error)
        else resolve()
      }
      this.#inFlight++
      writeAll(durableFd ?? this.#fd, this.path, from, at, (error) => {
        if (error || !durable || durableFd !== undefined) return settle(error)
        syncData(this.#fd, (failed) => {
          settle(failed ? systemError(failed, 'sync', this.path) : undefined)
        })
      })
    })
  }

  writeSync(from: Uint8Array, at: number, durable: boolean): void {
    this.checkWrite(at)
    if (from.length === 0) return
    const durableFd = durable ? this.#durable() : undefined
    writeAllSync(durableFd ?? this.#fd, this.path, from, at)
    if (durable && durableFd === undefined) this.syncSync()
  }

  sync(): Promise<void> {
    return this.#call<void>((settle) => {
      syncData(this.#fd, (error) => settle(error, 'sync'))
    })
  }

  syncSync(): void {
    this.checkOpen()
    attemptSync('sync', this.path, () => syncDataSync(this.#fd))
  }

  truncate(size: number): Promise<void> {
    return this.#call<void>((settle) => {
      this.#checkWritable()
      this.#checkOffset('size', size)
      ftruncate(this.#fd, size, (error) => settle(error, `set the size to ${size}`))
    })
  }

  truncateSync(size: number): void {
    this.#checkWritable()
    this.#checkOffset('size', size)
    attemptSync(`set the size to ${size}`, this.path, () => ftruncateSync(this.#fd, size))
  }

  view(_at: number, _length: number): Uint8Array | undefined {
    return undefined
  }

  close(): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#idle().then(() => this.#closeDescriptors())
    return this.#closing
  }

  /** With calls in flight, the descriptors are closed when the last one ends. */
  closeSync(): void {
    if (this.#closing) return
    if (this.#inFlight > 0) {
      // Should that fail, a later close() tells.
      this.close().catch(() => {})
      return
    }
    this.#closed = true
    this.#closing = Promise.resolve()
    for (const fd of this.#descriptors) attemptSync('close', this.path, () => closeSync(fd))
  }

  #idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle = resolve
    })
  }

  async #closeDescriptors(): Promise<void> {
    const closed = this.#descriptors.map(
      (fd) =>
        new Promise<void>((resolve, reject) => {
          close(fd, (error) => (error ? reject(systemError(error, 'close', this.path)) : resolve()))
        }),
    )
    await Promise.all(closed)
  }

  #durable(): number | undefined {
    if (!this.#durableFdTried) {
      this.#durableFdTried = true
      this.#durableFd = openForDurableWrites(this.#fd)
      if (this.#durableFd !== undefined) this.own(this.#durableFd)
    }
    return this.#durableFd
  }

  /** Takes over another descriptor of the file, to be closed with it. */
  protected own(descriptor: number): void {
    this.#descriptors.push(descriptor)
  }

  /** A call that uses a descriptor counts as in flight, from `enter` to `leave`. */
  protected enter(): void {
    this.checkOpen()
    this.#inFlight++
  }

  protected leave(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#whenIdle?.()
  }

  /** Runs one call of `node:fs` that counts as in flight until it settles. */
  #call<T>(
    run: (settle: (error: Error | null, doing: string, value?: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.checkOpen()
      run((error, doing, value) => {
        this.leave()
        if (error) reject(systemError(error, doing, this.path))
        else resolve(value as T)
      })
      this.#inFlight++
    })
  }

  protected checkOpen(): void {
    if (this.#closed) {
      throw new WalrusError('WALRUS_CLOSED', `the file is closed: ${this.path}`, {
        file: this.path,
      })
    }
  }

  /** Refuses a write that cannot be. */
  protected checkWrite(at: number): void {
    this.#checkWritable()
    this.#checkOffset('offset', at)
  }

  #checkWritable(): void {
    this.checkOpen()
    if (!this.#writable) {
      throw new WalrusError(
        'WALRUS_PERMISSION_DENIED',
        `the file was opened for reading only: ${this.path}`,
        { file: this.path },
      )
    }
  }

  /** `node:fs` takes a negative or missing position for "where the last call ended". */
  #checkOffset(name: string, at: number): void {
    if (!Number.isSafeInteger(at) || at < 0) {
      throw new WalrusError(
        'WALRUS_INVALID_OPTION',
        `${name} must be a whole number from 0 to 2^53 − 1, got ${at}: ${this.path}`,
        { file: this.path },
      )
    }
  }
}
