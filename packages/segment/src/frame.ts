/**
 * A frame: one entry, or one record of the engine's own, inside a commit group (docs/format.md, "Frame").
 *
 * Reading works on bytes whose check has passed. `GroupBuilder` writes frames.
 */

import { WalrusError } from '@walrus/codec'

/** Bytes of a frame before its body. */
export const FRAME_HEADER_BYTES = 24
/** Bytes a frame takes beyond its body and padding: the header and the closing check. */
export const FRAME_OVERHEAD: number = FRAME_HEADER_BYTES + 4
/** The largest body a frame can have: 1 GiB and 64 KiB for attributes. */
export const MAX_BODY_BYTES: number = 0x4000_0000 + 0x1_0000

export const FrameKind = {
  entry: 1,
  streamDeclared: 2,
  catalogSnapshot: 3,
  streamBounds: 4,
} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

/** Which attributes stand at the start of an entry's body; or, by itself, that the body is the entry as JSON. */
export const FrameFlag = { term: 1, timestamp: 2, transactionId: 4, json: 8 } as const

/** Stream 0: the plain log. */
export const PLAIN_STREAM = 0
/** Stream 1: the catalog of named streams. */
export const CATALOG_STREAM = 1
/** Named streams have numbers from here on. */
export const FIRST_NAMED_STREAM = 16

/** Bytes a frame with a body of `length` bytes takes in the file. Exact for every length that 32 bits can hold. */
export function frameBytes(length: number): number {
  return FRAME_OVERHEAD + length + (-length & 3)
}

/** The attributes of an entry that were given with it. */
export interface Attributes {
  readonly term?: bigint | undefined
  /** Nanoseconds since the Unix epoch. */
  readonly timestamp?: bigint | undefined
  readonly transactionId?: string | undefined
}

const UTF8 = new TextEncoder()

/** The longest transaction id, in bytes of UTF-8. */
export const MAX_TRANSACTION_ID_BYTES = 1024

/** The attributes' flags and bytes. */
export interface EncodedAttributes {
  readonly flags: number
  readonly bytes: Uint8Array
}

/** Encodes the attributes given; `undefined` when there are none. Their ranges have been checked. */
export function encodeAttributes(attributes: Attributes): EncodedAttributes | undefined {
  const { term, timestamp, transactionId } = attributes
  if (term === undefined && timestamp === undefined && transactionId === undefined) return undefined
  const id = transactionId === undefined ? undefined : UTF8.encode(transactionId)
  if (id !== undefined && term === undefined && timestamp === undefined) {
    return { flags: FrameFlag.transactionId, bytes: id }
  }
  const fixed = (term === undefined ? 0 : 8) + (timestamp === undefined ? 0 : 8)
  const bytes = new Uint8Array(fixed + (id?.length ?? 0))
  const view = new DataView(bytes.buffer)
  let flags = 0
  let at = 0
  if (term !== undefined) {
    flags |= FrameFlag.term
    view.setBigUint64(at, term, true)
    at += 8
  }
  if (timestamp !== undefined) {
    flags |= FrameFlag.timestamp
    view.setBigInt64(at, timestamp, true)
    at += 8
  }
  if (id !== undefined) {
    flags |= FrameFlag.transactionId
    bytes.set(id, at)
  }
  return { flags, bytes }
}

/**
 * The attributes in `bytes`, of which `flags` says what they are; `frameFault` has found nothing.
 * @throws `WALRUS_CORRUPT` for a transaction id that is not UTF-8
 */
export function decodeAttributes(flags: number, bytes: Uint8Array): Attributes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const has = (flag: number) => (flags & flag) !== 0
  const term = has(FrameFlag.term) ? view.getBigUint64(at, true) : undefined
  if (term !== undefined) at += 8
  const timestamp = has(FrameFlag.timestamp) ? view.getBigInt64(at, true) : undefined
  if (timestamp !== undefined) at += 8
  const transactionId = has(FrameFlag.transactionId) ? text(bytes.subarray(at)) : undefined
  return { term, timestamp, transactionId }
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const message = 'an entry has a transaction id that is not UTF-8'
    throw new WalrusError('WALRUS_CORRUPT', message, { cause })
  }
}

/** How long the attributes of `flags` are at least. */
function leastAttributes(flags: number): number {
  return ((flags & FrameFlag.term) === 0 ? 0 : 8) + ((flags & FrameFlag.timestamp) === 0 ? 0 : 8)
}

/**
 * Why a frame whose check has passed still cannot be read; `undefined` when it can. A later minor version may
 * write kinds and flags this one does not know.
 */
export function frameFault(words: Int32Array, at: number): string | undefined {
  const word = at >>> 2
  const packed = words[word + 2]!
  const kind = packed & 0xff
  const flags = (packed >>> 8) & 0xff
  const attributes = packed >>> 16
  if (kind < FrameKind.entry || kind > FrameKind.streamBounds) return `unknown kind ${kind}`
  if ((flags & ~15) !== 0) return `unknown flags ${flags}`
  if (attributes > words[word]! >>> 0) return 'attributes longer than the body'
  const least = leastAttributes(flags)
  if (attributes < least) return 'attributes shorter than their flags say'
  if (attributes > least && (flags & FrameFlag.transactionId) === 0) {
    return 'attributes longer than their flags say'
  }
  if ((flags & FrameFlag.json) !== 0 && (flags !== FrameFlag.json || kind !== FrameKind.entry)) {
    return 'JSON that is no entry, or has attributes beside it'
  }
  return undefined
}

/** Throws `WALRUS_CORRUPT` for a frame that cannot be read although its check has passed. */
export function checkFrame(words: Int32Array, at: number, file: string, offset: number): void {
  const fault = frameFault(words, at)
  if (fault === undefined) return
  throw new WalrusError('WALRUS_CORRUPT', `${file}: the frame at byte ${offset} has ${fault}`, {
    file,
    offset,
  })
}

/** Length of the body of the frame at byte `at`. */
export function frameLength(words: Int32Array, at: number): number {
  return words[at >>> 2]! >>> 0
}

export function frameStream(words: Int32Array, at: number): number {
  return words[(at >>> 2) + 1]! >>> 0
}

export function frameKind(words: Int32Array, at: number): number {
  return words[(at >>> 2) + 2]! & 0xff
}

export function frameFlags(words: Int32Array, at: number): number {
  return (words[(at >>> 2) + 2]! >>> 8) & 0xff
}

export function frameAttributesLength(words: Int32Array, at: number): number {
  return words[(at >>> 2) + 2]! >>> 16
}

export function framePosition(words: Int32Array, at: number): number {
  const word = at >>> 2
  return (words[word + 4]! >>> 0) * 0x1_0000_0000 + (words[word + 3]! >>> 0)
}

/** Milliseconds from the segment's base time. */
export function frameTime(words: Int32Array, at: number): number {
  return words[(at >>> 2) + 5]! >>> 0
}
