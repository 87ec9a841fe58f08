/** A storage that notes what is done to it, and lets a test hold calls back. */

import { basename } from 'node:path'
import { fd, type OpenMode, type Storage, type StorageFile } from '@walrus/segment'

/** A call that changes a file, makes it durable, or reads it. */
export interface Call {
  readonly what: 'open' | 'read' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'syncDir'
  /** The file's name; that of a file that was renamed is the new one. */
  readonly file: string
  readonly at: number
  readonly length: number
  readonly durable: boolean
  /** What a write wrote. */
  readonly bytes: Uint8Array
}

export interface ObservedStorage extends Storage {
  readonly calls: Call[]
  /** Waiting calls for which this holds are not begun before `release`. */
  hold: ((call: Call) => boolean) | undefined
  /** Calls held back just now. */
  readonly held: Call[]
  release(): void
  /** Writes of commit groups, in order: what begins with a group's magic. */
  groups(): Call[]
}

const NO_BYTES = new Uint8Array(0)
const GROUP_MAGIC = Buffer.from('WGRP')

export function isGroup(call: Call): boolean {
  return call.what === 'write' && GROUP_MAGIC.equals(call.bytes.subarray(0, 4))
}

export function observed(inner: Storage = fd()): ObservedStorage {
  const calls: Call[] = []
  const held: Call[] = []
  const names = new Map<string, string>()
  let opened: (() => void)[] = []

  const note = (what: Call['what'], path: string, more: Partial<Call> = {}): Call => {
    const name = basename(path)
    const call = {
      what,
      file: names.get(name) ?? name,
      at: 0,
      length: 0,
      durable: false,
      bytes: NO_BYTES,
      ...more,
    }
    calls.push(call)
    return call
  }
  const begin = async (call: Call): Promise<void> => {
    while (storage.hold?.(call) === true) {
      held.push(call)
      await new Promise<void>((resolve) => opened.push(resolve))
    }
  }
  const wrote = (from: Uint8Array, at: number, durable: boolean): Partial<Call> => ({
    at,
    length: from.length,
    durable,
    bytes: from.slice(),
  })

  const wrap = (file: StorageFile): StorageFile => ({
    path: file.path,
    size: () => file.size(),
    sizeSync: () => file.sizeSync(),
    async read(into, at) {
      await begin(note('read', file.path, { at, length: into.length }))
      return await file.read(into, at)
    },
    readSync(into, at) {
      note('read', file.path, { at, length: into.length })
      return file.readSync(into, at)
    },
    async write(from, at, durable) {
      await begin(note('write', file.path, wrote(from, at, durable)))
      await file.write(from, at, durable)
    },
    writeSync(from, at, durable) {
      note('write', file.path, wrote(from, at, durable))
      file.writeSync(from, at, durable)
    },
    async sync() {
      await begin(note('sync', file.path))
      await file.sync()
    },
    syncSync() {
      note('sync', file.path)
      file.syncSync()
    },
    async truncate(size) {
      await begin(note('truncate', file.path, { at: size }))
      await file.truncate(size)
    },
    truncateSync(size) {
      note('truncate', file.path, { at: size })
      file.truncateSync(size)
    },
    view: (at, length) => file.view(at, length),
    close: () => file.close(),
    closeSync: () => file.closeSync(),
  })
  const renamed = (from: string, to: string): void => {
    names.set(basename(from), basename(to))
    note('rename', to)
  }

  const storage: ObservedStorage = {
    ...inner,
    calls,
    held,
    hold: undefined,
    release() {
      storage.hold = undefined
      held.length = 0
      const all = opened
      opened = []
      for (const resolve of all) resolve()
    },
    groups: () => calls.filter(isGroup),
    async open(path: string, mode: OpenMode) {
      note('open', path)
      return wrap(await inner.open(path, mode))
    },
    openSync(path: string, mode: OpenMode) {
      note('open', path)
      return wrap(inner.openSync(path, mode))
    },
    async rename(from, to) {
      await inner.rename(from, to)
      renamed(from, to)
    },
    renameSync(from, to) {
      inner.renameSync(from, to)
      renamed(from, to)
    },
    async remove(path) {
      note('remove', path)
      await inner.remove(path)
    },
    async syncDir(dir) {
      await begin(note('syncDir', dir))
      await inner.syncDir(dir)
    },
    syncDirSync(dir) {
      note('syncDir', dir)
      inner.syncDirSync(dir)
    },
  }
  return storage
}
