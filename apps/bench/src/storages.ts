/** The storages by name. Loaded on demand: a process without native code in it is one, too. */

import { WalrusError } from '@walrus/codec'
import { fd, type Storage } from '@walrus/segment'

import { NotRun } from './subject.ts'

export type StorageName = 'fd' | 'fd, growing' | 'mmap' | 'uring'

const STORAGES: Readonly<Record<StorageName, () => Promise<Storage>>> = {
  fd: async () => fd(),
  'fd, growing': async () => fd({ zeroAhead: false }),
  mmap: async () => (await import('@walrus/storage-mmap')).mmap(),
  uring: async () => (await import('@walrus/storage-uring')).uring(),
}

const UNSUPPORTED: readonly string[] = ['WALRUS_NATIVE_MISSING', 'WALRUS_URING_UNSUPPORTED']

export function storageNamed(name: StorageName): Promise<Storage> {
  return orNotRun(STORAGES[name])
}

/** Makes a storage; throws {@link NotRun} with the reason where it says that it cannot be used here. */
export async function orNotRun(make: () => Promise<Storage>): Promise<Storage> {
  try {
    return await make()
  } catch (error) {
    if (error instanceof WalrusError && UNSUPPORTED.includes(error.code)) {
      throw new NotRun(error.message)
    }
    throw error
  }
}
