/**
 * A file of an earlier system, read from front to back in bounded memory. Nothing is ever written to it.
 *
 * What is read lies in one window, which grows only to what is asked for at once, and never beyond the file's size: no
 * length found in a file is allocated by.
 */

import { type FileHandle, open } from 'node:fs/promises'
import { WalrusError } from '@walrus/codec'

/** How much is read at once, in bytes. */
const WINDOW_BYTES = 0x10_0000

export class SourceFile implements AsyncDisposable {
  readonly path: string
  /** Its size when it was opened, in bytes. */
  readonly size: number
  readonly #handle: FileHandle
  #window: Uint8Array = new Uint8Array(0)
  #from = 0
  #filled = 0

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path
    this.#handle = handle
    this.size = size
  }

  /**
   * @throws `WALRUS_NOT_A_FILE` for a directory, a pipe or a device; `WALRUS_IO` when it cannot be opened
   */
  static async open(path: string): Promise<SourceFile> {
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'r')
      const stat = await handle.stat()
      if (!stat.isFile()) {
        throw new WalrusError('WALRUS_NOT_A_FILE', `${path} is no regular file`, { file: path })
      }
      return new SourceFile(path, handle, stat.size)
    } catch (error) {
      await handle?.close()
      throw error instanceof WalrusError ? error : unreadable(path, error)
    }
  }

  /** As `bytes`, when all of them have been read already. */
  here(at: number, length: number): Uint8Array | undefined {
    if (at < this.#from || at + length > this.#from + this.#filled) return undefined
    return this.#window.subarray(at - this.#from, at + length - this.#from)
  }

  /**
   * The bytes from `at` on, `length` of them, or fewer where the file ends. They are valid until the next call.
   * @throws `WALRUS_IO`
   */
  async bytes(at: number, length: number): Promise<Uint8Array> {
    const end = Math.min(at + length, this.size)
    if (at >= end) return new Uint8Array(0)
    if (at < this.#from || end > this.#from + this.#filled) await this.#fill(at, end)
    return this.#window.subarray(at - this.#from, end - this.#from)
  }

  /**
   * Refuses a file that somebody wrote to since it was opened: what was read of it may be neither old nor new.
   * @throws `WALRUS_SOURCE_CHANGED`, `WALRUS_IO`
   */
  async checkUnchanged(): Promise<void> {
    const { size } = await this.#handle.stat().catch((error: unknown) => {
      throw unreadable(this.path, error)
    })
    if (size === this.size) return
    throw new WalrusError(
      'WALRUS_SOURCE_CHANGED',
      `${this.path} had ${this.size} bytes and has ${size} now: stop what writes to it, then start again`,
      { file: this.path },
    )
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #fill(at: number, end: number): Promise<void> {
    const wanted = Math.min(Math.max(end - at, WINDOW_BYTES), this.size - at)
    // What was handed out before is not valid any more, so the same memory serves, unless it is far too large now.
    if (this.#window.length < wanted || this.#window.length > 4 * Math.max(wanted, WINDOW_BYTES)) {
      this.#window = new Uint8Array(wanted)
    }
    this.#from = at
    this.#filled = 0
    while (this.#filled < wanted) {
      const read = await this.#read(at + this.#filled, wanted - this.#filled)
      // Somebody cut it short: what is missing does not read as whole, and `checkUnchanged` says why.
      if (read === 0) break
      this.#filled += read
    }
    if (this.#filled < end - at) await this.checkUnchanged()
  }

  async #read(at: number, length: number): Promise<number> {
    try {
      return (await this.#handle.read(this.#window, this.#filled, length, at)).bytesRead
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }
}

export function unreadable(path: string, cause: unknown): WalrusError {
  const { code, message } = cause as NodeJS.ErrnoException
  const why = code === 'ELOOP' ? 'its symbolic links lead in a circle' : message
  return new WalrusError('WALRUS_IO', `${path} cannot be read: ${why}`, { cause, file: path })
}
