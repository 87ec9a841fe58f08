/** What a figure must be read beside: the machine, and what its disk did in the same minutes. */

import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Conditions {
  readonly node: string
  readonly kernel: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  /** Type, source and options of the filesystem the data is on; `unknown` where the system does not say. */
  readonly filesystem: string
  /** Processes that ran or waited for the disk, on average, in the last minute before the start. */
  readonly load: number
  readonly started: string
}

export async function conditions(directory: string): Promise<Conditions> {
  return {
    node: process.version,
    kernel: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    filesystem: await filesystem(directory),
    load: loadavg()[0] ?? 0,
    started: new Date().toISOString(),
  }
}

/** Linux only: the mount with the longest prefix of the path. */
async function filesystem(directory: string): Promise<string> {
  let mounts: string
  try {
    mounts = await readFile('/proc/self/mounts', 'utf8')
  } catch {
    return 'unknown'
  }
  let longest = ''
  let found = 'unknown'
  for (const line of mounts.split('\n')) {
    const [device, at, kind, options] = line.split(' ')
    if (at === undefined || at.length < longest.length) continue
    const inside = at === '/' || directory === at || directory.startsWith(`${at}/`)
    if (inside) {
      longest = at
      found = `${kind} on ${device} (${options})`
    }
  }
  return found
}
