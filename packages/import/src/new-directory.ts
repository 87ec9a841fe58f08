/**
 * A directory that is there as a whole or not at all: its files are written beside it, synced, and the last step is a
 * rename. What a run that was stopped left is removed by the next one.
 */

import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { WalrusError } from '@walrus/codec'

/** Bytes that are written at once, about. */
const BLOCK_BYTES = 0x10_0000

export class NewDirectory {
  readonly #dir: string
  readonly #partial: string
  #file: FileHandle | undefined
  #blocks: Uint8Array[] = []
  #waiting = 0
  /** Bytes of the file that is being written. */
  size = 0

  private constructor(dir: string) {
    this.#dir = dir
    this.#partial = `${dir}.partial`
  }

  /** @throws `WALRUS_NOT_EMPTY` when there is something in it already; `WALRUS_IO` */
  static async begin(path: string): Promise<NewDirectory> {
    const made = new NewDirectory(resolve(path))
    await doing(path, async () => {
      const names = await readdir(path).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      })
      if (names.length > 0) {
        const message = `${path} is not empty: choose a directory that does not exist yet`
        throw new WalrusError('WALRUS_NOT_EMPTY', message, { file: path })
      }
      await rm(made.#partial, { recursive: true, force: true })
      await mkdir(made.#partial, { recursive: true })
    })
    return made
  }

  /** Begins a file, behind the one before. */
  async file(name: string): Promise<void> {
    await this.#endFile()
    const path = join(this.#partial, name)
    await doing(path, async () => {
      this.#file = await open(path, 'wx', 0o640)
    })
    this.size = 0
  }

  /** Adds to the file. The bytes must stay as they are; to be awaited, so that memory stays bounded. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#blocks.push(bytes)
    this.#waiting += bytes.length
    this.size += bytes.length
    if (this.#waiting >= BLOCK_BYTES) await this.#flush()
  }

  /** Ends the last file, and gives the directory its name. */
  async end(): Promise<void> {
    await this.#endFile()
    await doing(this.#dir, async () => {
      await syncDirectory(this.#partial)
      // An empty one may be there already.
      await rename(this.#partial, this.#dir)
      await syncDirectory(dirname(this.#dir))
    })
  }

  /** Leaves nothing of it. */
  async abandon(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    await rm(this.#partial, { recursive: true, force: true })
  }

  async #endFile(): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    await this.#flush()
    await doing(this.#partial, async () => {
      await file.sync()
      await file.close()
    })
    this.#file = undefined
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#blocks.splice(0))
    this.#waiting = 0
    await doing(this.#partial, async () => {
      for (let at = 0; at < bytes.length; ) {
        at += (await this.#file!.write(bytes, at, bytes.length - at)).bytesWritten
      }
    })
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot, and need not.
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function doing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    if (cause instanceof WalrusError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    const kind = code === 'ENOSPC' ? 'WALRUS_DISK_FULL' : 'WALRUS_IO'
    throw new WalrusError(kind, `${path} cannot be written: ${message}`, { cause, file: path })
  }
}
