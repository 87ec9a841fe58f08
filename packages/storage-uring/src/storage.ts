/** The storage on io_uring. */

import { WalrusError } from '@walrus/codec'
import { Ring, supported } from '@walrus/io_uring-node'
import { onDescriptors, type Storage } from '@walrus/segment'
import { auto as withoutUring, type Choice, checksums, mmap } from '@walrus/storage-mmap'
import { type Shared, UringFile } from './file.ts'
import { Staging } from './staging.ts'

export interface UringOptions {
  /**
   * Bytes of a sector: commit groups begin and end on multiples of it, so that durable writes can go past the page
   * cache. 512 or 4096; where the disk wants more than it is told, writes go through the page cache. Default: 512.
   */
  readonly align?: 512 | 4096
  /** As for `fd()`. Default: true. */
  readonly zeroAhead?: boolean
}

/**
 * Makes the storage on io_uring: durable writes are one operation of the kernel, past the page cache where the file
 * system allows that; files are read on maps, as by `mmap()`. It belongs to the thread that makes it.
 *
 * @throws `WALRUS_URING_UNSUPPORTED` where the kernel, a sysctl or a sandbox forbids io_uring, `WALRUS_NATIVE_MISSING`
 *   where there is no native code; each with the reason; see {@link auto}
 * @throws `WALRUS_INVALID_OPTION`
 */
export function uring(options: UringOptions = {}): Storage {
  const { align = 512, zeroAhead = true } = checked(options)
  const state = supported()
  if (!state.ok) {
    const message = `the storage on io_uring cannot be used here: ${state.reason}; mmap() and fd() can be used instead`
    throw new WalrusError(state.code, message)
  }
  // Its readers are mapped, and that has a reason of its own to be missing.
  mmap()
  const shared: Shared = { ring: new Ring(), staging: new Staging(), align }
  return onDescriptors({
    name: 'uring',
    align,
    canView: true,
    zeroAhead,
    checksums,
    file: (path, descriptor, writable) => new UringFile(path, descriptor, writable, shared),
  })
}

/**
 * The best storage that works here: `uring()`, else `mmap()`, else `fd()`. `storage.name` says which.
 * @throws `WALRUS_INVALID_OPTION`
 */
export function auto(options: UringOptions = {}): Choice {
  const { align: _, ...rest } = checked(options)
  try {
    return { storage: uring(options), passedOver: [] }
  } catch (error) {
    if (!(error instanceof WalrusError)) throw error
    const { storage, passedOver } = withoutUring(rest)
    return { storage, passedOver: [{ name: 'uring', reason: error.message }, ...passedOver] }
  }
}

function checked(options: UringOptions): UringOptions {
  for (const name of Object.keys(options)) {
    if (name === 'align' || name === 'zeroAhead') continue
    throw invalid(`uring has no option ${JSON.stringify(name)}; it has align and zeroAhead`)
  }
  const { align, zeroAhead } = options
  if (align !== undefined && align !== 512 && align !== 4096) {
    throw invalid(`align must be 512 or 4096, got ${String(align)}`)
  }
  if (zeroAhead !== undefined && typeof zeroAhead !== 'boolean') {
    throw invalid(`zeroAhead must be true or false, got ${String(zeroAhead)}`)
  }
  return options
}

function invalid(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}
