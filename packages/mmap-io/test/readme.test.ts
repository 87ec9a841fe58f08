import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const packageDir = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${packageDir}/README.md`, 'utf8')

it('the README opens with code that runs and prints what it says', () => {
  const code = /^```js\n(.*?)^```$/ms.exec(readme)![1]!
  const promised = [...code.matchAll(/console\.log\(.*\)\s*\/\/ (.*)$/gm)].map((match) => match[1])
  expect(promised).toHaveLength(3)
  const args = ['--input-type=module', '--eval', code]
  const printed = execFileSync(process.execPath, args, { cwd: packageDir, encoding: 'utf8' })
  expect(printed.trimEnd().split('\n')).toEqual(promised)
})

it('the README names everything the package exports', async () => {
  const names = Object.keys(await import('@walrus/mmap-io')).filter((name) => name !== 'default')
  const families = /^(PROT|MAP|MADV|POSIX_FADV)_/
  const missing = names.filter((name) => !families.test(name) && !readme.includes(name))
  expect(missing).toEqual([])
})
