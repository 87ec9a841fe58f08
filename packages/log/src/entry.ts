/** An entry as it is read from the log. */

import { binaryCodec } from '@walrus/codec'
import {
  type Attributes,
  checkFrame,
  decodeAttributes,
  type EncodedAttributes,
  encodeAttributes,
  FRAME_HEADER_BYTES,
  FrameFlag,
  FrameKind,
  frameAttributesLength,
  frameFlags,
  frameKind,
  frameLength,
  framePosition,
  frameStream,
  frameTime,
} from '@walrus/segment'
import { decodeJson } from './entry-format.ts'

export class LogEntry {
  /** Its index in the plain log, or its position in the stream it was read from. */
  readonly index: number
  /** What was appended. A view of memory that the entry shares with others read with it: copy what you keep long. */
  readonly data: Uint8Array
  /** When it was committed: milliseconds since the Unix epoch, never less than an earlier entry's. */
  readonly time: number
  readonly #encoded: EncodedAttributes | undefined

  constructor(
    index: number,
    data: Uint8Array,
    time: number,
    encoded: EncodedAttributes | undefined,
  ) {
    this.index = index
    this.data = data
    this.time = time
    this.#encoded = encoded
  }

  /** The term it was appended with; 0 when none was given. */
  get term(): bigint {
    return this.#given().term ?? 0n
  }

  /** The timestamp it was appended with, in nanoseconds since the Unix epoch; when none was given, that of `time`. */
  get timestamp(): bigint {
    return this.#given().timestamp ?? BigInt(this.time) * 1_000_000n
  }

  /** The transaction id it was appended with; empty when none was given. */
  get transactionId(): string {
    return this.#given().transactionId ?? ''
  }

  /** The CRC-32 its binary interchange encoding (`@walrus/codec`) carries. */
  get checksum(): number {
    const { index, term, data, timestamp, transactionId } = this
    return binaryCodec.checksum({ index: BigInt(index), term, data, timestamp, transactionId })
  }

  #given(): Attributes {
    const encoded = this.#encoded
    return encoded === undefined ? {} : decodeAttributes(encoded.flags, encoded.bytes)
  }
}

/** Whether the frame at `at` is that of an entry, and of which. */
export function isEntry(words: Int32Array, at: number, stream: number, position: number): boolean {
  return (
    framePosition(words, at) === position &&
    frameStream(words, at) === stream &&
    frameKind(words, at) === FrameKind.entry
  )
}

/**
 * The entry in a frame whose check has passed, which stands at `offset` of a file.
 * @throws `WALRUS_CORRUPT` when it cannot be read all the same
 */
export function entryAt(
  bytes: Uint8Array,
  words: Int32Array,
  at: number,
  position: number,
  baseTime: number,
  file: string,
  offset: number,
): LogEntry {
  checkFrame(words, at, file, offset)
  const length = frameLength(words, at)
  const time = baseTime + frameTime(words, at)
  const body = at + FRAME_HEADER_BYTES
  const attributes = frameAttributesLength(words, at)
  if (attributes > 0) {
    const encoded = {
      flags: frameFlags(words, at),
      bytes: bytes.subarray(body, body + attributes),
    }
    const data = new Uint8Array(bytes.buffer, body + attributes, length - attributes)
    return new LogEntry(position, data, time, encoded)
  }
  if (frameFlags(words, at) === FrameFlag.json) {
    const text = bytes.subarray(body, body + length)
    const { data, attributes: given } = decodeJson(text, position, file, offset)
    return new LogEntry(position, data, time, encodeAttributes(given))
  }
  return new LogEntry(position, new Uint8Array(bytes.buffer, body, length), time, undefined)
}
