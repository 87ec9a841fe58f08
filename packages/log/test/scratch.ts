/** Directories for the tests of a file, removed when it is done. */

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

// Thousands of small files are made, and nothing is synced: in memory where the system has a place for that.
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export interface Scratch {
  /** A new, empty directory. */
  fresh(): string
  /** A new directory that holds what another does. */
  copyOf(dir: string): string
}

/** To be called at the top of a test file. */
export function scratch(): Scratch {
  let root = ''
  beforeAll(() => {
    root = mkdtempSync(join(BASE, 'walrus-log-'))
  })
  afterAll(() => {
    rmSync(root, { recursive: true, force: true })
  })
  const fresh = (): string => mkdtempSync(join(root, 'log-'))
  return {
    fresh,
    copyOf(dir) {
      const copy = fresh()
      cpSync(dir, copy, { recursive: true })
      return copy
    },
  }
}

/** Every file in a directory and its bytes, by name; the writer's lock left out. */
export function filesIn(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => !/^LOCK\b/.test(name) && statSync(join(dir, name)).isFile())
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(dir, name), 'latin1')]))
}
