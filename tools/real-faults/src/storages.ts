/** The storages that can be tried: another one is another line, and another package to import. */

import type { LogOptions } from '@walrus/log'

export type Storage = NonNullable<LogOptions['storage']>

const STORAGES: Readonly<Record<string, () => Promise<Storage>>> = {
  fd: async () => (await import('@walrus/segment')).fd(),
}

export const STORAGE_NAMES: readonly string[] = Object.keys(STORAGES)

export async function storageNamed(name: string): Promise<Storage> {
  const make = Object.hasOwn(STORAGES, name) ? STORAGES[name] : undefined
  if (make === undefined) {
    throw new Error(`--storage must be one of ${STORAGE_NAMES.join(', ')}, not ${name}`)
  }
  return await make()
}
