/** Maps: the interface of the npm package `mmap-io`, and `unmap`. */

import { constants } from 'node:buffer'
import { binding, type Memory } from './binding.ts'
import { outOfRange } from './errors.ts'

/**
 * Maps `size` bytes of an open file, from `offset` on. The descriptor may be closed afterwards.
 *
 * The map lasts until {@link unmap}, or until nothing refers to it any more. Its bytes are the file's
 * as they are at each look. Storing into a map without `PROT_WRITE` ends the process, and so does
 * touching what another program has cut off the file meanwhile: Node.js cannot turn a memory fault
 * into an exception.
 *
 * A map that only reads may reach beyond the end of the file; whole pages there read as zeros, also
 * once the file has grown. One that shares its stores must lie inside the file.
 *
 * @param size bytes, from 1 to the longest `Buffer`: 4 GiB on Node.js 20, 2^53 - 1 from 22 on
 * @param protection `PROT_READ`, `PROT_WRITE`, `PROT_EXEC` or several, or'ed; or `PROT_NONE`
 * @param flags `MAP_SHARED` or `MAP_PRIVATE`, perhaps with `MAP_POPULATE`, `MAP_NONBLOCK` or
 *   `MAP_NORESERVE`
 * @param offset where in the file, in bytes: a multiple of {@link PAGESIZE} before its end
 * @param advice a `MADV_` constant, as for {@link advise}
 * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`; `EACCES` when the descriptor is not open for
 *   what `protection` asks, `EBADF`, `ENODEV` for what cannot be mapped, `ENOMEM`
 */
export function map(
  size: number,
  protection: number,
  flags: number,
  fd: number,
  offset?: number,
  advice?: number,
): Buffer {
  if (typeof size === 'number' && size > constants.MAX_LENGTH) {
    throw outOfRange(
      `map: size must be at most ${constants.MAX_LENGTH}, the longest Buffer of this Node.js, not ${size}; map one part at a time`,
    )
  }
  const native = binding()
  const buffer = native.map(size, protection, flags, fd, offset)
  if (advice === undefined || advice === 0) return buffer
  try {
    native.advise(buffer, 0, 0, advice)
  } catch (error) {
    native.unmap(buffer)
    throw error
  }
  return buffer
}

/**
 * Ends a map: every view of it is empty from now on (length 0), and the file is let go of. Its
 * addresses are reused only when nothing can read through them any more. Again is fine.
 *
 * A write of this package that is under way on it still writes its bytes. Other work under way on it
 * in the background (an `fs.write`, a compression) sees zeros instead.
 *
 * @param buffer what {@link map} returned, or any view of it
 * @throws `ERR_INVALID_ARG_TYPE` for other memory
 */
export function unmap(buffer: Memory): void {
  binding().unmap(buffer)
}

/**
 * Tells the system how a map, or a part of it, will be used.
 *
 * @param buffer what {@link map} returned, or a view of it
 * @param advice a `MADV_` constant
 * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`; `EINVAL` for a map that is unmapped
 */
export function advise(buffer: Memory, advice: number): void
/**
 * @param offset where in `buffer`, in bytes: it must lead to a multiple of {@link PAGESIZE}
 * @param length bytes; 0 is up to the end
 */
export function advise(buffer: Memory, offset: number, length: number, advice: number): void
export function advise(
  buffer: Memory,
  offsetOrAdvice: number,
  length?: number,
  advice?: number,
): void {
  if (length === undefined && advice === undefined) {
    binding().advise(buffer, 0, 0, offsetOrAdvice)
  } else {
    binding().advise(buffer, offsetOrAdvice, length as number, advice as number)
  }
}

/**
 * Writes what was stored into a shared map to the file.
 *
 * @param buffer what {@link map} returned, or a view of it
 * @param offset where in `buffer`, in bytes: it must lead to a multiple of {@link PAGESIZE}
 * @param length bytes; 0, the default, is up to the end
 * @param blocking whether to return only once it is on disk; otherwise it is only scheduled
 * @param invalidate whether other maps of the file are to see it at once (they do on Linux)
 * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`, `EIO`; `EINVAL` for a map that is unmapped
 */
export function sync(
  buffer: Memory,
  offset?: number,
  length?: number,
  blocking?: boolean,
  invalidate?: boolean,
): void
export function sync(buffer: Memory, blocking: boolean, invalidate?: boolean): void
export function sync(
  buffer: Memory,
  first: number | boolean = 0,
  second: number | boolean = typeof first === 'boolean' ? false : 0,
  blocking = false,
  invalidate = false,
): void {
  if (typeof first === 'boolean') {
    binding().sync(buffer, 0, 0, first, second as boolean)
  } else {
    binding().sync(buffer, first, second as number, blocking, invalidate)
  }
}

/**
 * Counts the pages of a map that are in memory; a page that a view covers in part counts.
 *
 * @returns pages that are not, pages that are
 * @throws `ERR_INVALID_ARG_TYPE`; `EINVAL` for a map that is unmapped
 */
export function incore(buffer: Memory): [unmapped: number, mapped: number] {
  return binding().incore(buffer)
}
