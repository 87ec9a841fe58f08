import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const packageDir = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)

/** Runs code where `@walrus/log` is installed, as it was built; the lines it prints. */
function run(code: string): string[] {
  const modules = join(dir(), 'node_modules', '@walrus')
  mkdirSync(modules, { recursive: true })
  symlinkSync(packageDir, join(modules, 'log'))
  const args = ['--input-type=module', '--eval', code]
  return execFileSync(process.execPath, args, { cwd: dir(), encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

it('the README opens with code', () => {
  expect(readme).toMatch(/^# @walrus\/log\n\n```js\n/)
  expect(blocks).toHaveLength(11)
})

it.each(blocks)('block %# of the README runs and prints what it says', (code) => {
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].flatMap((match) =>
    match[1]!.split(', then '),
  )
  expect(promised.length).toBeGreaterThan(0)
  expect(run(code)).toEqual(promised)
})

it('the README names every code that the errors of the log have', () => {
  const errors = readFileSync(join(packageDir, 'src', 'errors.ts'), 'utf8')
  const codes = new Set<string>(errors.match(/WALRUS_[A-Z_]+/g) ?? [])
  expect(codes.size).toBeGreaterThan(11)
  const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Memory'))
  for (const code of codes) expect(table).toContain(code)
})
