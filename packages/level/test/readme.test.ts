import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const packageDir = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
const dir = mkdtempSync(join(tmpdir(), 'walrus-level-readme-'))

afterAll(() => rmSync(dir, { recursive: true }))

/** Runs code where the packages it names are installed, as they were built; the lines it prints. */
function run(code: string): string[] {
  const modules = join(dir, 'node_modules')
  mkdirSync(join(modules, '@walrus'), { recursive: true })
  rmSync(join(modules, '@walrus', 'level'), { force: true })
  symlinkSync(packageDir, join(modules, '@walrus', 'level'))
  for (const name of ['@walrus/log', 'keyv']) {
    rmSync(join(modules, name), { force: true })
    symlinkSync(join(packageDir, 'node_modules', name), join(modules, name))
  }
  const args = ['--input-type=module', '--eval', code]
  return execFileSync(process.execPath, args, { cwd: dir, encoding: 'utf8' }).trimEnd().split('\n')
}

it('the README opens with code', () => {
  expect(readme).toMatch(/^# @walrus\/level\n\n```js\n/)
  expect(blocks).toHaveLength(3)
})

it.each(blocks)('block %# of the README runs and prints what it says', (code) => {
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1]!)
  expect(promised.length).toBeGreaterThan(0)
  expect(run(code)).toEqual(promised)
})
