/**
 * A file whose durable writes and syncs are operations of io_uring.
 *
 * A durable write goes past the page cache, by a descriptor opened with O_DIRECT, when it begins and ends on sectors;
 * else, and where the file system has no such descriptors, through the page cache. Either way it is one operation that
 * ends when the bytes are on disk. One that is waited for without the event loop is a plain system call on the same
 * descriptor, which blocks with less ado than a ring. Everything else is as in the storages below: reads on maps, other
 * writes by descriptor.
 */

import { constants, openSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { WalrusError } from '@walrus/codec'
import type { Ring } from '@walrus/io_uring-node'
import { systemError } from '@walrus/segment'
import { MmapFile } from '@walrus/storage-mmap'
import { STAGED_BYTES, type Staging } from './staging.ts'

const writeAsync = promisify(write)

/** What files of one storage share; the ring and the memory they share with all of their thread. */
export interface Shared {
  readonly ring: Ring
  readonly staging: Staging
  /** Direct writes begin and end on multiples of this many bytes. */
  readonly align: number
}

export class UringFile extends MmapFile {
  readonly #shared: Shared
  /** For writes past the page cache; `undefined` where there can be none. */
  #direct: number | undefined
  #directTried = false

  constructor(path: string, fd: number, writable: boolean, shared: Shared) {
    super(path, fd, writable)
    this.#shared = shared
  }

  override async write(from: Uint8Array, at: number, durable: boolean): Promise<void> {
    const { staging } = this.#shared
    if (!durable || from.length > STAGED_BYTES) return await super.write(from, at, durable)
    this.checkWrite(at)
    if (from.length === 0) return
    const buffer = staging.take(from)
    this.enter()
    try {
      for (let done = 0; done < from.length; ) {
        const part = buffer.subarray(done, from.length)
        const fd = this.#directFor(at + done, part.length) ?? this.descriptor
        try {
          done += this.#progress(await this.#submit(fd, part, at + done))
        } catch (error) {
          this.#withoutDirect(error)
        }
      }
    } catch (error) {
      throw systemError(error, `write ${from.length} bytes`, this.path, at)
    } finally {
      staging.give(buffer)
      this.leave()
    }
  }

  override writeSync(from: Uint8Array, at: number, durable: boolean): void {
    this.checkWrite(at)
    const isStaged = durable && from.length <= STAGED_BYTES
    const direct = isStaged ? this.#directFor(at, from.length) : undefined
    if (direct === undefined) {
      super.writeSync(from, at, durable)
      return
    }
    const { staging } = this.#shared
    const buffer = staging.take(from)
    try {
      for (let done = 0; done < from.length; ) {
        done += this.#progress(writeSync(direct, buffer, done, from.length - done, at + done))
      }
    } catch (error) {
      if (!isRefusal(error)) throw systemError(error, `write ${from.length} bytes`, this.path, at)
      this.#direct = undefined
      super.writeSync(from, at, durable)
    } finally {
      staging.give(buffer)
    }
  }

  override async sync(): Promise<void> {
    this.enter()
    try {
      await this.#shared.ring.fsync(this.descriptor, { dataOnly: true })
    } catch (error) {
      throw systemError(error, 'sync', this.path)
    } finally {
      this.leave()
    }
  }

  /** Beyond what the ring takes at once, the thread pool does, on the same descriptor: never beside the page cache. */
  async #submit(fd: number, part: Uint8Array, at: number): Promise<number> {
    const { ring } = this.#shared
    if (ring.inFlight < ring.entries) return await ring.write(fd, part, at, { dsync: true })
    if (fd === this.descriptor) {
      await super.write(part, at, true)
      return part.length
    }
    const { bytesWritten } = await writeAsync(fd, part, 0, part.length, at)
    return bytesWritten
  }

  /** The descriptor past the page cache, when a write fits it and there is one. */
  #directFor(at: number, length: number): number | undefined {
    const { align } = this.#shared
    if (length === 0 || at % align !== 0 || length % align !== 0) return undefined
    if (!this.#directTried) {
      this.#directTried = true
      this.#direct = openDirect(this.descriptor)
      if (this.#direct !== undefined) this.own(this.#direct)
    }
    return this.#direct
  }

  /** Without this, a write that moves nothing and reports no error would be tried for ever. */
  #progress(written: number): number {
    if (written > 0) return written
    throw new WalrusError('WALRUS_IO', `the system wrote 0 bytes and gave no error: ${this.path}`, {
      file: this.path,
    })
  }

  /** Goes on without direct writes when that is what was refused. */
  #withoutDirect(error: unknown): void {
    if (!isRefusal(error) || this.#direct === undefined) throw error
    this.#direct = undefined
  }
}

/** A file system may refuse direct writes only when it is asked for one: then the page cache has to do. */
function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'EINVAL'
}

/** Opens a file again for writes past the page cache, each of which ends when it is on disk. */
function openDirect(fd: number): number | undefined {
  const { O_WRONLY, O_DIRECT, O_DSYNC } = constants
  try {
    // Through /proc, not by path: the file may have been renamed since it was opened.
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_DIRECT | O_DSYNC)
  } catch {
    // This file system has none (tmpfs before Linux 6.6), or no descriptor is left.
    return undefined
  }
}
