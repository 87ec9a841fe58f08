import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { dir } = scratch()
const packageDir = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${packageDir}/README.md`, 'utf8')

it('the README opens with code that runs and prints what it says', () => {
  const code = /^```ts\n(.*?)^```$/ms
    .exec(readme)![1]!
    .replace('@walrus/io_uring-node', new URL('../dist/index.js', import.meta.url).href)
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (\d+)/g)].map((match) => match[1])
  expect(promised).toHaveLength(1)
  const args = ['--input-type=module', '--eval', code]
  const printed = execFileSync(process.execPath, args, { cwd: dir(), encoding: 'utf8' })
  expect(printed.trimEnd().split('\n')).toEqual(promised)
})

it('the README names every method of a ring', async () => {
  const { Ring } = await import('@walrus/io_uring-node')
  const names = Object.getOwnPropertyNames(Ring.prototype).map((name) => name.replace(/Sync$/, ''))
  const missing = names.filter(
    (name) => !['constructor', 'deliver'].includes(name) && !readme.includes(name),
  )
  expect(missing).toEqual([])
})
