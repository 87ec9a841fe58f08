/** The asynchronous calls and their synchronous twins under one face, so that each case runs on both. */

import type { OpenMode, Storage, StorageFile } from '../storage.ts'

export interface FileWay {
  readonly file: StorageFile
  size(): Promise<number>
  read(into: Uint8Array, at: number): Promise<number>
  write(from: Uint8Array, at: number, durable: boolean): Promise<void>
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface Way {
  readonly title: string
  open(storage: Storage, path: string, mode: OpenMode): Promise<FileWay>
  rename(storage: Storage, from: string, to: string): Promise<void>
  syncDir(storage: Storage, dir: string): Promise<void>
}

export const WAYS: readonly Way[] = [
  {
    title: 'asynchronous',
    async open(storage, path, mode) {
      const file = await storage.open(path, mode)
      return {
        file,
        size: () => file.size(),
        read: (into, at) => file.read(into, at),
        write: (from, at, durable) => file.write(from, at, durable),
        sync: () => file.sync(),
        truncate: (size) => file.truncate(size),
        close: () => file.close(),
      }
    },
    rename: (storage, from, to) => storage.rename(from, to),
    syncDir: (storage, dir) => storage.syncDir(dir),
  },
  {
    title: 'synchronous',
    async open(storage, path, mode) {
      const file = storage.openSync(path, mode)
      return {
        file,
        size: async () => file.sizeSync(),
        read: async (into, at) => file.readSync(into, at),
        write: async (from, at, durable) => file.writeSync(from, at, durable),
        sync: async () => file.syncSync(),
        truncate: async (size) => file.truncateSync(size),
        close: async () => file.closeSync(),
      }
    },
    rename: async (storage, from, to) => storage.renameSync(from, to),
    syncDir: async (storage, dir) => storage.syncDirSync(dir),
  },
]
