/** Copies that share memory: each has its own bytes, and nobody else's change. */

import { expect, it } from 'vitest'
import { copyOf } from '../src/byte-copies.ts'

const memory = new ArrayBuffer(4096)
const from = new Uint8Array(memory)
const words = new Int32Array(memory)

it.each([{ shared: words }, { shared: undefined }])('of any length and place %#', ({ shared }) => {
  from.forEach((_, at) => (from[at] = (at * 37 + 11) & 0xff))
  const copies: [Uint8Array, number[]][] = []
  for (let length = 0; length < 1200; length += length < 40 ? 1 : 37) {
    const start = (length * 4) % 2000
    copies.push([
      copyOf(from, shared, start, start + length),
      [...from.subarray(start, start + length)],
    ])
  }
  from.fill(0)
  for (const [copy, expected] of copies) expect([...copy]).toEqual(expected)
  for (const [copy] of copies.filter((_, at) => at % 2 === 0)) copy.fill(0xee)
  for (const [copy, expected] of copies.filter((_, at) => at % 2 === 1)) {
    expect([...copy]).toEqual(expected)
  }
})
