/** What is done with a descriptor: preallocation, advice, writes that are on disk. */

import { binding, direct, type Memory } from './binding.ts'
import { invalidType, outOfRange } from './errors.ts'

/**
 * Sets disk space aside for a range of a file, which grows to hold it and reads as zeros there. A
 * later write into the range does not find the disk full (on most file systems).
 *
 * @throws `ENOSPC`, `EFBIG`, `EBADF` (not open for writing), `ENOTSUP` (the file system cannot),
 *   `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export function allocate(fd: number, offset: number, length: number): void {
  binding().allocate(fd, offset, length)
}

/**
 * Tells the system how a range of a file will be read; `POSIX_FADV_WILLNEED` starts to fetch it.
 * Does nothing but check its arguments on macOS.
 *
 * @param length bytes; 0 is up to the end
 * @param advice a `POSIX_FADV_` constant
 * @throws `EBADF`, `ESPIPE` for a pipe, `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export function fadvise(fd: number, offset: number, length: number, advice: number): void {
  binding().fadvise(fd, offset, length, advice)
}

/** Writes `length` bytes of `buffer`, from `offset` on, to `position` of the file. */
type Write<Result> = (
  fd: number,
  buffer: Memory,
  offset: number,
  length: number,
  position: number,
  flags?: number,
) => Result

/**
 * Writes a part of a buffer to a place in a file, all of it or an error. With `RWF_DSYNC` it is on
 * disk when this returns, in one system call.
 *
 * For a descriptor opened with `O_DIRECT` address, length and position must be multiples of what the
 * disk asks for (512 or 4096): see {@link alignedBuffer}.
 *
 * @param flags `RWF_DSYNC`, `RWF_SYNC` or 0; on macOS either is a write and a full sync
 * @returns `length`
 * @throws `ENOSPC`, `EIO`, `EBADF` and the like with `written`, the bytes that were taken before;
 *   `EINVAL` when `O_DIRECT` finds something not aligned; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export const writeSync: Write<number> = direct('writeSync')

/**
 * {@link writeSync} in Node.js's thread pool. A bad argument throws at once; what goes wrong with the
 * write rejects. Leave the bytes as they are until it settles, and do not close the descriptor.
 */
export const write: Write<Promise<number>> = direct('write')

/**
 * Memory for writes on a descriptor opened with `O_DIRECT`.
 *
 * @param size bytes, at least 1
 * @param align the address is a multiple of this: a power of two up to 2 MiB
 * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export function alignedBuffer(size: number, align = 4096): Buffer {
  const native = binding()
  if (typeof size !== 'number' || typeof align !== 'number') {
    throw invalidType('alignedBuffer: size and align must be numbers')
  }
  if (!(Number.isSafeInteger(size) && size >= 1)) {
    throw outOfRange(`alignedBuffer: size must be an integer of at least 1, not ${size}`)
  }
  if (!(Number.isInteger(align) && align >= 1 && align <= 1 << 21 && (align & (align - 1)) === 0)) {
    throw outOfRange(`alignedBuffer: align must be a power of two from 1 to 2097152, not ${align}`)
  }
  const memory = new ArrayBuffer(size + align - 1)
  return Buffer.from(memory, (align - native.misalignment(memory, align)) % align, size)
}
