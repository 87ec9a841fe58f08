/** CRC-32 on every path this processor has, against zlib's. */

import { randomFillSync } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from '@walrus/mmap-io'
import { binding } from '../src/binding.ts'

const paths = [
  [binding().crc32Name, crc32],
  ['table', binding().crc32Table],
] as const

describe.each(paths)('by %s', (_name, checksum) => {
  it('is what the standard says of "123456789"', () => {
    expect(checksum(Buffer.from('123456789'))).toBe(0xcbf43926)
  })

  it('is that of zlib for every length up to 600 at every alignment to 16', () => {
    const bytes = randomFillSync(new Uint8Array(700))
    const differing: number[][] = []
    for (let length = 0; length <= 600; length++) {
      for (let from = 0; from < 16; from++) {
        const seed = (length * 2654435761 + from) >>> 0
        const expected = zlibCrc32(bytes.subarray(from, from + length), seed)
        if (checksum(bytes, from, from + length, seed) !== expected) differing.push([length, from])
      }
    }
    expect(differing).toEqual([])
  })

  it('is that of zlib for random bytes, ranges and seeds', () => {
    const bytes = randomFillSync(new Uint8Array(300_000))
    const index = fc.integer({ min: 0, max: bytes.length })
    fc.assert(
      fc.property(index, index, fc.nat(2 ** 32 - 1), (a, b, seed) => {
        const [from, to] = a < b ? [a, b] : [b, a]
        expect(checksum(bytes, from, to, seed)).toBe(zlibCrc32(bytes.subarray(from, to), seed))
      }),
      { numRuns: 1000 },
    )
  })

  it('goes on where an earlier one stopped', () => {
    const bytes = randomFillSync(new Uint8Array(1000))
    let value = 0
    for (let at = 0; at < 1000; at += 125) value = checksum(bytes, at, at + 125, value)
    expect(value).toBe(checksum(bytes))
  })

  it('takes any view by its bytes, and an ArrayBuffer', () => {
    const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
    const expected = zlibCrc32(new Uint8Array(buffer, 4, 4))
    expect(checksum(new Uint32Array(buffer, 4))).toBe(expected)
    expect(checksum(new DataView(buffer, 4))).toBe(expected)
    expect(checksum(buffer, 4)).toBe(expected)
    expect(checksum(new Float64Array(buffer), 4, undefined, 0)).toBe(expected)
    expect(checksum(new Uint8ClampedArray(buffer), 4, 8, 0)).toBe(expected)
    const shared = new Uint8Array(new SharedArrayBuffer(8))
    shared.set(new Uint8Array(buffer))
    expect(checksum(shared, 4, 8, 0)).toBe(expected)
  })

  it('of nothing is the seed', () => {
    expect(checksum(new Uint8Array(0))).toBe(0)
    expect(checksum(new Uint8Array(9), 5, 5, 77)).toBe(77)
    const gone = new Uint8Array(8)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    expect(checksum(gone, 0, 0, 78)).toBe(78)
  })

  it.each([
    ['ERR_INVALID_ARG_TYPE', []],
    ['ERR_INVALID_ARG_TYPE', ['text']],
    ['ERR_INVALID_ARG_TYPE', [null, 0, 1, 0]],
    ['ERR_INVALID_ARG_TYPE', [new SharedArrayBuffer(9)]],
    ['ERR_INVALID_ARG_TYPE', [Buffer.alloc(9), '0', 9, 0]],
    ['ERR_INVALID_ARG_TYPE', [Buffer.alloc(9), 0, 9n, 0]],
    ['ERR_INVALID_ARG_TYPE', [Buffer.alloc(9), 0, 9, null]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), 0, 10, 0]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), -1, 9, 0]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), 5, 4, 0]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), 0, 8.5, 0]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), 0, 2 ** 64, 0]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), Number.NaN, 9, 0]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), 0, 9, 2 ** 32]],
    ['ERR_OUT_OF_RANGE', [Buffer.alloc(9), 0, 9, -1]],
  ])('refuses by %s, case %#', (code, args) => {
    expect(() => (checksum as (...args: unknown[]) => number)(...args)).toThrow(
      expect.objectContaining({ code }),
    )
  })
})

it('takes what the processor has', () => {
  expect(['pclmul', 'armv8', 'table']).toContain(binding().crc32Name)
})
