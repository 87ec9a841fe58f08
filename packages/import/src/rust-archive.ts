/**
 * The two index files of the Rust topic log nubskr/walrus, each a map archived as it lay in memory: how far each
 * topic was read, and which topics are clean.
 *
 * The last 12 bytes lead to the entries: how many, and two offsets, each relative to its own field, of which the
 * second is theirs. An entry is 24 bytes; the name in it stands inline when it has up to 7 bytes, and else elsewhere
 * in the file. No checksum protects any of it, so what cannot be is refused.
 */

import { readFile } from 'node:fs/promises'
import { WalrusError } from '@walrus/codec'
import { unreadable } from './source-file.ts'

/** Where a topic was read up to. */
export interface RustCursor {
  /** Place of the block among those of the topic, from 0; `undefined` for the last one, which is still written to. */
  readonly block: number | undefined
  /** Byte in that block. */
  readonly offset: number
}

const TRAILER_BYTES = 12
const ENTRY_BYTES = 24
const INLINE_BYTES = 7
const UNSEALED = 1n << 63n

/** Bytes of a name where it stands in an entry or header. */
export const NAME_BYTES = 8

/**
 * How far each topic was read; empty when the file is missing.
 * @throws `WALRUS_CORRUPT`, `WALRUS_IO`
 */
export async function readCursors(path: string): Promise<Map<string, RustCursor>> {
  const archive = await Archive.read(path)
  return archive.map(16, (view, at) => {
    const block = view.getBigUint64(at, true)
    const isUnsealed = (block & UNSEALED) !== 0n
    const offset = Number(view.getBigUint64(at + 8, true))
    return { block: isUnsealed ? undefined : Number(block), offset }
  })
}

/**
 * The topics that were marked clean; none when the file is missing.
 * @throws `WALRUS_CORRUPT`, `WALRUS_IO`
 */
export async function readCleanMarks(path: string): Promise<Set<string>> {
  const archive = await Archive.read(path)
  const marks = archive.map(0, (view, at) => view.getUint8(at + 16) !== 0)
  return new Set([...marks].filter(([, isClean]) => isClean).map(([name]) => name))
}

/**
 * A name that stands at `at`, or that what stands there leads to.
 * @param from where the bytes begin in which it must lie
 * @returns `undefined` for what is no name
 */
export function readName(bytes: Uint8Array, at: number, from: number): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const last = bytes[at + INLINE_BYTES]!
  let start = at
  let length = last
  if (last > 0x7f) {
    length = view.getUint32(at, true)
    start = at + view.getInt32(at + 4, true)
  }
  const isInside = start >= from && (start === at ? length <= INLINE_BYTES : start + length <= at)
  if (!isInside) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(start, start + length),
    )
  } catch {
    return undefined
  }
}

class Archive {
  readonly #path: string
  readonly #bytes: Uint8Array

  private constructor(path: string, bytes: Uint8Array) {
    this.#path = path
    this.#bytes = bytes
  }

  static async read(path: string): Promise<Archive> {
    try {
      return new Archive(path, await readFile(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Archive(path, EMPTY)
      throw unreadable(path, error)
    }
  }

  /** Its entries, by the names that stand `nameAt` bytes into each. */
  map<T>(nameAt: number, read: (view: DataView, at: number) => T): Map<string, T> {
    const bytes = this.#bytes
    const entries = new Map<string, T>()
    if (bytes.length === 0) return entries
    const trailer = bytes.length - TRAILER_BYTES
    if (trailer < 0) throw this.#corrupt(0, 'ends early')
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const count = view.getUint32(trailer, true)
    const start = trailer + 8 + view.getInt32(trailer + 8, true)
    if (count > 0 && (start < 0 || start + count * ENTRY_BYTES > trailer)) {
      throw this.#corrupt(trailer, `says ${count} entries, which do not fit`)
    }
    for (let at = start; at < start + count * ENTRY_BYTES; at += ENTRY_BYTES) {
      const name = readName(bytes, at + nameAt, 0)
      if (name === undefined) throw this.#corrupt(at + nameAt, 'has a name that is none')
      if (entries.has(name)) throw this.#corrupt(at + nameAt, `names ${JSON.stringify(name)} twice`)
      entries.set(name, read(view, at))
    }
    return entries
  }

  #corrupt(offset: number, what: string): WalrusError {
    const message = `${this.#path} ${what} (byte ${offset})`
    return new WalrusError('WALRUS_CORRUPT', message, { file: this.#path, offset })
  }
}

const EMPTY = new Uint8Array(0)
