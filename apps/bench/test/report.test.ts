import { expect, it } from 'vitest'

import { short, table } from '../src/report.ts'

it.each([
  [12_489, '12.5k'],
  [1_358_000, '1.36M'],
  [27_000_000, '27.0M'],
  [999, '999'],
  [0.214, '0.21'],
  [-23_600, '-23.6k'],
])('%d is written as %s', (value, text) => {
  expect(short(value)).toBe(text)
})

it('lines up columns and leaves no space at the end of a line', () => {
  expect(table([['path', 'rate'], ['append', '1'], ['x']])).toBe('path    rate\nappend  1\nx\n')
})
