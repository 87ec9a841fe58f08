/** The layouts of an entry, by the names that options and command lines give them. */

import { binaryCodec } from './binary.ts'
import type { EntryCodec } from './entry.ts'
import { WalrusError } from './errors.ts'
import { jsonCodec } from './json.ts'

/**
 * The codec of the layout called `format`, `binary` or `json`.
 *
 * @throws {WalrusError} `WALRUS_UNSUPPORTED_FORMAT` for any other name.
 */
export function entryCodec(format: string): EntryCodec {
  switch (format) {
    case 'binary':
      return binaryCodec
    case 'json':
      return jsonCodec
    default:
      throw new WalrusError(
        'WALRUS_UNSUPPORTED_FORMAT',
        `there is no entry format ${JSON.stringify(format)}: use 'binary' or 'json'`,
      )
  }
}
