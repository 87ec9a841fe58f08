/** How long a log takes to open, and in how much memory: after a clean close, and after a kill. */

import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { withDirectory } from './directories.ts'
import type { Opening } from './open-log.ts'
import { type StorageName, storageNamed } from './storages.ts'
import type { Subject } from './subject.ts'
import { fill } from './walrus.ts'
import { FRAME_BYTES } from './workload.ts'

const MIB = 1 << 20

/** Large enough that a scan at 1 GB/s takes a time that can be told from noise. */
const KILLED_SEGMENT_BYTES = 128 * MIB

/** Milliseconds: less than this is noise, and would make the rate anything. */
const LEAST_RECOVERY = 1

/** Of a log with very many entries, and how many of them are read. */
const SMALL_PAYLOAD = Uint8Array.from({ length: 8 }, (_, at) => at + 1)
const RANDOM_READS = 100_000

const execute = promisify(execFile)

function program(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url))
}

async function openInFreshProcess(
  directory: string,
  storage: StorageName = 'fd',
  reads = 0,
): Promise<Opening> {
  const args = [program('open-log'), directory, storage, String(reads)]
  const { stdout } = await execute(process.execPath, args)
  return JSON.parse(stdout) as Opening
}

/** Opens a cleanly closed log of so many entries; 0 for one that was created and closed. */
export async function openClosed(directory: string, entries: number): Promise<Subject> {
  await fill(directory, entries)
  return {
    async run() {
      const { milliseconds, rssBytes, lastIndex } = await openInFreshProcess(directory)
      if (lastIndex !== entries) throw new Error(`opened ${lastIndex} of ${entries} entries`)
      return { values: { milliseconds, rssMiB: rssBytes / MIB } }
    },
  }
}

/** Opens a cleanly closed log of so many entries without data to speak of, and gets some of them at random. */
export async function openAndRead(
  directory: string,
  name: StorageName,
  entries: number,
): Promise<Subject> {
  const storage = await storageNamed(name)
  await fill(directory, entries, { payload: SMALL_PAYLOAD, storage })
  return {
    async run() {
      const opening = await openInFreshProcess(directory, name, RANDOM_READS)
      const { milliseconds, readRssBytes, lastIndex } = opening
      if (lastIndex !== entries) throw new Error(`opened ${lastIndex} of ${entries} entries`)
      return { values: { milliseconds, rssMiB: readRssBytes / MIB } }
    },
  }
}

/**
 * Kills a process while it appends to a nearly full segment, opens that log, and then again after the clean close that
 * followed. What the first opening took longer is the recovery; its rate counts the bytes of the frames found (no group
 * headers, none of the zeros behind them), so it is rather too low than too high.
 */
export function openKilled(directory: string, durability: 'commit' | 'none'): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        await fillAndKill(path, durability)
        const killed = await openInFreshProcess(path)
        const clean = await openInFreshProcess(path)
        if (clean.lastIndex !== killed.lastIndex) {
          throw new Error(`${killed.lastIndex} entries after the kill, ${clean.lastIndex} after it`)
        }
        const bytes = killed.lastIndex * FRAME_BYTES
        if (bytes < KILLED_SEGMENT_BYTES * 0.8 || bytes > KILLED_SEGMENT_BYTES) {
          throw new Error(`${bytes} bytes are not most of one segment of ${KILLED_SEGMENT_BYTES}`)
        }
        const recovery = Math.max(killed.milliseconds - clean.milliseconds, LEAST_RECOVERY)
        return {
          values: {
            gigabytesPerSecond: bytes / 1e9 / (recovery / 1e3),
            killedMilliseconds: killed.milliseconds,
            cleanMilliseconds: clean.milliseconds,
          },
        }
      }),
  }
}

async function fillAndKill(directory: string, durability: string): Promise<void> {
  const child = fork(program('fill-until-killed'), [
    directory,
    String(KILLED_SEGMENT_BYTES),
    durability,
  ])
  const exited = once(child, 'exit')
  const [message] = await Promise.race([once(child, 'message'), exited])
  if (message !== 'nearly full') throw new Error(`the process to be killed ended first: ${message}`)
  child.kill('SIGKILL')
  await exited
}
