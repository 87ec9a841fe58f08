/** The storage on maps. */

import { WalrusError } from '@walrus/codec'
import { crc32, crc32Each, supported } from '@walrus/mmap-io'
import { fd, type NativeChecksums, onDescriptors, type Storage } from '@walrus/segment'
import { MmapFile } from './file.ts'

export interface MmapOptions {
  /** As for `fd()`. Default: true. */
  readonly zeroAhead?: boolean
}

/** Checksums by the processor's own instructions, for storages that have native code. */
export const checksums: NativeChecksums = {
  crc32: (bytes, value, from, to) => crc32(bytes, from, to, value),
  crc32Units: (bytes, from, ends, count, register, into) =>
    crc32Each(bytes, from, ends, count, 4, register, into),
}

/**
 * Makes the storage on maps. Files are written as by `fd()`, and read where they lie: `log.view` copies nothing.
 *
 * @throws `WALRUS_NATIVE_MISSING` where the native code cannot be used, with the reason; see {@link auto}
 * @throws `WALRUS_INVALID_OPTION`
 */
export function mmap(options: MmapOptions = {}): Storage {
  checkOptions(options)
  const { ok, reason } = supported()
  if (!ok) {
    throw new WalrusError(
      'WALRUS_NATIVE_MISSING',
      `the storage on maps cannot be used here: ${reason}; fd() of @walrus/segment runs everywhere`,
    )
  }
  return onDescriptors({
    name: 'mmap',
    align: 1,
    canView: true,
    zeroAhead: options.zeroAhead ?? true,
    checksums,
    file: (path, descriptor, writable) => new MmapFile(path, descriptor, writable),
  })
}

/** The storage that was chosen, and why not a better one. */
export interface Choice {
  readonly storage: Storage
  /** Better ones that cannot be used here. */
  readonly passedOver: readonly { readonly name: string; readonly reason: string }[]
}

/**
 * The best storage that works here: `mmap()`, else `fd()`. `storage.name` says which.
 * @throws `WALRUS_INVALID_OPTION`
 */
export function auto(options: MmapOptions = {}): Choice {
  checkOptions(options)
  const { ok, reason = 'unknown' } = supported()
  if (ok) return { storage: mmap(options), passedOver: [] }
  return { storage: fd(options), passedOver: [{ name: 'mmap', reason }] }
}

function checkOptions(options: MmapOptions): void {
  for (const name of Object.keys(options)) {
    if (name !== 'zeroAhead')
      throw invalid(`mmap has no option ${JSON.stringify(name)}; it has zeroAhead`)
  }
  const { zeroAhead } = options
  if (zeroAhead !== undefined && typeof zeroAhead !== 'boolean') {
    throw invalid(`zeroAhead must be true or false, got ${String(zeroAhead)}`)
  }
}

function invalid(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}
