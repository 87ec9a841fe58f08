/** The examples of the README run and print what they say. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const packages = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(packages, 'storage-uring', 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
const dir = mkdtempSync(join(tmpdir(), 'walrus-readme-'))
const modules = join(dir, 'node_modules', '@walrus')
mkdirSync(modules, { recursive: true })
for (const name of ['log', 'storage-uring']) symlinkSync(join(packages, name), join(modules, name))
afterAll(() => rmSync(dir, { recursive: true }))

it('has two', () => {
  expect(blocks).toHaveLength(2)
})

it.each(blocks)('block %#', (code) => {
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1])
  const args = ['--input-type=module', '--eval', code]
  const printed = execFileSync(process.execPath, args, { cwd: dir, encoding: 'utf8' })
  expect(printed.trimEnd().split('\n')).toEqual(promised)
})
