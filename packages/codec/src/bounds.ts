/** Checks of where a caller wants to read or write, before a byte is touched. */

import { WalrusError } from './errors.ts'

/** Throws `WALRUS_INVALID_OPTION` unless `offset` is a position in `bytes`, its end included. */
export function checkPosition(bytes: Uint8Array, offset: number): void {
  if (Number.isInteger(offset) && offset >= 0 && offset <= bytes.length) return
  throw new WalrusError(
    'WALRUS_INVALID_OPTION',
    `offset ${offset} must be an integer from 0 to ${bytes.length}, the number of bytes given`,
  )
}

/**
 * As {@link checkPosition}, and throws `WALRUS_BUFFER_TOO_SMALL` unless `size` bytes fit in from
 * there on.
 */
export function checkRoom(buffer: Uint8Array, offset: number, size: number): void {
  checkPosition(buffer, offset)
  const room = buffer.length - offset
  if (room >= size) return
  throw new WalrusError(
    'WALRUS_BUFFER_TOO_SMALL',
    `${size} bytes are needed, ${room} follow offset ${offset}: give a larger buffer`,
    { offset },
  )
}
