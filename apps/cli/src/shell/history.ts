/** The lines of earlier sessions, in a file of the person's own. A shell without one works as well. */
import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

function path(): string {
  return process.env['WALRUS_HISTORY'] || join(homedir(), '.walrus_history')
}

/** The newest first, as readline has them. */
export function readHistory(): string[] {
  try {
    return readFileSync(path(), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .reverse()
  } catch {
    return []
  }
}

/** @param lines the newest first */
export function writeHistory(lines: readonly string[]): void {
  try {
    writeFileSync(path(), `${lines.toReversed().join('\n')}\n`, { mode: 0o600 })
  } catch {
    // A home that cannot be written to is no reason to end with an error.
  }
}
