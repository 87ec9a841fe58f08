/** Entries of the stream that a view's snapshots are in (docs/format.md, "Snapshots of views"). */

import { MAX_STREAM_NAME_BYTES } from './catalog.ts'

/** What its name has more than that of the view's stream. */
const SUFFIX = '\0snapshots'
/** The longest name of a view's stream, in bytes of UTF-8. */
export const MAX_VIEW_STREAM_BYTES: number = MAX_STREAM_NAME_BYTES - SUFFIX.length

export const SnapshotKind = { row: 1, end: 2 } as const

const HEADER_BYTES = 8
const END_BYTES = HEADER_BYTES + 8

/** What an entry says of itself. */
export interface SnapshotEntry {
  readonly kind: (typeof SnapshotKind)[keyof typeof SnapshotKind]
  /** How many rows of the same snapshot stand before it. */
  readonly rowsBefore: number
  /** Of the end, the position of the view's stream up to which the snapshot speaks. */
  readonly covers: number
  /** Of a row, what the view gave. */
  readonly data: Uint8Array
}

/** The name of the stream that the snapshots of a view over `stream` are in. */
export function snapshotsOf(stream: string): string {
  return stream + SUFFIX
}

export function isSnapshots(stream: string): boolean {
  return stream.endsWith(SUFFIX)
}

export function encodeRow(rowsBefore: number, data: Uint8Array): Uint8Array {
  const bytes = encodeHeader(SnapshotKind.row, rowsBefore, HEADER_BYTES + data.length)
  bytes.set(data, HEADER_BYTES)
  return bytes
}

export function encodeEnd(rowsBefore: number, covers: number): Uint8Array {
  const bytes = encodeHeader(SnapshotKind.end, rowsBefore, END_BYTES)
  viewOf(bytes).setBigUint64(HEADER_BYTES, BigInt(covers), true)
  return bytes
}

/** Reads an entry; `undefined` for what no writer makes. */
export function decodeSnapshotEntry(bytes: Uint8Array): SnapshotEntry | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = viewOf(bytes)
  const rowsBefore = view.getUint32(4, true)
  const data = bytes.subarray(HEADER_BYTES)
  switch (view.getUint32(0, true)) {
    case SnapshotKind.row:
      return { kind: SnapshotKind.row, rowsBefore, covers: 0, data }
    case SnapshotKind.end: {
      if (bytes.length !== END_BYTES) return undefined
      const covers = Number(view.getBigUint64(HEADER_BYTES, true))
      return { kind: SnapshotKind.end, rowsBefore, covers, data }
    }
    default:
      return undefined
  }
}

function encodeHeader(kind: number, rowsBefore: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  const view = viewOf(bytes)
  view.setUint32(0, kind, true)
  view.setUint32(4, rowsBefore, true)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
