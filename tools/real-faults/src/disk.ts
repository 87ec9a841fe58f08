/** A small file system of its own, and a file in it that takes the space. Only root may mount one. */

import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  rmdirSync,
  statfsSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { hold, temporaryDirectory } from './resources.ts'

const MIB = 2 ** 20

/** The last one copies on write: also what is only written over needs space. */
export const FILE_SYSTEMS = ['ext4', 'tmpfs', 'btrfs'] as const
export type FileSystem = (typeof FILE_SYSTEMS)[number]

const BYTES: Readonly<Record<FileSystem, number>> = {
  ext4: 8 * MIB,
  tmpfs: 8 * MIB,
  // Its least is 16.
  btrfs: 24 * MIB,
}
const MAKE = {
  ext4: ['mkfs.ext4', '-q', '-b', '1024', '-m', '0'],
  // One place for data and metadata, which so small a disk needs.
  btrfs: ['mkfs.btrfs', '-q', '--mixed', '--metadata', 'single', '--data', 'single'],
} as const

export interface Disk {
  readonly path: string
  /** Whether every change takes space, also a cut or a new name. */
  readonly copies: boolean
  /** Bytes that are free. */
  free(): number
  unmount(): void
}

/** Mounts one. @throws Error with one line that says what is missing */
export function mountDisk(type: FileSystem, bytes: number = BYTES[type]): Disk {
  if (process.platform !== 'linux') throw new Error('file systems are mounted on Linux only')
  if (process.getuid?.() !== 0) throw new Error('only root may mount a file system')
  const { path: root, remove } = temporaryDirectory()
  const path = join(root, 'disk')
  mkdirSync(path)
  try {
    if (type === 'tmpfs') {
      run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'walrus-real-faults', path)
    } else {
      const image = join(root, 'image')
      writeFileSync(image, '')
      truncateSync(image, bytes)
      const [command, ...args] = MAKE[type]
      run(command, ...args, image)
      // The loop device goes with the mount.
      run('mount', '-o', 'loop', image, path)
    }
  } catch (error) {
    remove()
    throw error
  }
  const unmount = hold(() => {
    try {
      run('umount', path)
    } catch {
      // Something still has a file open, which goes with the process.
      run('umount', '--lazy', path)
    }
    remove()
  })
  const free = (): number => {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  }
  return { path, copies: type === 'btrfs', free, unmount }
}

function run(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(`${command} is not installed`, { cause: error })
    }
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(`${command} failed: ${said.trim().split('\n')[0]}`, { cause: error })
  }
}

/** A file system on a disk that can be made to take no more writes. */
export class FailingDisk {
  readonly path: string
  readonly #image: string
  readonly #below: Disk
  readonly #unmount: () => void
  #mounted = false

  /** Mounts one. @throws Error with one line that says what is missing */
  constructor() {
    // On a file system of its own, because not every one keeps an open file from being written.
    this.#below = mountDisk('ext4', 40 * MIB)
    this.#image = join(this.#below.path, 'image')
    this.path = join(this.#below.path, 'disk')
    this.#unmount = hold(() => {
      if (this.#mounted) run('umount', '--lazy', this.path)
      run('chattr', '-i', this.#image)
    })
    mkdirSync(this.path)
    writeFileSync(this.#image, Buffer.alloc(24 * MIB))
    run(...MAKE.ext4, this.#image)
    this.#mount()
  }

  /** From now on each write to the disk fails; what is only in the page cache can still be read. */
  fail(): void {
    run('chattr', '+i', this.#image)
  }

  /** Shows what the disk has, as after a power loss. It takes writes again. */
  mountAgain(): void {
    run('umount', this.path)
    this.#mounted = false
    run('chattr', '-i', this.#image)
    this.#mount()
  }

  unmount(): void {
    this.#unmount()
    this.#below.unmount()
  }

  #mount(): void {
    run('mount', '-o', 'loop', this.#image, this.path)
    this.#mounted = true
  }
}

/** Takes space, and gives it back: in files, because one that copies on write may not cut a file when it is full. */
export class Filler {
  readonly #dir: string
  /** Bytes of each file. */
  readonly #files: number[] = []

  constructor(disk: Disk) {
    this.#dir = join(disk.path, 'filler')
    mkdirSync(this.#dir)
  }

  /** Leaves so many bytes, as exactly as the file system counts. */
  fill(left: number): void {
    this.free()
    for (let size = MIB; size >= 512; size /= 2) while (this.#add(size));
    let free = 0
    while (free < left && this.#files.length > 0) free += this.#removeLast()
    this.#add(free - left)
  }

  free(): void {
    while (this.#files.length > 0) this.#removeLast()
  }

  close(): void {
    rmdirSync(this.#dir)
  }

  /** Adds a file, as large as there is space for; says whether that was all of it. */
  #add(size: number): boolean {
    const path = this.#pathOf(this.#files.length)
    const whole = write(path, size)
    if (existsSync(path)) this.#files.push(whole ? size : statSync(path).size)
    return whole
  }

  #removeLast(): number {
    const size = this.#files.pop()!
    unlinkSync(this.#pathOf(this.#files.length))
    return size
  }

  #pathOf(number: number): string {
    return join(this.#dir, String(number))
  }
}

/** Writes a file; false where there is no space for all of it. */
function write(path: string, size: number): boolean {
  try {
    writeFileSync(path, Buffer.alloc(Math.max(0, size), 1))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}
