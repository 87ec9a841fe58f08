import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineSplitter } from '../src/lines.ts'

const NEWLINE = Buffer.from('\n')

function split(delimiter: Buffer, chunks: readonly Buffer[], maxLineBytes = 1024): string[] {
  const splitter = new LineSplitter(delimiter, maxLineBytes)
  const lines: Buffer[] = []
  for (const chunk of chunks) splitter.push(chunk, lines)
  splitter.end(lines)
  return lines.map((line) => line.toString('latin1'))
}

describe('cutting a stream into lines', () => {
  test('a last line without a newline counts, an empty one after the last newline does not', () => {
    expect(split(NEWLINE, [Buffer.from('a\nb')])).toEqual(['a', 'b'])
    expect(split(NEWLINE, [Buffer.from('a\nb\n')])).toEqual(['a', 'b'])
    expect(split(NEWLINE, [])).toEqual([])
  })

  test('empty lines are lines, and a carriage return stays', () => {
    expect(split(NEWLINE, [Buffer.from('\n\na\r\n')])).toEqual(['', '', 'a\r'])
  })

  test('a line inside one chunk is a view of it', () => {
    const chunk = Buffer.from('first\nsecond\n')
    const lines: Buffer[] = []
    new LineSplitter(NEWLINE, 10).push(chunk, lines)
    expect(lines.map((line) => line.buffer)).toEqual([chunk.buffer, chunk.buffer])
  })

  test('however the bytes are cut into chunks, the lines are the same', () => {
    const letters = fc
      .array(fc.constantFrom('a', 'b'), { maxLength: 40 })
      .map((all) => all.join(''))
    const delimiters = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 })
      .map((all) => all.join(''))
    const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(letters, delimiters, sizes, (text, delimiter, lengths) => {
        const chunks: Buffer[] = []
        let at = 0
        for (const length of lengths) {
          chunks.push(Buffer.from(text.slice(at, at + length)))
          at += length
        }
        chunks.push(Buffer.from(text.slice(at)))
        const expected = text.split(delimiter)
        if (expected.at(-1) === '') expected.pop()
        expect(split(Buffer.from(delimiter), chunks)).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a line that is too long', () => {
  test('is refused by line and byte, and the lines before it are handed out', () => {
    const splitter = new LineSplitter(NEWLINE, 3)
    const lines: Buffer[] = []
    expect(() => splitter.push(Buffer.from('abc\n\nabcd\n'), lines)).toThrow(
      expect.objectContaining({
        code: 'WALRUS_ENTRY_TOO_LARGE',
        message: expect.stringContaining('line 3 of the input, which starts at byte 5,'),
        offset: 5,
      }),
    )
    expect(lines.map(String)).toEqual(['abc', ''])
  })

  test('is refused as soon as it is, and not kept until its end', () => {
    const splitter = new LineSplitter(NEWLINE, 100)
    const lines: Buffer[] = []
    splitter.push(Buffer.alloc(60, 'x'), lines)
    expect(() => splitter.push(Buffer.alloc(60, 'x'), lines)).toThrow(
      expect.objectContaining({ code: 'WALRUS_ENTRY_TOO_LARGE', offset: 0 }),
    )
    expect(splitter.begunBytes).toBe(60)
  })

  test('a line of just the limit is taken, also when its delimiter is cut in two', () => {
    const delimiter = Buffer.from('\r\n')
    expect(split(delimiter, [Buffer.from('abc\r'), Buffer.from('\nd')], 3)).toEqual(['abc', 'd'])
    expect(() => split(delimiter, [Buffer.from('abc\r'), Buffer.from('d')], 3)).toThrow(/line 1 /)
    expect(() => split(delimiter, [Buffer.from('abc\r')], 3)).toThrow(/line 1 /)
  })
})
