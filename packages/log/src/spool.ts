/**
 * The entries of a batch or transaction: in memory, and beyond a bound in a file of its own (docs/format.md, "Commits
 * over several groups").
 *
 * The file is written and read by this process alone, in blocks of whole entries, each of which is checked when it
 * is read back. Invariant: an entry that cannot be kept leaves what was there as it was.
 */

import { crc32 } from '@walrus/codec'
import type { Storage, StorageFile } from '@walrus/segment'
import { type EntryFormat, entryRoom } from './entry-format.ts'
import type { NewEntry } from './new-entry.ts'
import { declarationBytes, type StreamState } from './catalog.ts'
import { corrupt } from './errors.ts'
import { type Operation, tried } from './operation.ts'

/** An entry, and where it goes. */
export interface StreamEntry extends NewEntry {
  readonly stream: StreamState
}

/** What waits in memory once there is a file, before it is written; also about the size of a block. */
const BLOCK_BYTES = 0x10_0000
/** What stands before an entry in the file: stream, flags, length of the attributes, length of the data. */
const RECORD_BYTES = 16

/** Entries in the file, encoded. */
interface Block {
  readonly at: number
  readonly length: number
  readonly check: number
}

/** Where a spool's file is to be, and when there is to be one. */
export interface SpoolPlace {
  readonly storage: Storage
  readonly path: () => string
  /** Bytes of frames that are kept in memory. */
  readonly memoryBytes: number
}

export class Spool {
  /** Bytes of frames that the entries take. */
  frames = 0
  count = 0
  /** The streams there are entries for, and their numbers in the file. */
  readonly streams: Map<StreamState, number> = new Map()
  readonly #format: EntryFormat
  readonly #place: SpoolPlace | undefined
  #inMemory: StreamEntry[] = []
  #memoryFrames = 0
  #file: StorageFile | undefined
  readonly #blocks: Block[] = []
  #end = 0

  /** @param place none for one that stays in memory */
  constructor(format: EntryFormat, place?: SpoolPlace) {
    this.#format = format
    this.#place = place
  }

  /** Whether there is a file. */
  get spilled(): boolean {
    return this.#file !== undefined
  }

  /** Blocks of entries in the file. */
  get blocks(): number {
    return this.#blocks.length
  }

  /** The entries behind those in the file. */
  get inMemory(): readonly StreamEntry[] {
    return this.#inMemory
  }

  /**
   * Keeps an entry, whose bytes are the spool's from now on.
   * @throws `WALRUS_DISK_FULL`, `WALRUS_IO`, `WALRUS_PERMISSION_DENIED`: it was not kept
   */
  add(entry: StreamEntry): void {
    const { stream } = entry
    const bytes = entryRoom(entry, this.#format)
    if (this.#place !== undefined) {
      const { memoryBytes } = this.#place
      const most = this.blocks > 0 ? Math.min(BLOCK_BYTES, memoryBytes) : memoryBytes
      if (this.#memoryFrames + bytes > most) this.#spill(this.#place)
    }
    if (!this.streams.has(stream)) {
      this.streams.set(stream, this.streams.size)
      if (!stream.declared) this.#memoryFrames += declarationBytes(stream)
    }
    this.#inMemory.push(entry)
    this.#memoryFrames += bytes
    this.frames += bytes
    this.count++
  }

  /** Reads a block of entries back. */
  *load(number: number): Generator<Operation, StreamEntry[], void> {
    const { at, length, check } = this.#blocks[number]!
    const file = this.#file!
    let bytes = Buffer.alloc(0)
    yield* tried({
      start: async () => {
        // Its own buffer: should somebody not wait for this, it comes too late to be in the way.
        const into = Buffer.allocUnsafeSlow(length)
        await file.read(into, at)
        bytes = into
      },
      now: () => {
        bytes = Buffer.allocUnsafeSlow(length)
        file.readSync(bytes, at)
      },
    })
    if (crc32(bytes) !== check) {
      throw corrupt(file.path, at, 'what a transaction put there does not read as it was written')
    }
    return decodeBlock(bytes, [...this.streams.keys()])
  }

  /** Forgets everything; removes the file if there is one. */
  async discard(): Promise<void> {
    this.#inMemory = []
    this.#blocks.length = 0
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    await file.close()
    await this.#place!.storage.remove(file.path)
  }

  /** Writes what is in memory to the file. */
  #spill({ storage, path }: SpoolPlace): void {
    this.#file ??= storage.openSync(path(), 'create')
    const blocks: Block[] = []
    let end = this.#end
    for (const entries of inBlocks(this.#inMemory)) {
      const bytes = encodeBlock(entries, this.streams)
      this.#file.writeSync(bytes, end, false)
      blocks.push({ at: end, length: bytes.length, check: crc32(bytes) })
      end += bytes.length
    }
    this.#blocks.push(...blocks)
    this.#end = end
    this.#inMemory = []
    this.#memoryFrames = 0
  }
}

/** Entries shared out in blocks of about `BLOCK_BYTES`. */
function* inBlocks(entries: readonly StreamEntry[]): Generator<StreamEntry[], void, void> {
  let block: StreamEntry[] = []
  let length = 0
  for (const entry of entries) {
    if (length > 0 && length + recordBytes(entry) > BLOCK_BYTES) {
      yield block
      block = []
      length = 0
    }
    block.push(entry)
    length += recordBytes(entry)
  }
  if (block.length > 0) yield block
}

function recordBytes({ bytes, attributes }: StreamEntry): number {
  return RECORD_BYTES + bytes.length + (attributes?.bytes.length ?? 0)
}

function encodeBlock(
  entries: readonly StreamEntry[],
  numbers: ReadonlyMap<StreamState, number>,
): Buffer {
  const length = entries.reduce((sum, entry) => sum + recordBytes(entry), 0)
  const block = Buffer.allocUnsafe(length)
  let at = 0
  for (const { stream, bytes, attributes } of entries) {
    const given = attributes?.bytes.length ?? 0
    block.writeUInt32LE(numbers.get(stream)!, at)
    block.writeUInt32LE(attributes?.flags ?? 0, at + 4)
    block.writeUInt32LE(given, at + 8)
    block.writeUInt32LE(bytes.length, at + 12)
    if (attributes !== undefined) block.set(attributes.bytes, at + RECORD_BYTES)
    block.set(bytes, at + RECORD_BYTES + given)
    at += RECORD_BYTES + given + bytes.length
  }
  return block
}

function decodeBlock(block: Buffer, streams: readonly StreamState[]): StreamEntry[] {
  const entries: StreamEntry[] = []
  for (let at = 0; at < block.length; ) {
    const flags = block.readUInt32LE(at + 4)
    const data = at + RECORD_BYTES + block.readUInt32LE(at + 8)
    const end = data + block.readUInt32LE(at + 12)
    entries.push({
      stream: streams[block.readUInt32LE(at)]!,
      bytes: block.subarray(data, end),
      attributes:
        flags === 0 ? undefined : { flags, bytes: block.subarray(at + RECORD_BYTES, data) },
    })
    at = end
  }
  return entries
}
