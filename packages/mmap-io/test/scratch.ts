/** Files for the tests of one file; closed and removed when it is done. */

import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

export interface Scratch {
  /** A new, empty directory. */
  dir(): string
  /** Opens a new file that holds `bytes`, or that many zeros (a sparse one), for reading and writing. */
  file(content: Uint8Array | number): { fd: number; path: string }
  /** Opens a file once more. */
  open(path: string, flags: string | number): number
}

/** To be called at the top of a test file. */
export function scratch(): Scratch {
  let root = ''
  const opened: number[] = []
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'walrus-mmap-io-'))
  })
  afterAll(() => {
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
    file(content) {
      const path = join(dir(), 'file')
      const fd = open(path, 'w+')
      if (typeof content === 'number') ftruncateSync(fd, content)
      else writeSync(fd, content)
      return { fd, path }
    },
  }
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
