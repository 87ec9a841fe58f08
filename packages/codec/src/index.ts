export { crc32 } from './crc32.ts'
export { crc32Words } from './crc32-words.ts'
export {
  CODEC_ERROR_CODES,
  type CodecErrorCode,
  WalrusError,
  type WalrusErrorDetails,
} from './errors.ts'
