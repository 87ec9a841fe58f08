/** The example at the top of the README of `@walrus/storage-sim`, as it stands there. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const packages = fileURLToPath(new URL('../../../packages', import.meta.url))
const readme = readFileSync(join(packages, 'storage-sim', 'README.md'), 'utf8')
const example = /^```js\n(.*?)^```$/ms.exec(readme)![1]!
const dir = mkdtempSync(join(tmpdir(), 'walrus-readme-'))
const modules = join(dir, 'node_modules', '@walrus')
mkdirSync(modules, { recursive: true })
for (const name of ['log', 'storage-sim']) symlinkSync(join(packages, name), join(modules, name))
afterAll(() => rmSync(dir, { recursive: true }))

function run(code: string): string {
  const args = ['--input-type=module', '--eval', code]
  return execFileSync(process.execPath, args, { cwd: dir, encoding: 'utf8', stdio: 'pipe' })
}

describe('the example', () => {
  it('has at most twenty lines of code and runs', () => {
    const lines = example.split('\n').filter((line) => line.trim() !== '' && !/^\s*\/\//.test(line))
    expect(lines.length).toBeLessThanOrEqual(20)
    const counted = example.replace(') break', ') { console.log(call); break }')
    expect(counted).not.toBe(example)
    expect(Number(run(counted))).toBeGreaterThan(15)
  })

  it('fails for code that acknowledges too early', () => {
    const early = example.replace(
      '{ storage })\n    for',
      "{ storage, durability: 'none' })\n    for",
    )
    expect(early).not.toBe(example)
    expect(() => run(early)).toThrow('WALRUS_INDEX_OUT_OF_RANGE')
  })
})
