/**
 * The text that goes in, as lines with byte offsets. It is read in pieces, however long it is.
 */
import { type FileHandle, open } from 'node:fs/promises'

const NEWLINE = 0x0a
const PIECE_BYTES = 1 << 20

export class Input {
  readonly path: string
  readonly #file: FileHandle
  /** Bytes of the text, counting the newline its last line may lack. */
  readonly bytes: number
  readonly lines: number
  readonly #fileBytes: number

  private constructor(
    path: string,
    file: FileHandle,
    fileBytes: number,
    lines: number,
    complete: boolean,
  ) {
    this.path = path
    this.#file = file
    this.#fileBytes = fileBytes
    this.bytes = complete ? fileBytes : fileBytes + 1
    this.lines = complete ? lines : lines + 1
  }

  static async open(path: string): Promise<Input> {
    const file = await open(path, 'r')
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    let bytes = 0
    let lines = 0
    let last = NEWLINE
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length, bytes)
      if (bytesRead === 0) break
      bytes += bytesRead
      lines += countNewlines(piece.subarray(0, bytesRead))
      last = piece[bytesRead - 1] as number
    }
    return new Input(path, file, bytes, lines, last === NEWLINE)
  }

  /** The bytes from `offset`, as many as fit into `into` and there are; a last newline that is missing is added. */
  async read(into: Buffer, offset: number): Promise<Buffer> {
    let filled = 0
    while (filled < into.length && offset + filled < this.#fileBytes) {
      const { bytesRead } = await this.#file.read(
        into,
        filled,
        into.length - filled,
        offset + filled,
      )
      if (bytesRead === 0) throw new Error(`${this.path} became shorter while it was read`)
      filled += bytesRead
    }
    if (
      filled < into.length &&
      offset + filled === this.#fileBytes &&
      this.bytes > this.#fileBytes
    ) {
      into[filled++] = NEWLINE
    }
    return into.subarray(0, filled)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

export function countNewlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}
