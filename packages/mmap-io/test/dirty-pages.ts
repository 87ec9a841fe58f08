import { readFileSync } from 'node:fs'

/** KiB of a file's maps in this process that were stored to and are not on disk. */
export function dirtyKib(path: string): number {
  const [entry = ''] = readFileSync('/proc/self/smaps', 'latin1')
    .split(/(?<=^VmFlags.*\n)/m)
    .filter((text) => text.includes(path))
  const amounts = entry.matchAll(/^(?:Shared|Private)_Dirty: +(\d+)/gm)
  return [...amounts].reduce((sum, [, kib]) => sum + Number(kib), 0)
}
