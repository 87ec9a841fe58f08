/**
 * Standard output for data: large writes, back-pressure, and a reader that may leave.
 *
 * A reader that closes its end (`| head`) has seen enough: {@link Output.closed} turns true and nothing more is
 * written, which is not an error. Any other failure to write is one.
 */
import { fstatSync, writeSync } from 'node:fs'
import { WalrusError } from '@walrus/codec'

const BLOCK_BYTES = 256 * 1024

export class Output {
  /** Whether a person looks at it: what is printed must then be escaped. */
  readonly isTerminal: boolean = process.stdout.isTTY === true
  /** Whether it goes into a regular file. */
  readonly isFile: boolean = fstatSync(process.stdout.fd).isFile()
  readonly #ended: () => void
  /** Full blocks to be written, then those bytes of `#block` from `#start` to `#used`. Written bytes never change. */
  #pending: Buffer[] = []
  #block: Buffer = Buffer.alloc(0)
  #start = 0
  #used = 0
  #writing: Promise<void> = Promise.resolve()
  #soon = false
  #closed = false
  #written = 0

  /** @param ended is called when nothing more can be written: the reader has gone, or writing failed */
  constructor(ended: () => void) {
    this.#ended = ended
    // A failed write is seen by its own callback; without a listener the event would end the process.
    process.stdout.on('error', () => {})
  }

  /** Whether the reader has gone. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether so much has been put that it should be flushed before more is. */
  get full(): boolean {
    return this.#pending.length > 0
  }

  /** Bytes written so far. */
  get written(): number {
    return this.#written
  }

  /** Copies `bytes` to be written by the next {@link flush}. */
  put(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#block.set(bytes, this.#used)
    this.#used += bytes.length
  }

  /** The same for text, as UTF-8. */
  putText(text: string): void {
    this.#reserve(text.length * 3)
    this.#used += this.#block.write(text, this.#used)
  }

  /** Writes what was put; resolves once it is taken. What is put meanwhile is for the next flush. */
  flush(): Promise<void> {
    this.#cut()
    const blocks = this.#pending
    this.#pending = []
    this.#writing = this.#writing.then(() => this.#writeAll(blocks))
    return this.#writing
  }

  /** Flushes when the work of this turn of the event loop is done. A failure comes out of the next {@link flush}. */
  flushSoon(): void {
    if (this.#soon) return
    this.#soon = true
    setImmediate(() => {
      this.#soon = false
      this.flush().catch(this.#ended)
    })
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#block.length) return
    this.#cut()
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes))
    this.#start = 0
    this.#used = 0
  }

  #cut(): void {
    if (this.#used > this.#start) this.#pending.push(this.#block.subarray(this.#start, this.#used))
    this.#start = this.#used
  }

  async #writeAll(blocks: readonly Buffer[]): Promise<void> {
    for (const block of blocks) {
      if (this.#closed) return
      try {
        if (this.isFile) writeToFile(process.stdout.fd, block)
        else await writeToStream(process.stdout, block)
        this.#written += block.length
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        this.#closed = code === 'EPIPE'
        this.#ended()
        if (this.#closed) return
        throw new WalrusError('WALRUS_IO', `cannot write to standard output: ${message}`, {
          cause: error,
        })
      }
    }
  }
}

/** A disk that fills up takes a part of a write and refuses the next one; Node's own stream would miss that. */
function writeToFile(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

function writeToStream(stream: NodeJS.WriteStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

/** Prints `text`, which must be safe for a terminal, and waits until it is taken. */
export async function print(text: string): Promise<void> {
  const output = new Output(() => {})
  output.putText(text)
  await output.flush()
}
