import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { matchBeginning } from '../src/compare.ts'
import { Input } from '../src/input.ts'

async function inputOf(text: string): Promise<Input> {
  const dir = mkdtempSync(join(tmpdir(), 'walrus-compare-'))
  writeFileSync(join(dir, 'input'), text)
  const input = await Input.open(join(dir, 'input'))
  onTestFinished(async () => {
    await input.close()
    rmSync(dir, { recursive: true })
  })
  return input
}

async function* chunks(...texts: string[]): AsyncGenerator<Buffer, void, void> {
  for (const text of texts) yield Buffer.from(text)
}

describe('the input', () => {
  test('counts its lines and bytes as if its last line were complete', async () => {
    expect(await inputOf('a\nb\n')).toMatchObject({ lines: 2, bytes: 4 })
    expect(await inputOf('a\n\nb')).toMatchObject({ lines: 3, bytes: 5 })
    expect(await inputOf('')).toMatchObject({ lines: 0, bytes: 0 })
  })

  test('is read from any byte to its end, with the newline it lacks', async () => {
    const input = await inputOf('ab\nc')
    const into = Buffer.alloc(3)
    expect(String(await input.read(into, 0))).toBe('ab\n')
    expect(String(await input.read(into, 3))).toBe('c\n')
    expect(String(await input.read(into, 4))).toBe('\n')
    expect(String(await input.read(into, 5))).toBe('')
  })
})

describe('output that is a beginning of the input', () => {
  test.each([
    [['one\ntwo\nthree\n'], { bytes: 14, lines: 3 }],
    [['one\nt', 'wo\n'], { bytes: 8, lines: 2 }],
    [[], { bytes: 0, lines: 0 }],
  ])('%j matches', async (texts, matched) => {
    expect(await matchBeginning(chunks(...texts), await inputOf('one\ntwo\nthree'))).toEqual(
      matched,
    )
  })
})

describe('output that differs', () => {
  test.each([
    [
      'a changed byte',
      ['one\ntw', 'O\nthree\n'],
      'line 2, byte 6: expected "o\\nthree\\n", got "O\\nthree\\n"',
    ],
    ['a missing line', ['one\nthree\n'], 'line 2, byte 5: expected "wo'],
    ['a line twice', ['one\none\n'], 'line 2, byte 4: expected "two'],
    [
      'a line too many',
      ['one\ntwo\nthree\nfour\n'],
      'line 4, byte 14: the output goes on after the end of the input',
    ],
    ['half a line', ['one\ntw'], 'the output ends inside line 2, at byte 6'],
  ])('%s is found and named by line and byte', async (_what, texts, message) => {
    const matching = matchBeginning(chunks(...texts), await inputOf('one\ntwo\nthree'))
    await expect(matching).rejects.toThrow(message)
  })
})
