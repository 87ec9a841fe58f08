/** A small file system of its own, and a file in it that takes the space. Only root may mount one. */

import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { hold, temporaryDirectory } from './resources.ts'

const MIB = 2 ** 20
const BYTES = 8 * MIB

export const FILE_SYSTEMS = ['ext4', 'tmpfs'] as const

export interface Disk {
  readonly path: string
  /** Bytes that are free. */
  free(): number
  unmount(): void
}

/** Mounts one. @throws Error with one line that says what is missing */
export function mountDisk(type: (typeof FILE_SYSTEMS)[number]): Disk {
  if (process.platform !== 'linux') throw new Error('file systems are mounted on Linux only')
  if (process.getuid?.() !== 0) throw new Error('only root may mount a file system')
  const { path: root, remove } = temporaryDirectory()
  const path = join(root, 'disk')
  mkdirSync(path)
  try {
    if (type === 'tmpfs') {
      run('mount', '-t', 'tmpfs', '-o', `size=${BYTES}`, 'walrus-real-faults', path)
    } else {
      const image = join(root, 'image')
      writeFileSync(image, '')
      truncateSync(image, BYTES)
      run('mkfs.ext4', '-q', '-b', '1024', '-m', '0', image)
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
  return { path, free, unmount }
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

/** Takes space, and gives it back. */
export class Filler {
  readonly #fd: number

  constructor(disk: Disk) {
    this.#fd = openSync(join(disk.path, 'filler'), 'w')
  }

  /** Leaves so many bytes, as exactly as the file system counts. */
  fill(left: number): void {
    this.free()
    let at = 0
    for (let size = MIB; size >= 512; size /= 2) {
      const chunk = Buffer.alloc(size, 1)
      try {
        for (;;) at += writeSync(this.#fd, chunk, 0, size, at)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    }
    ftruncateSync(this.#fd, Math.max(0, at - left))
  }

  free(): void {
    ftruncateSync(this.#fd, 0)
  }

  close(): void {
    closeSync(this.#fd)
  }
}
