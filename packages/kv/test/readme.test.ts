import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const packageDir = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
const dir = mkdtempSync(join(tmpdir(), 'walrus-kv-readme-'))
const modules = join(dir, 'node_modules', '@walrus')
mkdirSync(modules, { recursive: true })
symlinkSync(packageDir, join(modules, 'kv'))
symlinkSync(join(packageDir, 'node_modules', '@walrus', 'log'), join(modules, 'log'))

afterAll(() => rmSync(dir, { recursive: true }))

/** Runs code where the packages it names are installed, as they were built; the lines it prints. */
function run(code: string): string[] {
  const args = ['--input-type=module', '--eval', code]
  return execFileSync(process.execPath, args, { cwd: dir, encoding: 'utf8' }).trimEnd().split('\n')
}

it('the README opens with code', () => {
  expect(readme).toMatch(/^# @walrus\/kv\n\n```js\n/)
  expect(blocks).toHaveLength(4)
})

it.each(blocks)('block %# of the README runs and prints what it says', (code) => {
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].flatMap((match) =>
    match[1]!.split(', then '),
  )
  expect(promised.length).toBeGreaterThan(0)
  expect(run(code)).toEqual(promised)
})

it('the README names every code that the errors of the store have', () => {
  const errors = readFileSync(join(packageDir, 'src', 'errors.ts'), 'utf8')
  const codes = new Set<string>(errors.match(/WALRUS_[A-Z_0-9]+/g) ?? [])
  expect(codes.size).toBeGreaterThan(6)
  const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Memory'))
  for (const code of codes) expect(table).toContain(code)
})
