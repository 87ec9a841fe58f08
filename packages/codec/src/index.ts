export { binaryCodec, ENTRY_HEADER_SIZE } from './binary.ts'
export { crc32 } from './crc32.ts'
export { crc32Words } from './crc32-words.ts'
export type { DecodedEntry, Entry, EntryCodec } from './entry.ts'
export { entryCodec } from './entry-format.ts'
export {
  CODEC_ERROR_CODES,
  type CodecErrorCode,
  WalrusError,
  type WalrusErrorDetails,
} from './errors.ts'
export {
  encodeFrame,
  type EntryFrame,
  LENGTH_PREFIX_SIZE,
  readFrame,
  SEGMENT_FILE_PREFIX,
  SEGMENT_FILE_SUFFIX,
} from './frame.ts'
export { jsonCodec } from './json.ts'
export {
  decodeKvRecord,
  type DecodedKvRecord,
  encodeKvRecord,
  KV_RECORD_HEADER_SIZE,
  KV_RECORD_MAGIC,
  type KvRecord,
  kvRecordSize,
} from './kv-record.ts'
