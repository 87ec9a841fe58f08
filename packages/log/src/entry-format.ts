/**
 * How entries stand in the log: natively, or as JSON that a person can read in the file (docs/format.md, "Entries as
 * JSON"). Each frame says which, so that a log may hold both.
 */

import { type DecodedEntry, jsonCodec } from '@walrus/codec'
import {
  type Attributes,
  decodeAttributes,
  type EncodedAttributes,
  FrameFlag,
  frameBytes,
} from '@walrus/segment'
import { corrupt } from './errors.ts'
import type { NewEntry } from './new-entry.ts'

export type EntryFormat = 'native' | 'json'

/** The largest entry whose JSON is not larger than a frame's body may be. */
export const MAX_JSON_ENTRY_BYTES = 0x3000_0000
/** Keys and punctuation of the JSON, and the digits its numbers have at most: 16, 20, 10, and 20 with the sign. */
const JSON_BYTES = 73 + 16 + 20 + 10 + 20
/** What a byte of a transaction id becomes at most: `\u001f`. */
const ESCAPED_BYTES = 6

/** What a frame says of itself whose body is JSON. */
export const JSON_FRAME: EncodedAttributes = { flags: FrameFlag.json, bytes: new Uint8Array(0) }

/** Bytes that the frame of an entry takes, at most; natively, exactly. */
export function entryRoom({ bytes, attributes }: NewEntry, format: EntryFormat): number {
  const { length: data } = bytes
  const given = attributes?.bytes.length ?? 0
  if (format === 'native') return frameBytes(data + given)
  return frameBytes(JSON_BYTES + 4 * Math.ceil(data / 3) + ESCAPED_BYTES * given)
}

/** The body of an entry's frame. What was not given with it has the values it is read with. */
export function encodeJson(
  position: number,
  time: number,
  { bytes, attributes }: NewEntry,
): Uint8Array {
  const given: Attributes =
    attributes === undefined ? {} : decodeAttributes(attributes.flags, attributes.bytes)
  return jsonCodec.encode({
    index: BigInt(position),
    term: given.term ?? 0n,
    data: bytes,
    timestamp: given.timestamp ?? BigInt(time) * 1_000_000n,
    transactionId: given.transactionId ?? '',
  })
}

/**
 * The entry in the body of a frame that has been checked, and stands at `offset` of a file.
 * @throws `WALRUS_CORRUPT` for what no writer makes
 */
export function decodeJson(
  body: Uint8Array,
  position: number,
  file: string,
  offset: number,
): { data: Uint8Array; attributes: Attributes } {
  let entry: DecodedEntry
  try {
    entry = jsonCodec.decode(body)
  } catch (error) {
    const { message } = error as Error
    throw corrupt(file, offset, `a frame that should hold its entry as JSON (${message})`, position)
  }
  const { index, term, data, timestamp, transactionId } = entry
  if (index !== BigInt(position) || data === null) {
    throw corrupt(file, offset, 'a frame that holds the JSON of another entry', position)
  }
  return { data, attributes: { term, timestamp, transactionId } }
}
