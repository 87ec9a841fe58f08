/** CRC-32. */

import { type Checksum, direct } from './binding.ts'

/**
 * CRC-32 (IEEE 802.3) of `buffer[from]` up to, not including, `buffer[to]`: the value of
 * `zlib.crc32`. Takes the processor's carry-less multiplication or its CRC instruction where it has
 * one, a table otherwise. Fastest when all four arguments are given and `buffer` is a `Uint8Array`.
 *
 * `from` is 0 by default, `to` the number of bytes, and `seed`, the CRC-32 of what comes before, 0.
 *
 * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export const crc32: Checksum = direct('crc32')
