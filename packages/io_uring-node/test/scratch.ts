/** Files, pipes and rings for the tests of one file; closed and removed when it is done. */

import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ring, type RingOptions } from '@walrus/io_uring-node'
import { afterAll, beforeAll } from 'vitest'

export interface Scratch {
  /** A new, empty directory. */
  dir(): string
  /** Opens a new file that holds `content`, for reading and writing. */
  file(content?: string | Uint8Array): { fd: number; path: string }
  /** Opens a file once more. */
  open(path: string, flags: string | number): number
  /** A pipe with nothing in it, open for reading and writing. */
  pipe(): number
  ring(options?: RingOptions): Ring
}

/** To be called at the top of a test file. */
export function scratch(): Scratch {
  let root = ''
  const opened: number[] = []
  const rings: Ring[] = []
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'walrus-io-uring-'))
  })
  afterAll(async () => {
    for (const ring of rings) await ring.close()
    for (const fd of opened) closeSync(fd)
    rmSync(root, { recursive: true, force: true })
  })
  const dir = (): string => mkdtempSync(join(root, 'd-'))
  const open = (path: string, flags: string | number): number => {
    const fd = openSync(path, flags)
    opened.push(fd)
    return fd
  }
  return {
    dir,
    open,
    file(content = '') {
      const path = join(dir(), 'file')
      const fd = open(path, 'w+')
      writeSync(fd, Buffer.from(content))
      return { fd, path }
    },
    pipe() {
      const path = join(dir(), 'pipe')
      execFileSync('mkfifo', [path])
      return open(path, 'r+')
    },
    ring(options) {
      const ring = new Ring(options)
      rings.push(ring)
      return ring
    },
  }
}

/** What a promise is rejected with, or a call throws. */
export async function errorOf(run: () => unknown): Promise<Error & { code?: string }> {
  try {
    await run()
  } catch (error) {
    return error as Error
  }
  throw new Error('it succeeded')
}

/** The descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Collects garbage now, and runs what waits for it. */
export async function collect(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 5; i++) {
    gc()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
