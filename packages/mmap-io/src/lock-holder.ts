/**
 * Who holds a lock. The kernel does not say it of a lock that belongs to an open file, but Linux lists
 * the locks of each descriptor in /proc/PID/fdinfo, of the processes that this one may look into.
 */

import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs'

/** @returns the lowest number of a process that holds a lock on the file; undefined if none is seen */
export function findHolder(fd: number): number | undefined {
  const file = fstatSync(fd)
  const processes = namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
  return processes.find((pid) =>
    namesIn(`/proc/${pid}/fd`).some((name) => {
      try {
        const { dev, ino } = statSync(`/proc/${pid}/fd/${name}`)
        if (dev !== file.dev || ino !== file.ino) return false
        return /^lock:.*\bOFDLCK\b/m.test(readFileSync(`/proc/${pid}/fdinfo/${name}`, 'latin1'))
      } catch {
        // Closed meanwhile, or not for this process to see: it tells nothing.
        return false
      }
    }),
  )
}

/** Empty for a folder that is gone, or closed to this process. */
function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
