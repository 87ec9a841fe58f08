import { describe, expect, it } from 'vitest'
import {
  binaryCodec,
  CODEC_ERROR_CODES,
  type Entry,
  type EntryCodec,
  entryCodec,
  jsonCodec,
} from '../src/index.ts'

const entry: Entry = {
  index: 7n,
  term: 1n,
  data: Uint8Array.of(1, 2, 3, 4),
  timestamp: 5n,
  transactionId: 'tx_é',
}

const withCode = (code: (typeof CODEC_ERROR_CODES)[number]): unknown =>
  expect.objectContaining({ name: 'WalrusError', code })

describe('entryCodec', () => {
  it('gives the codec of each format by its name', () => {
    expect(entryCodec('binary')).toBe(binaryCodec)
    expect(entryCodec('json')).toBe(jsonCodec)
    expect(binaryCodec.format).toBe('binary')
    expect(jsonCodec.format).toBe('json')
  })

  it.each(['', 'JSON', 'constructor', 'xml\u001b[2J'])('refuses any other name: %j', (name) => {
    const act = () => entryCodec(name)
    expect(act).toThrow(withCode('WALRUS_UNSUPPORTED_FORMAT'))
    expect(act).toThrow(JSON.stringify(name))
  })
})

describe.each([binaryCodec, jsonCodec] satisfies EntryCodec[])('$format: encoding', (codec) => {
  const encoded = codec.encode(entry)

  it('in place writes the same bytes at the offset and nothing around them', () => {
    const buffer = new Uint8Array(encoded.length + 20).fill(0xaa)
    expect(codec.encodeInto(entry, buffer, 7)).toBe(encoded.length)
    expect(buffer.subarray(7, 7 + encoded.length)).toEqual(encoded)
    expect([...buffer.subarray(0, 7), ...buffer.subarray(7 + encoded.length)]).toEqual(
      Array.from({ length: 20 }, () => 0xaa),
    )
  })

  it('in place starts at the buffer’s own start, wherever that stands in its memory', () => {
    const buffer = new Uint8Array(new ArrayBuffer(encoded.length + 5), 5)
    expect(codec.encodeInto(entry, buffer)).toBe(encoded.length)
    expect(buffer).toEqual(encoded)
  })

  // Index 10670015 has a checksum of two digits in JSON, eight fewer than the size estimate allows
  // for.
  it.each([
    entry,
    { ...entry, index: 10670015n, term: 0n, data: null, timestamp: 0n, transactionId: '' },
  ])(
    'in place takes a buffer of exactly the size, and refuses one byte less untouched',
    (either) => {
      const expected = codec.encode(either)
      const exact = new Uint8Array(expected.length)
      expect(codec.encodeInto(either, exact)).toBe(expected.length)
      expect(exact).toEqual(expected)
      const short = new Uint8Array(expected.length + 2)
      expect(() => codec.encodeInto(either, short, 3)).toThrow(withCode('WALRUS_BUFFER_TOO_SMALL'))
      expect(short).toEqual(new Uint8Array(short.length))
    },
  )

  it.each([-1, 0.5, Number.NaN, 1001])('in place refuses the offset %d', (offset) => {
    expect(() => codec.encodeInto(entry, new Uint8Array(1000), offset)).toThrow(
      withCode('WALRUS_INVALID_OPTION'),
    )
  })

  it.each([
    ['an index below 0', { index: -1n }, 'entry.index'],
    ['an index of 2^64', { index: 2n ** 64n }, 'entry.index'],
    ['an index that is a number', { index: 1 as unknown as bigint }, 'entry.index'],
    ['a term of 2^64', { term: 2n ** 64n }, 'entry.term'],
    ['a time of 2^63', { timestamp: 2n ** 63n }, 'entry.timestamp'],
    ['a time below -2^63', { timestamp: -(2n ** 63n) - 1n }, 'entry.timestamp'],
    ['data that is text', { data: 'text' as unknown as Uint8Array }, 'entry.data'],
    ['data left out', { data: undefined as unknown as null }, 'entry.data'],
    ['a lone surrogate', { transactionId: 'a\ud800b' }, 'entry.transactionId'],
    [
      'a transaction id left out',
      { transactionId: null as unknown as string },
      'entry.transactionId',
    ],
  ])('refuses %s, by any way in', (_name, field, named) => {
    const wrong = { ...entry, ...field }
    const buffer = new Uint8Array(1000)
    for (const act of [
      () => codec.encode(wrong),
      () => codec.encodeInto(wrong, buffer),
      () => codec.estimateSize(wrong),
      () => codec.checksum(wrong),
    ]) {
      expect(act).toThrow(withCode('WALRUS_INVALID_ENTRY'))
      expect(act).toThrow(named)
    }
    expect(buffer).toEqual(new Uint8Array(1000))
  })

  it('refuses data whose entry would not fit 32 bits of length, before it takes memory', () => {
    const data = Object.defineProperty(new Uint8Array(0), 'length', { value: 2 ** 32 - 39 })
    const act = () => codec.encode({ ...entry, data })
    expect(act).toThrow(withCode('WALRUS_INVALID_ENTRY'))
    expect(act).toThrow('4294967295 is the most')
  })
})

describe('decoding', () => {
  it.each([binaryCodec, jsonCodec])('$format: shares nothing with the bytes', (codec) => {
    const bytes = codec.encode(entry)
    const decoded = codec.decode(bytes)
    bytes.fill(0)
    expect(decoded).toMatchObject(entry)
  })
})
