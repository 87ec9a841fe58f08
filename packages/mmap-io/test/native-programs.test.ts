/** Plain programs, which also run under the sanitizers: hostile arguments, and a million maps. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'

// They take seconds, and many more beside others or under a sanitizer.
vi.setConfig({ testTimeout: 600_000 })

async function run(program: string, ...args: string[]): Promise<string> {
  const path = fileURLToPath(new URL(`native/${program}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', path, ...args])
  return stdout
}

// Another seed each day; the one of a failure is in its message.
const today = Math.floor(Date.now() / 86_400_000)
it.each([1, 2, 3, today])('hostile arguments are refused by a code, seed %i', async (seed) => {
  expect(await run('fuzz.js', String(seed))).toMatch(/ok\n$/)
})

it('a million maps and unmaps leave nothing behind', async () => {
  expect(await run('leak.js')).toMatch(/^leak: 1000000 maps/)
})
