/**
 * Plain programs, which also run under the sanitizers: hostile arguments, a million operations, rings
 * by the thousand; and the ring without JavaScript.
 */

import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'
import { scratch } from './scratch.ts'

// They take seconds, and many more beside others or under a sanitizer.
vi.setConfig({ testTimeout: 600_000 })

const { dir } = scratch()
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

async function run(program: string, ...args: string[]): Promise<string> {
  const all = ['--expose-gc', path(`native/${program}`), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, all)
  return stdout
}

// Another seed each day; the one of a failure is in its message.
const today = Math.floor(Date.now() / 86_400_000)
it.each([1, 2, 3, today])('hostile arguments are refused by a code, seed %i', async (seed) => {
  expect(await run('fuzz.js', String(seed))).toMatch(/ok\n$/)
})

it('a million operations leave nothing behind', async () => {
  expect(await run('leak.js')).toMatch(/^leak: 1000000 operations/)
})

it('opening and closing rings leaves nothing behind', async () => {
  expect(await run('leak-rings.js')).toMatch(/^leak: 20000 rings/)
})

const hasCompiler = spawnSync('cc', ['--version']).status === 0
it.skipIf(!hasCompiler)('a ring knows its thread and its process (needs cc)', () => {
  const program = join(dir(), 'ring-core')
  const sources = ['programs/ring-core.c', '../native/uring.c'].map(path)
  const flags = [
    '-std=c11',
    '-D_GNU_SOURCE',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-I',
    path('../native'),
  ]
  execFileSync('cc', [...flags, '-pthread', '-o', program, ...sources])
  expect(execFileSync(program, { encoding: 'utf8' })).toBe('')
})
