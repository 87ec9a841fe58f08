/** CRC-32. */

import { type Checksum, type ChecksumEach, direct } from './binding.ts'

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

/**
 * CRC-32 of many pieces of a buffer in one call: of records, for which a call each would cost more than
 * their checksums. The first piece begins at `from`; piece `i` ends at `ends[i]`, and the next one
 * begins `skip` bytes behind that, which may be where the checksum goes. Each begins with `register`,
 * and `into[i]` is the register behind it: without the inversions before and after that `crc32` makes.
 * For the ordinary value begin with -1 and take `~into[i] >>> 0`.
 *
 * @param count pieces, at most as many as `ends` and `into` have room for
 * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`; nothing is stored then
 */
export const crc32Each: ChecksumEach = direct('crc32Each')
