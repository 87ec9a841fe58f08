import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32, crc32Words, WalrusError } from '../src/index.ts'

/** zlib's, but for no bytes, where Node forgets the value it was to continue from and gives 0. */
const expectedCrc = (bytes: Uint8Array, value = 0): number =>
  bytes.length === 0 ? value : zlibCrc32(bytes, value)

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('crc32', () => {
  it('gives the published check value of CRC-32/ISO-HDLC', () => {
    expect(crc32(ascii('123456789'))).toBe(0xcbf43926)
  })

  it('is 0 for no bytes, and leaves the value as it was', () => {
    expect(crc32(new Uint8Array(0))).toBe(0)
    expect(crc32(new Uint8Array(0), 0xdeadbeef)).toBe(0xdeadbeef)
  })

  it('equals zlib at every length from 0 to 600, on both sides of the change to zlib', () => {
    const bytes = Uint8Array.from({ length: 602 }, (_, i) => (i * 167 + (i >> 3)) & 255)
    for (let length = 0; length <= 600; length++) {
      const head = bytes.subarray(0, length)
      const inside = bytes.subarray(1, 1 + length)
      expect(crc32(head), `${length} bytes`).toBe(expectedCrc(head))
      expect(crc32(head, 0xdeadbeef), `${length} bytes, continued`).toBe(
        expectedCrc(head, 0xdeadbeef),
      )
      expect(crc32(bytes, 0xdeadbeef, 1, 1 + length), `${length} bytes from 1, continued`).toBe(
        expectedCrc(inside, 0xdeadbeef),
      )
    }
  })

  it('equals zlib at any alignment and range, whatever value it continues from', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 900 }),
        fc.nat(7),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 0xffffffff }),
        (content, shift, x, y, value) => {
          const bytes = new Uint8Array(new ArrayBuffer(content.length + shift), shift)
          bytes.set(content)
          const a = x % (content.length + 1)
          const b = y % (content.length + 1)
          const from = Math.min(a, b)
          const to = Math.max(a, b)
          expect(crc32(bytes, value, from, to)).toBe(expectedCrc(content.subarray(from, to), value))
        },
      ),
    )
  })

  it('continues: the CRC of two pieces in a row is that of the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), fc.nat(), (bytes, x) => {
        const cut = x % (bytes.length + 1)
        expect(crc32(bytes, crc32(bytes, 0, 0, cut), cut)).toBe(expectedCrc(bytes))
      }),
    )
  })

  it.each([
    ['from below 0', 0, -1, 4],
    ['to past the end', 0, 0, 9],
    ['from past to', 0, 5, 4],
    ['from not whole', 0, 0.5, 4],
    ['to not a number', 0, 0, Number.NaN],
    ['value negative', -1, 0, 8],
    ['value above 32 bits', 2 ** 32, 0, 8],
    ['value not whole', 0.5, 0, 8],
  ])('refuses a wrong argument: %s', (_name, value, from, to) => {
    const act = () => crc32(new Uint8Array(8), value, from, to)
    expect(act).toThrow(WalrusError)
    expect(act).toThrow(expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }))
  })
})

describe('crc32Words', () => {
  it('gives the raw register: started at -1 and inverted, it is the ordinary CRC-32', () => {
    const bytes = ascii('Walrus!!')
    const words = new Int32Array(bytes.buffer, 0, 2)
    expect(~crc32Words(words, 0, 2, -1) >>> 0).toBe(expectedCrc(bytes))
  })

  it('returns the register untouched for no words', () => {
    expect(crc32Words(new Int32Array(4), 2, 2, -559038737)).toBe(-559038737)
  })

  it('equals zlib for every count of words from 0 to 100, at every start, as a signed integer', () => {
    const bytes = Uint8Array.from({ length: 420 }, (_, i) => (i * 101 + (i >> 2)) & 255)
    const words = new Int32Array(bytes.buffer)
    for (let from = 0; from < 5; from++) {
      for (let count = 0; count <= 100; count++) {
        const register = crc32Words(words, from, from + count, -1)
        const expected = expectedCrc(bytes.subarray(4 * from, 4 * (from + count)))
        expect(register, `${count} words from ${from}`).toBe(~expected)
      }
    }
  })

  it('continues from any register over any words', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { maxLength: 300 }),
        fc.nat(),
        fc.integer(),
        (numbers, x, start) => {
          const words = Int32Array.from(numbers)
          const cut = x % (words.length + 1)
          const register = crc32Words(words, cut, words.length, crc32Words(words, 0, cut, start))
          expect(register).toBe(~expectedCrc(new Uint8Array(words.buffer), ~start >>> 0))
        },
      ),
    )
  })
})
