/**
 * Stream bounds: the frame by which a stream is truncated (docs/format.md, "Stream bounds").
 */

import { FIRST_NAMED_STREAM, FRAME_HEADER_BYTES, frameLength, PLAIN_STREAM } from './frame.ts'

/** Bytes of the body. */
export const BOUNDS_BYTES = 24
const END_CUT = 1

/** From where a stream is kept, and which position comes next. */
export interface Bounds {
  readonly stream: number
  readonly first: number
  readonly next: number
  /** Whether the end was cut: earlier frames of `next` and above are void. */
  readonly cut: boolean
}

/** The body of a frame of stream bounds. */
export function encodeBounds({ stream, first, next, cut }: Bounds): Uint8Array {
  const body = new Uint8Array(BOUNDS_BYTES)
  const view = new DataView(body.buffer)
  view.setUint32(0, stream, true)
  view.setUint32(4, cut ? END_CUT : 0, true)
  view.setBigUint64(8, BigInt(first), true)
  view.setBigUint64(16, BigInt(next), true)
  return body
}

/** What a whole frame of stream bounds at byte `at` says; `undefined` when that cannot be. */
export function readBounds(words: Int32Array, at: number): Bounds | undefined {
  if (frameLength(words, at) !== BOUNDS_BYTES) return undefined
  const word = (at + FRAME_HEADER_BYTES) >>> 2
  const flags = words[word + 1]!
  const u64 = (from: number) => (words[from + 1]! >>> 0) * 0x1_0000_0000 + (words[from]! >>> 0)
  const bounds = {
    stream: words[word]! >>> 0,
    cut: flags === END_CUT,
    first: u64(word + 2),
    next: u64(word + 4),
  }
  const { first, next } = bounds
  const isKept = bounds.stream === PLAIN_STREAM || bounds.stream >= FIRST_NAMED_STREAM
  const isPossible = (flags & ~END_CUT) === 0 && first <= next && Number.isSafeInteger(next)
  return isKept && isPossible ? bounds : undefined
}
