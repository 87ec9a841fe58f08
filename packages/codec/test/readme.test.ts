import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const packageDir = fileURLToPath(new URL('..', import.meta.url))

it('the README opens with code that runs and prints what it says', () => {
  const readme = readFileSync(`${packageDir}/README.md`, 'utf8')
  const code = /^```js\n(.*?)^```$/ms.exec(readme)![1]!
  const promised = [...code.matchAll(/console\.log\(.*\)\s*\/\/ (.*)$/gm)].map((match) => match[1])
  expect(promised).toHaveLength(5)
  // Resolved by the package's own name, so this also tries what was built and the `exports` that
  // lead to it.
  const args = ['--input-type=module', '--eval', code]
  const printed = execFileSync(process.execPath, args, { cwd: packageDir, encoding: 'utf8' })
  expect(printed.trimEnd().split('\n')).toEqual(promised)
})
