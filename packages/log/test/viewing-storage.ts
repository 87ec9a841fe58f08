/** A storage with memory of its own, as a map is. */

import { fd, type Storage, type StorageFile } from '@walrus/segment'

/** `fd()` with views: of what a file held when the view was asked for; empty once it is closed. */
export function viewing(): Storage & { views: number } {
  const inner = fd()
  const withViews = (file: StorageFile): StorageFile => {
    const buffers: ArrayBuffer[] = []
    const { closeSync, close } = file
    const empty = (): void => {
      for (const buffer of buffers.splice(0)) structuredClone(buffer, { transfer: [buffer] })
    }
    file.view = (at, length) => {
      storage.views++
      const buffer = new ArrayBuffer(at + length)
      const view = new Uint8Array(buffer, at, file.readSync(new Uint8Array(buffer, at), at))
      buffers.push(buffer)
      return view
    }
    file.closeSync = () => {
      empty()
      closeSync.call(file)
    }
    file.close = async () => {
      empty()
      await close.call(file)
    }
    return file
  }
  const storage = {
    ...inner,
    views: 0,
    canView: true,
    lock: inner.lock.bind(inner),
    locked: inner.locked.bind(inner),
    list: inner.list.bind(inner),
    open: async (path: string, mode: 'read' | 'write' | 'create') =>
      withViews(await inner.open(path, mode)),
    openSync: (path: string, mode: 'read' | 'write' | 'create') =>
      withViews(inner.openSync(path, mode)),
    mkdir: inner.mkdir.bind(inner),
    rename: inner.rename.bind(inner),
    renameSync: inner.renameSync.bind(inner),
    remove: inner.remove.bind(inner),
    syncDir: inner.syncDir.bind(inner),
    syncDirSync: inner.syncDirSync.bind(inner),
    watch: inner.watch.bind(inner),
  }
  return storage
}
