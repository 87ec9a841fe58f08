import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeFrame, entryCodec } from '@walrus/codec'
import { expect, it } from 'vitest'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const packageDir = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)

/** Runs code where the packages are installed, as they were built, beside a Go log; the lines it prints. */
function run(code: string): string[] {
  const modules = join(dir(), 'node_modules', '@walrus')
  mkdirSync(modules, { recursive: true })
  symlinkSync(packageDir, join(modules, 'import'))
  symlinkSync(join(packageDir, '..', 'log'), join(modules, 'log'))
  mkdirSync(join(dir(), 'old'))
  const frames = [1n, 1n, 2n].map((term, at) =>
    encodeFrame(entryCodec('binary'), {
      index: BigInt(at + 1),
      term,
      data: Buffer.from('data'),
      timestamp: 0n,
      transactionId: '',
    }),
  )
  writeFileSync(join(dir(), 'old', 'segment_00000000000000000001.wal'), Buffer.concat(frames))
  const args = ['--input-type=module', '--eval', code]
  return execFileSync(process.execPath, args, { cwd: dir(), encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

it('the README opens with code', () => {
  expect(readme).toMatch(/^# @walrus\/import\n\n```js\n/)
  expect(blocks).toHaveLength(2)
})

it.each(blocks)('block %# of the README runs and prints what it says', (code) => {
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1]!)
  expect(promised.length).toBeGreaterThan(0)
  expect(run(code)).toEqual(promised)
})
