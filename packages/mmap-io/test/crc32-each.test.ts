/** Checksums of many pieces in one call: those of each by itself, or an error and nothing stored. */

import { randomFillSync } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32Each } from '@walrus/mmap-io'

const bytes = randomFillSync(new Uint8Array(10_000))

it('gives the register behind each piece', () => {
  const lengths = fc.array(fc.nat(300), { maxLength: 20 })
  fc.assert(
    fc.property(lengths, fc.nat(100), fc.nat(8), fc.integer(), (pieces, from, skip, register) => {
      const ends = new Uint32Array(pieces.length + 2)
      const into = new Int32Array(pieces.length + 1).fill(77)
      const expected = [...into]
      let at = from
      pieces.forEach((length, piece) => {
        ends[piece] = at + length
        expected[piece] = ~zlibCrc32(bytes.subarray(at, at + length), ~register >>> 0)
        at += length + skip
      })
      crc32Each(bytes, from, ends, pieces.length, skip, register, into)
      expect([...into]).toEqual(expected)
    }),
  )
})

it('gives the ordinary value of a buffer that is one piece', () => {
  const into = new Int32Array(1)
  crc32Each(Buffer.from('123456789'), 0, Uint32Array.of(9), 1, 0, -1, into)
  expect(~into[0]! >>> 0).toBe(0xcbf43926)
})

describe('what is wrong is refused, and nothing is stored', () => {
  const good = [bytes, 0, Uint32Array.of(10, 20), 2, 4, -1, new Int32Array(2)] as const
  it.each([
    ['ERR_OUT_OF_RANGE', 'ends\\[0\\] is 4', { 1: 5, 2: Uint32Array.of(4, 20) }],
    ['ERR_OUT_OF_RANGE', 'ends\\[1\\] is 13', { 2: Uint32Array.of(10, 13) }],
    ['ERR_OUT_OF_RANGE', 'ends\\[1\\] is 10001', { 2: Uint32Array.of(10, 10_001) }],
    ['ERR_OUT_OF_RANGE', 'ends\\[1\\]', { 4: 2 ** 32 - 1 }],
    ['ERR_OUT_OF_RANGE', 'from', { 1: 10_001 }],
    ['ERR_OUT_OF_RANGE', 'from', { 1: -1 }],
    ['ERR_OUT_OF_RANGE', 'count', { 3: 3 }],
    ['ERR_OUT_OF_RANGE', 'count', { 3: 1.5 }],
    ['ERR_OUT_OF_RANGE', 'count', { 6: new Int32Array(1) }],
    ['ERR_OUT_OF_RANGE', 'skip', { 4: -1 }],
    ['ERR_OUT_OF_RANGE', 'register', { 5: 2 ** 32 }],
    ['ERR_INVALID_ARG_TYPE', 'buffer', { 0: 'text' }],
    ['ERR_INVALID_ARG_TYPE', 'ends', { 2: Int32Array.of(10, 20) }],
    ['ERR_INVALID_ARG_TYPE', 'ends', { 2: [10, 20] }],
    ['ERR_INVALID_ARG_TYPE', 'into', { 6: new Uint32Array(2) }],
    ['ERR_INVALID_ARG_TYPE', 'into', { 6: undefined }],
    ['ERR_INVALID_ARG_TYPE', 'count', { 3: '2' }],
  ])('%s %s', (code, what, wrong) => {
    const given: unknown[] = [...good]
    for (const [at, value] of Object.entries(wrong)) given[Number(at)] = value
    const call = crc32Each as (...given: readonly unknown[]) => void
    expect(() => call(...given)).toThrow(expect.objectContaining({ code }))
    expect(() => call(...given)).toThrow(new RegExp(what))
    expect([...good[6]]).toEqual([0, 0])
  })

  it('results stored over ends to come lead to no byte outside the buffer', () => {
    const shared = new ArrayBuffer(4 * 65)
    const ends = new Uint32Array(shared, 0, 64)
    ends.set(ends.map((_, piece) => 10 * (piece + 1)))
    expect(() => crc32Each(bytes, 0, ends, 64, 0, -1, new Int32Array(shared, 4))).toThrow('ends[1]')
  })

  it('arrays that were detached have no elements', () => {
    const ends = Uint32Array.of(10)
    structuredClone(ends.buffer, { transfer: [ends.buffer] })
    expect(() => crc32Each(bytes, 0, ends, 1, 0, -1, new Int32Array(1))).toThrow('count')
    crc32Each(bytes, 0, ends, 0, 0, -1, new Int32Array(1))
  })
})
