/**
 * The binary layout of an entry, byte for byte that of the Go log l00pss/walrus (its
 * `encoding.go`):
 *
 *     index  term   timestamp  dataLen  data     txIdLen  txId      crc
 *     u64    u64    i64, ns    u32      dataLen  u32      txIdLen   u32      all little endian
 *
 * crc is CRC-32/IEEE of everything before it. The checksum is verified before a length is believed,
 * so damage anywhere is a checksum mismatch, and what passes it and still does not fit together was
 * written that way.
 */

import { checkRoom } from './bounds.ts'
import { crc32 } from './crc32.ts'
import { checkEntry, checkSize, type DecodedEntry, type Entry, type EntryCodec } from './entry.ts'
import { WalrusError } from './errors.ts'
import { decodeUtf8 } from './strict-text.ts'

/** Bytes of an entry besides its payload and its transaction id. */
export const ENTRY_HEADER_SIZE = 36

const DATA_AT = 28
const CHECKSUM_SIZE = 4

const encoder = new TextEncoder()

/** The binary layout. */
export const binaryCodec: EntryCodec = {
  format: 'binary',

  encode(entry) {
    const bytes = new Uint8Array(sizeOf(entry))
    write(entry, bytes, 0)
    return bytes
  },

  encodeInto(entry, buffer, offset = 0) {
    const size = sizeOf(entry)
    checkRoom(buffer, offset, size)
    write(entry, buffer, offset)
    return size
  },

  decode(bytes) {
    const entry = read(bytes)
    return { ...entry, data: new Uint8Array(entry.data) }
  },

  decodeView: read,

  estimateSize: sizeOf,

  checksum(entry) {
    sizeOf(entry)
    const { data, transactionId } = entry
    const id = Buffer.from(transactionId)
    const fixed = new Uint8Array(DATA_AT + 4)
    const view = viewOf(fixed)
    writeHead(entry, data === null ? 0 : data.length, view, 0)
    view.setUint32(DATA_AT, id.length, true)
    const head = crc32(fixed, 0, 0, DATA_AT)
    const withData = data === null ? head : crc32(data, head)
    return crc32(id, crc32(fixed, withData, DATA_AT))
  },
}

function sizeOf(entry: Entry): number {
  checkEntry(entry)
  const size =
    ENTRY_HEADER_SIZE + (entry.data?.length ?? 0) + Buffer.byteLength(entry.transactionId)
  checkSize(entry, size)
  return size
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function writeHead(entry: Entry, dataLength: number, view: DataView, at: number): void {
  view.setBigUint64(at, entry.index, true)
  view.setBigUint64(at + 8, entry.term, true)
  view.setBigInt64(at + 16, entry.timestamp, true)
  view.setUint32(at + 24, dataLength, true)
}

function write(entry: Entry, bytes: Uint8Array, at: number): void {
  const { data, transactionId } = entry
  const view = viewOf(bytes)
  const dataLength = data === null ? 0 : data.length
  writeHead(entry, dataLength, view, at)
  if (data !== null) bytes.set(data, at + DATA_AT)
  const idLengthAt = at + DATA_AT + dataLength
  const idLength =
    transactionId === ''
      ? 0
      : encoder.encodeInto(transactionId, bytes.subarray(idLengthAt + 4)).written
  view.setUint32(idLengthAt, idLength, true)
  const end = idLengthAt + 4 + idLength
  view.setUint32(end, crc32(bytes, 0, at, end), true)
}

function read(bytes: Uint8Array): DecodedEntry & { readonly data: Uint8Array } {
  if (bytes.length < ENTRY_HEADER_SIZE) {
    throw new WalrusError(
      'WALRUS_INVALID_ENTRY',
      `${bytes.length} bytes cannot be an entry, which takes at least ${ENTRY_HEADER_SIZE}`,
    )
  }
  const view = viewOf(bytes)
  const end = bytes.length - CHECKSUM_SIZE
  const checksum = view.getUint32(end, true)
  const computed = crc32(bytes, 0, 0, end)
  if (computed !== checksum) {
    throw new WalrusError(
      'WALRUS_CHECKSUM_MISMATCH',
      `the entry says checksum ${checksum}, its bytes give ${computed}: they were damaged or are not one whole entry`,
    )
  }
  const index = view.getBigUint64(0, true)
  const dataLength = view.getUint32(24, true)
  const idLengthAt = DATA_AT + dataLength
  if (idLengthAt + 4 > end) throw misfit(index, 'its data', 24)
  const idLength = view.getUint32(idLengthAt, true)
  if (idLengthAt + 4 + idLength !== end) throw misfit(index, 'its transaction id', idLengthAt)
  return {
    index,
    term: view.getBigUint64(8, true),
    data: new Uint8Array(bytes.buffer, bytes.byteOffset + DATA_AT, dataLength),
    timestamp: view.getBigInt64(16, true),
    transactionId:
      idLength === 0 ? '' : readId(bytes.subarray(idLengthAt + 4, end), index, idLengthAt + 4),
    checksum,
  }
}

function readId(bytes: Uint8Array, index: bigint, offset: number): string {
  try {
    return decodeUtf8(bytes)
  } catch (cause) {
    throw new WalrusError(
      'WALRUS_INVALID_ENTRY',
      `the transaction id of entry ${index} is not UTF-8 text`,
      { cause, index, offset },
    )
  }
}

function misfit(index: bigint, part: string, offset: number): WalrusError {
  return new WalrusError(
    'WALRUS_INVALID_ENTRY',
    `entry ${index} gives ${part} a length that does not fit its size, though its checksum is right`,
    { index, offset },
  )
}
