import { readFileSync } from 'node:fs'

/** How many maps this process has of a file, or of files below a directory. */
export function mapsOf(path: string): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${path}`)).length
}
