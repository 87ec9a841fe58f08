/** What must not stay behind: processes, mounts, directories. Let go of in the reverse order, also when interrupted. */

import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const held = new Set<() => void>()

/** Notes how something is let go of; what is returned lets go of it, once. */
export function hold(letGo: () => void): () => void {
  const once = (): void => {
    if (held.delete(once)) letGo()
  }
  held.add(once)
  return once
}

/** Lets go of everything, the newest first; what cannot be let go of does not keep the rest. */
export function letGoOfAll(): void {
  const failures: unknown[] = []
  for (const letGo of [...held].toReversed()) {
    try {
      letGo()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'something stays behind')
}

/** On Ctrl-C, SIGTERM and SIGHUP lets go of everything, then ends as the signal asks. */
export function letGoOnSignals(): void {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => {
      letGoOfAll()
      process.exit(128 + number)
    })
  }
  process.once('exit', letGoOfAll)
}

/** A new temporary directory. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  // Without symbolic links: strace knows files by their real paths.
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'walrus-real-faults-'))
  return { path, remove: hold(() => removeAll(path)) }
}

/** Removes a directory in which a process that was just killed may still be making a file. */
function removeAll(path: string): void {
  for (let tries = 0; tries < 100; tries++) {
    // With retries of its own it would give up without a word.
    rmSync(path, { recursive: true, force: true, maxRetries: 1 })
    if (!existsSync(path)) return
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
  throw new Error(`${path} cannot be removed`)
}
