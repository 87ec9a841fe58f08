import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { writeCorpus } from '../src/corpus.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-corpus-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, 'modules/b'), { recursive: true })
})

describe('a text made of the installed packages', () => {
  test('joins sources, documentation and licences in order, and nothing else', async () => {
    writeFileSync(join(dir, 'modules/b/index.js'), 'code\n')
    writeFileSync(join(dir, 'modules/b/LICENSE'), 'licence\n')
    writeFileSync(join(dir, 'modules/b/addon.node'), 'binary\n')
    writeFileSync(join(dir, 'modules/a.md'), 'words\n')
    symlinkSync(join(dir, 'modules/a.md'), join(dir, 'modules/c.md'))
    const bytes = await writeCorpus(join(dir, 'modules'), join(dir, 'out'), 19)
    expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('words\nlicence\ncode\n')
    expect(bytes).toBe(19)
  })

  test('repeats itself until it is long enough', async () => {
    writeFileSync(join(dir, 'modules/a.txt'), 'again\n')
    expect(await writeCorpus(join(dir, 'modules'), join(dir, 'out'), 13)).toBe(18)
    expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('again\nagain\nagain\n')
  })

  test('is not made of nothing', async () => {
    await expect(writeCorpus(join(dir, 'modules'), join(dir, 'out'), 1)).rejects.toThrow(
      'there is no text',
    )
  })
})
