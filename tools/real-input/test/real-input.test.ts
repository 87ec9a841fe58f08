import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
let dir: string

function realInput(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, TMPDIR: dir, INIT_CWD: dir }
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env })
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-real-input-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

describe('a text through the command line', () => {
  test('comes out equal after kills in every durability, and leaves nothing behind', {
    timeout: 120_000,
  }, () => {
    const lines = Array.from({ length: 200_000 }, (_, i) => `${i} ${'text '.repeat(i % 13)}`)
    writeFileSync(join(dir, 'input.txt'), lines.join('\n'))
    const { status, stdout, stderr } = realInput('input.txt', '--rounds', '3', '--seed', '1')
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toMatch(/round 1: commit, .*\nround 2: 10ms, .*\nround 3: none, /)
    expect(stdout).toMatch(/\nreal input: 3 rounds, 3 kills, 200000 lines, 7\.5 MB, all equal\n$/)
    expect(readdirSync(dir)).toEqual(['input.txt'])
  })

  test.each([
    ['a directory that is not empty', ['input.txt', '--dir', '.'], 1, 'is not empty'],
    ['an input that is not there', ['missing.txt'], 1, 'ENOENT'],
    ['fewer lines than kills need', ['input.txt'], 1, '5 rounds need 60 lines, not 2'],
    [
      'rounds that are no number',
      ['input.txt', '--rounds', 'many'],
      2,
      '--rounds must be a whole number',
    ],
    ['an option that is not known', ['input.txt', '--round', '3'], 2, "Unknown option '--round'"],
    ['two files', ['input.txt', 'input.txt'], 2, 'one file at a time'],
  ])('is refused: %s', (_what, args, status, message) => {
    writeFileSync(join(dir, 'input.txt'), 'one\ntwo\n')
    const ended = realInput(...args)
    expect(ended.stderr).toContain(message)
    expect(ended.status).toBe(status)
  })
})
