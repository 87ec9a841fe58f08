import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64Length, readBase64, writeBase64 } from '../src/base64.ts'
import { crc32, jsonCodec } from '../src/index.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('base64', () => {
  it('is what Buffer writes, at any offset, of the size told, and reads back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (data, offset) => {
        const expected = Buffer.from(data).toString('base64')
        const out = new Uint8Array(offset + base64Length(data.length))
        expect(writeBase64(data, out, offset)).toBe(out.length)
        expect(Buffer.from(out.subarray(offset)).toString()).toBe(expected)
        expect(readBase64(out.subarray(offset))).toEqual(data)
      }),
    )
  })

  it('accepts a text if and only if it is what its data encodes to', () => {
    const unit = fc.constantFrom(...'ABQRSTZagw0489+/==-_ \n\u00ff'.split(''))
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
        const canonical = Buffer.from(text, 'base64').toString('base64') === text
        expect(readBase64(Buffer.from(text, 'latin1')) !== undefined).toBe(canonical)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['no padding', 'YQ'],
    ['half the padding', 'YQ='],
    ['too much padding', 'YQ==='],
    ['padding in the middle', 'YQ==YQ=='],
    ['only padding', '===='],
    ['three of padding', 'Y==='],
    ['bits left over after one byte', 'YR=='],
    ['bits left over after two bytes', 'YWJ='],
    ['a line break', 'YW\nJ'],
    ['the URL alphabet', '-_-_'],
    ['the URL alphabet before padding', '-Q=='],
    ['the URL alphabet before half the padding', 'Y_I='],
    ['a letter after padding', 'YQ=A'],
  ])('refuses %s', (_name, text) => {
    expect(readBase64(bytesOf(text))).toBe(undefined)
  })

  it('not canonical makes an entry invalid, even under a checksum that covers it', () => {
    const text = (checksum: number) =>
      `{"index":1,"term":0,"data":"YR==","checksum":${checksum},"timestamp":0,"transaction_id":""}`
    expect(() => jsonCodec.decode(bytesOf(text(crc32(bytesOf(text(0))))))).toThrow(
      expect.objectContaining({ code: 'WALRUS_INVALID_ENTRY', index: 1n }),
    )
  })
})
