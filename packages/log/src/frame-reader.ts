/**
 * Reading one frame from a segment's file: its size is bounded by the segment's end, and only its check proves it.
 */

import { FRAME_HEADER_BYTES, frameBytes, frameLength, isWhole } from '@walrus/segment'
import { corrupt } from './errors.ts'
import type { TableSegment } from './segment-table.ts'

/** What is read at first; enough for most frames. */
export const GUESS_BYTES = 2048

/** Bytes of a segment in memory, word-aligned. `bytes[0]` stands at `offset`. */
export interface Span {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly offset: number
  readonly length: number
}

export function newSpan(offset: number, length: number): Span {
  const buffer = new ArrayBuffer((length + 3) & ~3)
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer), offset, length }
}

/**
 * The frame at an offset of a segment that ends at `end`, whole and checked. `position` is for messages.
 * @throws `WALRUS_CORRUPT`
 */
export function readFrameSync(
  segment: TableSegment,
  offset: number,
  end: number,
  position: number,
  verify: boolean = true,
): Span {
  let span = newSpan(offset, Math.max(0, Math.min(GUESS_BYTES, end - offset)))
  let read = readSpanSync(segment, span)
  const size = sizeOf(segment, span, read, end, position)
  if (size > read) {
    span = newSpan(offset, size)
    read = readSpanSync(segment, span)
  }
  return checked(segment, span, read, size, position, verify)
}

/** As `readFrameSync`. */
export async function readFrame(
  segment: TableSegment,
  offset: number,
  end: number,
  position: number,
  verify: boolean,
): Promise<Span> {
  let span = newSpan(offset, Math.max(0, Math.min(GUESS_BYTES, end - offset)))
  let read = await readSpan(segment, span)
  const size = sizeOf(segment, span, read, end, position)
  if (size > read) {
    span = newSpan(offset, size)
    read = await readSpan(segment, span)
  }
  return checked(segment, span, read, size, position, verify)
}

/** Reads a span from a segment's file; the bytes read. */
export async function readSpan(segment: TableSegment, span: Span): Promise<number> {
  return await segment.open().read(span.bytes.subarray(0, span.length), span.offset)
}

function readSpanSync(segment: TableSegment, span: Span): number {
  return segment.open().readSync(span.bytes.subarray(0, span.length), span.offset)
}

function sizeOf(
  segment: TableSegment,
  span: Span,
  read: number,
  end: number,
  position: number,
): number {
  const size = read < FRAME_HEADER_BYTES ? 0 : frameBytes(frameLength(span.words, 0))
  if (size > 0 && size <= end - span.offset) return size
  const what = `no whole frame stands where that of position ${position} must`
  throw corrupt(segment.path, span.offset, what, position)
}

function checked(
  segment: TableSegment,
  span: Span,
  read: number,
  size: number,
  position: number,
  verify: boolean,
): Span {
  const { bytes, words } = span
  const { seed, checksums } = segment
  if (read >= size && (!verify || isWhole(bytes, words, 0, size, seed, checksums))) return span
  const what = `the checksum of position ${position} does not match`
  throw corrupt(segment.path, span.offset, what, position)
}
