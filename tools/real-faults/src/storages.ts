/** The storages that can be tried: another one is another line, and another package to import. */

import type { LogOptions } from '@walrus/log'

export type Storage = NonNullable<LogOptions['storage']>

const STORAGES: Readonly<Record<string, () => Promise<Storage>>> = {
  fd: async () => (await import('@walrus/segment')).fd(),
  mmap: async () => (await import('@walrus/storage-mmap')).mmap(),
  uring: async () => (await import('@walrus/storage-uring')).uring(),
}

export const STORAGE_NAMES: readonly string[] = Object.keys(STORAGES)

const made = new Map<string, Promise<Storage>>()

/** The process's storage of that name. */
export async function storageNamed(name: string): Promise<Storage> {
  const make = Object.hasOwn(STORAGES, name) ? STORAGES[name] : undefined
  if (make === undefined) {
    throw new Error(`there is no storage ${name}; there are ${STORAGE_NAMES.join(', ')}`)
  }
  const storage = made.get(name) ?? make()
  made.set(name, storage)
  return await storage
}

/** Why a storage cannot be used on this machine; `undefined` when it can. */
export async function storageMissing(name: string): Promise<string | undefined> {
  try {
    await storageNamed(name)
    return undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'WALRUS_NATIVE_MISSING' && code !== 'WALRUS_URING_UNSUPPORTED') throw error
    return (error as Error).message
  }
}
