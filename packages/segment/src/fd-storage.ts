/**
 * Storage on plain `node:fs`: runs wherever Node does, and is what the other storages fall back on.
 *
 * Assumes of the system what POSIX promises: a rename is atomic, fdatasync covers the data and the
 * size, and a synced directory keeps its names. Where a platform has no sync for directories
 * (Windows), a new name's durability is the file system's affair.
 */

import {
  close,
  closeSync,
  constants,
  fstat,
  fstatSync,
  open,
  openSync,
  renameSync,
  watch,
} from 'node:fs'
import * as fs from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { nodeEnvironment } from './fd-environment.ts'
import { FdFile } from './fd-file.ts'
import { lockHolder, takeLock } from './fd-lock.ts'
import type { NativeChecksums, OpenMode, Storage } from './storage.ts'
import { syncDirectory, syncDirectorySync } from './sync-directory.ts'
import { attempt, attemptSync, errnoOf, systemError } from './system-error.ts'

const DIRECTORY_MODE = 0o750
const FILE_MODE = 0o640

const OPEN_FLAGS: Readonly<Record<OpenMode, number>> = {
  // Not blocking matters only for what is no regular file: a named pipe would stop a thread for good.
  read: constants.O_RDONLY | (constants.O_NONBLOCK ?? 0),
  write: constants.O_RDWR | (constants.O_NONBLOCK ?? 0),
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}

export interface FdOptions {
  /**
   * Whether the log should write zeros ahead of its data, so that a durable write need not grow the
   * file. Default: true, which makes a durable write about 1.5 times as fast on common file systems.
   * Of no use on one that copies on write (btrfs, ZFS).
   */
  readonly zeroAhead?: boolean
}

function checkOptions(options: FdOptions): void {
  for (const name of Object.keys(options)) {
    if (name === 'zeroAhead') continue
    throw new WalrusError(
      'WALRUS_INVALID_OPTION',
      `fd has no option ${JSON.stringify(name)}; it has zeroAhead`,
    )
  }
  const { zeroAhead } = options
  if (zeroAhead !== undefined && typeof zeroAhead !== 'boolean') {
    throw new WalrusError(
      'WALRUS_INVALID_OPTION',
      `zeroAhead must be true or false, got ${String(zeroAhead)}`,
    )
  }
}

function notAFile(path: string): WalrusError {
  return new WalrusError('WALRUS_IO', `cannot open ${path}: it is not a regular file`, {
    file: path,
  })
}

/** Makes a file of a descriptor, which it takes over. */
export type MakeFile = (path: string, fd: number, writable: boolean) => FdFile

function openFile(path: string, mode: OpenMode, make: MakeFile): Promise<FdFile> {
  return new Promise((resolve, reject) => {
    open(path, OPEN_FLAGS[mode], FILE_MODE, (failed, fd) => {
      if (failed) return reject(systemError(failed, 'open', path))
      fstat(fd, (error, stats) => {
        if (!error && stats.isFile()) return resolve(make(path, fd, mode !== 'read'))
        close(fd, () => reject(error ? systemError(error, 'open', path) : notAFile(path)))
      })
    })
  })
}

function openFileSync(path: string, mode: OpenMode, make: MakeFile): FdFile {
  const fd = attemptSync('open', path, () => openSync(path, OPEN_FLAGS[mode], FILE_MODE))
  if (!attemptSync('open', path, () => fstatSync(fd).isFile())) {
    closeSync(fd)
    throw notAFile(path)
  }
  return make(path, fd, mode !== 'read')
}

/** Makes one directory; one that exists is fine. Resolves to false where the one above is missing. */
async function makeDirectory(dir: string): Promise<boolean> {
  try {
    await fs.mkdir(dir, DIRECTORY_MODE)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return false
    if (errno !== 'EEXIST') throw systemError(error, 'make the directory', dir)
    if ((await attempt('make the directory', dir, fs.stat(dir))).isDirectory()) return true
    throw new WalrusError('WALRUS_NOT_A_DIRECTORY', `cannot make the directory: ${dir} is a file`, {
      cause: error,
      file: dir,
    })
  }
}

/** Not `recursive: true`: with that, Node 20 reports a full or read-only disk as a missing directory. */
async function mkdir(dir: string): Promise<void> {
  if (await makeDirectory(dir)) return
  const above = dirname(dir)
  if (above !== dir) await mkdir(above)
  if (await makeDirectory(dir)) return
  throw new WalrusError('WALRUS_NOT_FOUND', `cannot make the directory: ${dir}`, { file: dir })
}

/**
 * Watches the directory, not the file, which may be renamed over. A watch that cannot be set up or
 * that fails gives no hints, and no error: whoever follows a file also asks now and then.
 */
function watchFile(path: string, changed: () => void): { close(): void } {
  const name = basename(path)
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, changedName) => {
      if (changedName === name || changedName === null) changed()
    })
    watcher.on('error', () => watcher.close())
    return { close: () => watcher.close() }
  } catch {
    return { close: () => {} }
  }
}

/** What tells one storage on descriptors from another. */
export interface DescriptorStorage {
  readonly name: string
  readonly align: number
  readonly canView: boolean
  readonly zeroAhead: boolean
  readonly checksums?: NativeChecksums
  /** Makes its files: `FdFile`, or what does some of that otherwise. */
  readonly file: MakeFile
}

/** A storage whose names, locks and clock are those of `fd()`, and whose files are its own. */
export function onDescriptors({ file, ...traits }: DescriptorStorage): Storage {
  const env = nodeEnvironment()
  return {
    ...traits,
    env,
    lock: (dir) => takeLock(dir, env),
    locked: (dir) => lockHolder(dir, env),
    list: (dir) => attempt('list', dir, fs.readdir(dir)),
    open: (path, mode) => openFile(path, mode, file),
    openSync: (path, mode) => openFileSync(path, mode, file),
    mkdir,
    rename: (from, to) => attempt(`rename to ${to}`, from, fs.rename(from, to)),
    renameSync: (from, to) => attemptSync(`rename to ${to}`, from, () => renameSync(from, to)),
    remove: (path) => attempt('remove', path, fs.unlink(path)),
    syncDir: syncDirectory,
    syncDirSync: syncDirectorySync,
    watch: watchFile,
  }
}

/** Makes the storage on plain `node:fs`. Durable writes use O_DSYNC where the system has it. */
export function fd(options: FdOptions = {}): Storage {
  checkOptions(options)
  return onDescriptors({
    name: 'fd',
    align: 1,
    canView: false,
    zeroAhead: options.zeroAhead ?? true,
    file: (path, descriptor, writable) => new FdFile(path, descriptor, writable),
  })
}
