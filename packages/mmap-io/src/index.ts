/**
 * Memory-mapped files, and what goes with them: locks, preallocation, writes that are on disk, CRC-32.
 *
 * The default export has the interface of the npm package `mmap-io`, so that code written for it runs
 * with another import; all of it can be imported by name, too.
 */

import { PAGESIZE } from './binding.ts'
import * as constants from './constants.ts'
import { advise, incore, map, sync, unmap } from './map.ts'

export { type Memory, PAGESIZE, supported } from './binding.ts'
export { crc32, crc32Each } from './checksum.ts'
export {
  MADV_DONTNEED,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  RWF_DSYNC,
  RWF_SYNC,
} from './constants.ts'
export { FileLockedError, NativeMissingError } from './errors.ts'
export { alignedBuffer, allocate, fadvise, write, writeSync } from './file.ts'
export { type LockOptions, lock, unlock } from './lock.ts'
export { advise, incore, map, sync, unmap } from './map.ts'

/** The interface of `mmap-io`, and `unmap`. */
export interface MmapIo {
  readonly map: typeof map
  readonly advise: typeof advise
  readonly sync: typeof sync
  readonly incore: typeof incore
  readonly unmap: typeof unmap
  readonly PROT_NONE: 0
  readonly PROT_READ: 1
  readonly PROT_WRITE: 2
  readonly PROT_EXEC: 4
  readonly MAP_SHARED: 1
  readonly MAP_PRIVATE: 2
  readonly MAP_NONBLOCK: 65536
  readonly MAP_POPULATE: 32768
  readonly MADV_NORMAL: 0
  readonly MADV_RANDOM: 1
  readonly MADV_SEQUENTIAL: 2
  readonly MADV_WILLNEED: 3
  readonly MADV_DONTNEED: 4
  readonly PAGESIZE: number
}

const mmap: MmapIo = Object.freeze({ ...constants, map, advise, sync, incore, unmap, PAGESIZE })

// oxlint-disable-next-line import/no-default-export -- code written for mmap-io imports it so
export default mmap
