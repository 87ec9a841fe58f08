/**
 * The directory of the Go log l00pss/walrus: entries in one order, in the binary or the JSON layout.
 *
 * Its files are `segment_` and a number; a frame is a length and an encoded entry (`@walrus/codec`).
 */

import {
  binaryCodec,
  type DecodedEntry,
  ENTRY_HEADER_SIZE,
  jsonCodec,
  LENGTH_PREFIX_SIZE,
} from '@walrus/codec'
import type { Findings } from './findings.ts'
import { type Framing, framesOf, startsWhole } from './framed-file.ts'
import type { NumberedFile, SourceDirectory } from './source-directory.ts'
import { SourceFile } from './source-file.ts'
import type { SourceEntry, SourcePlace } from './source.ts'

/** Where the length of the data stands in an entry of the binary layout, and its bytes without data and id. */
const DATA_LENGTH_AT = 24
const BINARY_FIXED = ENTRY_HEADER_SIZE
/** Bytes of the id that the Go log gives a transaction: `tx_` and 32 digits. */
const TRANSACTION_ID_BYTES = 35

/** How every entry in the JSON layout begins. */
const JSON_START = Buffer.from('{"index":')

/** Bytes that tell the layout, and a frame's size: fewer than the smallest frame of each. */
const HEAD = LENGTH_PREFIX_SIZE + DATA_LENGTH_AT + 4

const ENTRY = { name: 'entry', head: HEAD }

/**
 * The entries of the log, in order.
 * @param from where to begin: behind what was read before
 */
export async function* readGoLog(
  { files }: SourceDirectory,
  from: SourcePlace | undefined,
  findings: Findings,
): AsyncGenerator<SourceEntry<DecodedEntry>> {
  const layouts = new Layouts(files)
  let last: bigint | undefined
  const lastFile = files.at(-1)
  for (const { path, number } of files) {
    if (from !== undefined && number < from.file) continue
    await using file = await SourceFile.open(path)
    const start = number === from?.file ? from.offset : 0
    const framing = await layouts.of(file)
    for await (const { value, at, next } of framesOf(
      file,
      start,
      framing,
      number === lastFile?.number,
      findings,
    )) {
      const wrong = last === undefined ? undefined : wrongAfter(last, value.index)
      if (wrong !== undefined) {
        findings.damaged(path, at, next - at, wrong)
        // Its place is taken: what came first was acknowledged first.
        if (value.index <= last!) continue
      }
      last = value.index
      yield { record: value, place: { file: number, offset: next } }
    }
    await file.checkUnchanged()
  }
}

function wrongAfter(last: bigint, index: bigint): string | undefined {
  if (index === last + 1n) return undefined
  return index > last
    ? `entry ${index} follows entry ${last}: those between are missing`
    : `entry ${index} follows entry ${last}`
}

/** The layout of each file, by its number: a file is of one, whatever the others are. */
class Layouts {
  readonly #files: readonly NumberedFile[]
  #usual: Framing<DecodedEntry> | undefined

  constructor(files: readonly NumberedFile[]) {
    this.#files = files
  }

  /** That of the file's first entry; where this is damaged, that of the first file whose first entry is not. */
  async of(file: SourceFile): Promise<Framing<DecodedEntry>> {
    return (await layoutOf(file)) ?? (await this.#usualOne())
  }

  async #usualOne(): Promise<Framing<DecodedEntry>> {
    for (const { path } of this.#files) {
      if (this.#usual !== undefined) break
      await using file = await SourceFile.open(path)
      this.#usual = await layoutOf(file)
    }
    return (this.#usual ??= BINARY_FRAMES)
  }
}

async function layoutOf(file: SourceFile): Promise<Framing<DecodedEntry> | undefined> {
  for (const layout of [BINARY_FRAMES, JSON_FRAMES]) {
    if (await startsWhole(file, layout)) return layout
  }
  return undefined
}

function isJson(head: Uint8Array): boolean {
  const start = head.subarray(LENGTH_PREFIX_SIZE, LENGTH_PREFIX_SIZE + JSON_START.length)
  return JSON_START.equals(start)
}

const BINARY_FRAMES: Framing<DecodedEntry> = {
  ...ENTRY,
  begins: (head) => BINARY_FIXED + dataLengthOf(head) <= lengthOf(head),
  sizes: (head) => {
    const size = LENGTH_PREFIX_SIZE + BINARY_FIXED + dataLengthOf(head)
    return [LENGTH_PREFIX_SIZE + lengthOf(head), size, size + TRANSACTION_ID_BYTES]
  },
  decode: (bytes) => binaryCodec.decodeView(bytes.subarray(LENGTH_PREFIX_SIZE)),
}

const JSON_FRAMES: Framing<DecodedEntry> = {
  ...ENTRY,
  begins: (head) => lengthOf(head) >= HEAD && isJson(head),
  sizes: (head) => [LENGTH_PREFIX_SIZE + lengthOf(head)],
  decode: (bytes) => jsonCodec.decodeView(bytes.subarray(LENGTH_PREFIX_SIZE)),
}

function lengthOf(head: Uint8Array): number {
  return viewOf(head).getUint32(0, true)
}

function dataLengthOf(head: Uint8Array): number {
  return viewOf(head).getUint32(LENGTH_PREFIX_SIZE + DATA_LENGTH_AT, true)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
