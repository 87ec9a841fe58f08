import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import { parseDelimiter, parseDirectory, parseDurability, parseIndex } from '../src/values.ts'

describe('a delimiter', () => {
  test.each([
    ['\\n', [0x0a]],
    ['\\r\\n', [0x0d, 0x0a]],
    ['\\0', [0x00]],
    ['\\t|', [0x09, 0x7c]],
    ['\\x1E\\xff', [0x1e, 0xff]],
    ['a\\\\n', [0x61, 0x5c, 0x6e]],
    ['é', [0xc3, 0xa9]],
  ])('%s', (text, bytes) => {
    expect([...parseDelimiter(text)]).toEqual(bytes)
  })

  test.each(['', '\\', 'a\\', '\\q', '\\x', '\\x4', '\\xg0', '\\\n'])('%j is refused', (text) => {
    expect(() => parseDelimiter(text)).toThrow(InvalidArgumentError)
  })
})

describe('a durability', () => {
  test('is commit, none, or a time', () => {
    expect(parseDurability('commit')).toBe('commit')
    expect(parseDurability('none')).toBe('none')
    expect(parseDurability('10ms')).toEqual({ everyMs: 10 })
  })

  test.each(['', 'Commit', '10', '10s', '-1ms', '1.5ms', 'ms'])('%j is refused', (text) => {
    expect(() => parseDurability(text)).toThrow(InvalidArgumentError)
  })
})

describe('an index', () => {
  test('is a whole number from 1', () => {
    expect(parseIndex('1')).toBe(1)
    expect(parseIndex('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
  })

  test.each(['', '0', '-1', '1.5', '1e3', '0x10', ' 1', '9007199254740992'])(
    '%j is refused',
    (text) => {
      expect(() => parseIndex(text)).toThrow(InvalidArgumentError)
    },
  )
})

test('an empty directory name is refused', () => {
  expect(() => parseDirectory('')).toThrow(InvalidArgumentError)
})
