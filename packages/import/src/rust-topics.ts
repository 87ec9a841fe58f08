/**
 * The directory of one instance of the Rust topic log nubskr/walrus: topics, how far each was read, and clean marks.
 *
 * Its files are named by the time they were made. Each has 100 units; a block of one or more belongs to one topic, and
 * a topic's entries are those of its blocks in the order these stand. A unit that was never used may stand before
 * others that were.
 */

import { join } from 'node:path'
import type { Findings } from './findings.ts'
import { Fnv1a64 } from './fnv.ts'
import { readCleanMarks, readCursors, type RustCursor } from './rust-archive.ts'
import {
  ENTRY_HEADER_BYTES,
  isUnused,
  readEntryHeader,
  type RustEntryHeader,
  UNIT_BYTES,
} from './rust-entry.ts'
import type { NumberedFile, SourceDirectory } from './source-directory.ts'
import { SourceFile } from './source-file.ts'
import type { SourceEntry, SourcePlace } from './source.ts'

/** An entry of a topic. */
export interface TopicEntry {
  readonly topic: string
  readonly data: Uint8Array
}

/** What is known of a topic once all of its entries are read. */
export interface TopicState {
  readonly entries: number
  /** How many of them were consumed. */
  readonly consumed: number
  readonly clean: boolean
}

interface Block {
  readonly file: NumberedFile
  readonly start: number
  readonly end: number
  readonly topic: string
}

/** A topic while it is read. */
class Progress {
  readonly cursor: RustCursor | undefined
  blocks = 0
  entries = 0
  consumed = 0

  constructor(cursor: RustCursor | undefined) {
    this.cursor = cursor
  }

  /** Notes an entry that begins at a byte of its block. */
  add(offset: number, isLastBlock: boolean): void {
    this.entries++
    const { cursor, blocks } = this
    if (cursor === undefined) return
    const block = cursor.block ?? (isLastBlock ? blocks - 1 : Number.POSITIVE_INFINITY)
    if (blocks - 1 < block || (blocks - 1 === block && offset < cursor.offset)) this.consumed++
  }
}

export class RustTopics {
  readonly #source: SourceDirectory
  readonly #findings: Findings
  readonly #topics = new Map<string, Progress>()
  readonly #cursorsPath: string
  readonly #marksPath: string

  constructor(source: SourceDirectory, findings: Findings) {
    this.#source = source
    this.#findings = findings
    this.#cursorsPath = join(source.dir, 'read_offset_idx_index.db')
    this.#marksPath = join(source.dir, 'topic_clean_index.db')
  }

  /**
   * The entries, topic by topic as their blocks stand. All are read and checked; only those behind `from` are given.
   */
  async *entries(from: SourcePlace | undefined): AsyncGenerator<SourceEntry<TopicEntry>> {
    const cursors = await readCursors(this.#cursorsPath)
    for (const [topic, cursor] of cursors) this.#topics.set(topic, new Progress(cursor))
    const blocks = await this.#blocks()
    const lastOf = new Map(blocks.map((block) => [block.topic, block]))
    let file: SourceFile | undefined
    try {
      for (const block of blocks) {
        const { path, number } = block.file
        if (file?.path !== path) {
          await file?.checkUnchanged()
          await file?.close()
          file = await SourceFile.open(path)
        }
        const isLast = lastOf.get(block.topic) === block
        const topic = this.#topic(block.topic)
        topic.blocks++
        for await (const { at, data, next } of this.#entriesOf(file, block, isLast)) {
          topic.add(at - block.start, isLast)
          const isNew =
            from === undefined || number > from.file || (number === from.file && next > from.offset)
          if (isNew) {
            yield { record: { topic: block.topic, data }, place: { file: number, offset: next } }
          }
        }
      }
      await file?.checkUnchanged()
    } finally {
      await file?.close()
    }
    this.#checkCursors()
  }

  /** What became known of each topic; to be called when all entries were read. */
  async states(): Promise<Map<string, TopicState>> {
    const clean = await readCleanMarks(this.#marksPath)
    for (const topic of clean) this.#topic(topic)
    return new Map(
      [...this.#topics].map(([topic, { entries, consumed }]) => [
        topic,
        { entries, consumed, clean: clean.has(topic) },
      ]),
    )
  }

  #topic(name: string): Progress {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const topic = new Progress(undefined)
    this.#topics.set(name, topic)
    return topic
  }

  /** A cursor in a block that is not there cannot be honoured: its topic would be read from the wrong place. */
  #checkCursors(): void {
    for (const [topic, { cursor, blocks }] of this.#topics) {
      if (cursor?.block === undefined || cursor.block <= blocks) continue
      const what = `the cursor of topic ${JSON.stringify(topic)} is in block ${cursor.block} of ${blocks}`
      this.#findings.damaged(this.#cursorsPath, 0, 0, what)
    }
  }

  async #blocks(): Promise<Block[]> {
    const blocks: Block[] = []
    for (const file of this.#source.files) {
      await using opened = await SourceFile.open(file.path)
      for (let start = 0; start < opened.size; ) {
        const block = await this.#blockAt(opened, file, start)
        if (block !== undefined) blocks.push(block)
        start = block?.end ?? start + UNIT_BYTES
      }
    }
    return blocks
  }

  /** The block that begins with a unit; `undefined` when that is free, or cannot be read. */
  async #blockAt(
    opened: SourceFile,
    file: NumberedFile,
    start: number,
  ): Promise<Block | undefined> {
    const bytes = await opened.bytes(start, ENTRY_HEADER_BYTES)
    if (isUnused(bytes)) return undefined
    const header = readEntryHeader(bytes)
    if (header !== undefined) {
      const units = Math.ceil((ENTRY_HEADER_BYTES + header.length) / UNIT_BYTES)
      const end = start + units * UNIT_BYTES
      const topic = header.blockEnd === end ? await topicOf(opened, start, end) : undefined
      if (topic !== undefined) return { file, start, end, topic }
    }
    // The first header is damaged; any other one tells what the block is.
    const end = Math.min(start + UNIT_BYTES, opened.size)
    const isOurs = (each: RustEntryHeader): boolean => each.blockEnd === start + UNIT_BYTES
    const found = await this.#search(opened, start + 1, end, isOurs)
    if (found === undefined) {
      const what = 'a block begins with no header that can be read'
      this.#findings.damaged(opened.path, start, end - start, what)
      return undefined
    }
    return { file, start, end: found.header.blockEnd, topic: found.header.topic }
  }

  async *#entriesOf(
    file: SourceFile,
    block: Block,
    isLast: boolean,
  ): AsyncGenerator<{ at: number; next: number; data: Uint8Array }> {
    const fits = (header: RustEntryHeader): boolean =>
      header.topic === block.topic && header.blockEnd === block.end
    for (let at = block.start; at + ENTRY_HEADER_BYTES <= block.end; ) {
      const bytes = await file.bytes(at, ENTRY_HEADER_BYTES)
      const header = readEntryHeader(bytes)
      const isEnd = bytes.length > 0 && isUnused(bytes)
      if (header !== undefined && fits(header)) {
        const data = await payloadOf(file, at, header)
        if (data !== undefined) {
          const next = at + ENTRY_HEADER_BYTES + header.length
          yield { at, next, data }
          at = next
          continue
        }
      }
      const found = await this.#search(file, at + 1, Math.min(block.end, file.size), fits)
      const end = found?.at ?? block.end
      if (found === undefined && isEnd) return
      this.#notWhole(file, at, end, isLast && found === undefined && block.end <= file.size)
      at = end
    }
  }

  #notWhole(file: SourceFile, at: number, end: number, isTorn: boolean): void {
    const bytes = Math.min(end, file.size) - at
    if (isTorn) {
      this.#findings.torn(file.path, at, bytes, 'the last entry of its topic is not whole')
    } else if (end > file.size) {
      this.#findings.damaged(file.path, file.size, 0, 'the file was cut short inside of a block')
    } else {
      this.#findings.damaged(file.path, at, bytes, 'a damaged entry')
    }
  }

  /** The first whole entry between two bytes whose header fits. */
  async #search(
    file: SourceFile,
    from: number,
    end: number,
    fits: (header: RustEntryHeader) => boolean,
  ): Promise<{ at: number; header: RustEntryHeader } | undefined> {
    for (let start = from; start + ENTRY_HEADER_BYTES <= end; start += SEARCH_BYTES) {
      const length = Math.min(SEARCH_BYTES + ENTRY_HEADER_BYTES - 1, end - start)
      for (const { at, header } of headersIn(await file.bytes(start, length), fits)) {
        if ((await payloadOf(file, start + at, header)) !== undefined) {
          return { at: start + at, header }
        }
      }
    }
    return undefined
  }
}

/**
 * The topic of the block whose first header says where it ends; `undefined` when that header's word stands against
 * the next one's, and no third speaks for it.
 */
async function topicOf(file: SourceFile, start: number, end: number): Promise<string | undefined> {
  const topics: string[] = []
  for (let at = start; topics.length < 3 && at + ENTRY_HEADER_BYTES <= end; ) {
    const header = readEntryHeader(await file.bytes(at, ENTRY_HEADER_BYTES))
    if (header === undefined || header.blockEnd !== end) break
    topics.push(header.topic)
    at += ENTRY_HEADER_BYTES + header.length
  }
  const [first, ...others] = topics
  return others.length === 0 || others.includes(first!) ? first : undefined
}

/** Bytes that are looked through at once for a header. */
const SEARCH_BYTES = 0x1_0000

function headersIn(
  bytes: Uint8Array,
  fits: (header: RustEntryHeader) => boolean,
): { at: number; header: RustEntryHeader }[] {
  const found: { at: number; header: RustEntryHeader }[] = []
  for (let at = 0; at + ENTRY_HEADER_BYTES <= bytes.length; at++) {
    // The length of the metadata is below 256: its second byte is zero, and its first is not.
    if (bytes[at] === 0 || bytes[at + 1] !== 0) continue
    const header = readEntryHeader(bytes.subarray(at, at + ENTRY_HEADER_BYTES))
    if (header !== undefined && fits(header)) found.push({ at, header })
  }
  return found
}

/** The payload behind a header, if it is whole: bytes of their own. */
async function payloadOf(
  file: SourceFile,
  at: number,
  { length, blockEnd, high, low }: RustEntryHeader,
): Promise<Uint8Array | undefined> {
  const start = at + ENTRY_HEADER_BYTES
  if (start + length > Math.min(blockEnd, file.size)) return undefined
  const data = (await file.bytes(start, length)).slice()
  const hash = new Fnv1a64().add(data)
  return hash.high === high && hash.low === low ? data : undefined
}
