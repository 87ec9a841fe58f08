import { describe, expect, test } from 'vitest'
import { escapeBytes, escapeJson, escapeText, excerpt } from '../src/escape.ts'

describe('data on a terminal', () => {
  test('escape sequences cannot move the cursor or set the title', () => {
    expect(escapeText('\u001b[2J\u001b]0;owned\u0007')).toBe('\\x1b[2J\\x1b]0;owned\\x07')
    expect(escapeText('a\u009b31mb\u007f')).toBe('a\\x9b31mb\\x7f')
  })

  test('line ends inside an entry are shown, a tab stays', () => {
    expect(escapeText('a\nb\r\tc\0')).toBe('a\\nb\\r\tc\\0')
  })

  test('text cannot be reordered', () => {
    expect(escapeText('a\u202eb\u2066c\u200f')).toBe('a\\u202eb\\u2066c\\u200f')
  })

  test('other text is left alone', () => {
    const text = 'Grüße, 世界 👩‍🚀 «x» \\n "q"'
    expect(escapeText(text)).toBe(text)
    expect(escapeBytes(Buffer.from(text))).toBe(text)
  })

  test('bytes that are not UTF-8 are shown one by one between the text', () => {
    expect(escapeBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3, 0x62]))).toBe('a\\xffé\\xc3b')
    expect(escapeBytes(Buffer.from([0xe2, 0x82]))).toBe('\\xe2\\x82')
    expect(escapeBytes(Buffer.from([0xc0, 0x80, 0xed, 0xa0, 0x80]))).toBe(
      '\\xc0\\x80\\xed\\xa0\\x80',
    )
  })
})

test('JSON made safe is the same JSON', () => {
  const value = { data: 'a\u007f\u009b\u202e\u001b\n' }
  const safe = escapeJson(JSON.stringify(value))
  expect(safe).toMatch(/^[\x20-\x7e]*$/)
  expect(JSON.parse(safe)).toEqual(value)
})

describe('an excerpt', () => {
  test('is one quoted line in which quotes, backslashes and tabs are escaped', () => {
    expect(excerpt(Buffer.from('say "hi"\t\\\n'), 48)).toBe('"say \\"hi\\"\\t\\\\\\n"')
  })

  test('says where more follows, and may end inside a character', () => {
    expect(excerpt(Buffer.from('abcdef'), 3)).toBe('"abc"…')
    expect(excerpt(Buffer.from('aé'), 2)).toBe('"a\\xc3"…')
    expect(excerpt(Buffer.from('abc'), 3)).toBe('"abc"')
  })
})
