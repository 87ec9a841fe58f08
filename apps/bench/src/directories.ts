/** Data directories: each run gets a fresh one, and none is left behind. */

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `use` with a new directory under `parent`, and removes it whatever happens. */
export async function withDirectory<T>(
  parent: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = await mkdtemp(join(parent, 'run-'))
  try {
    return await use(path)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

/** The temporary directory if it is on the filesystem of the working directory (it may be memory), else the latter. */
export async function defaultParent(): Promise<string> {
  const [temporary, working] = await Promise.all([stat(tmpdir()), stat(process.cwd())])
  return temporary.dev === working.dev ? tmpdir() : process.cwd()
}
