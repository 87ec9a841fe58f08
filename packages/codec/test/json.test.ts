import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entry, jsonCodec } from '../src/index.ts'
import { anyEntry } from './any-entry.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

/** Written by Go's own encoding/json, which escapes `<`, `>`, `&`, U+2028 and U+2029. */
const examples: { name: string; entry: Entry; text: string; checksum: number }[] = [
  {
    name: 'every field set',
    entry: {
      index: 1n,
      term: 2n,
      data: bytesOf('hello'),
      timestamp: 1763600000123456789n,
      transactionId: 'tx_000102030405060708090a0b0c0d0e0f',
    },
    text: '{"index":1,"term":2,"data":"aGVsbG8=","checksum":534079070,"timestamp":1763600000123456789,"transaction_id":"tx_000102030405060708090a0b0c0d0e0f"}',
    checksum: 534079070,
  },
  {
    name: 'no data',
    entry: { index: 0n, term: 0n, data: null, timestamp: 0n, transactionId: '' },
    text: '{"index":0,"term":0,"data":null,"checksum":3043850661,"timestamp":0,"transaction_id":""}',
    checksum: 3043850661,
  },
  {
    name: 'data of no bytes, the largest numbers, the earliest time',
    entry: {
      index: 2n ** 64n - 1n,
      term: 2n ** 64n - 1n,
      data: new Uint8Array(0),
      timestamp: -(2n ** 63n),
      transactionId: '',
    },
    text: '{"index":18446744073709551615,"term":18446744073709551615,"data":"","checksum":2996829235,"timestamp":-9223372036854775808,"transaction_id":""}',
    checksum: 2996829235,
  },
  {
    name: 'an index above 2^53, a time before 1970, and a transaction id of odd characters',
    entry: {
      index: 9007199254740993n,
      term: 1n,
      data: Uint8Array.of(0xff, 0xfe),
      timestamp: -1n,
      transactionId: '<a>&"\\\b\f\n\r\t\u0001\u001f\u007f\u2028\u2029é☃😀\ufeff/\'',
    },
    text: '{"index":9007199254740993,"term":1,"data":"//4=","checksum":2318651662,"timestamp":-1,"transaction_id":"\\u003ca\\u003e\\u0026\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\u007f\\u2028\\u2029é☃😀\ufeff/\'"}',
    checksum: 2318651662,
  },
  {
    name: 'a checksum of two digits',
    entry: { index: 10670015n, term: 0n, data: null, timestamp: 0n, transactionId: '' },
    text: '{"index":10670015,"term":0,"data":null,"checksum":41,"timestamp":0,"transaction_id":""}',
    checksum: 41,
  },
]
const [first, noData] = examples as [(typeof examples)[0], (typeof examples)[0]]

describe('the JSON layout', () => {
  it.each(examples)('encodes as Go does: $name', ({ entry, text, checksum }) => {
    expect(textOf(jsonCodec.encode(entry))).toBe(text)
    expect(jsonCodec.checksum(entry)).toBe(checksum)
  })

  it.each(examples)('decodes what Go wrote: $name', ({ entry, text, checksum }) => {
    expect(jsonCodec.decode(bytesOf(text))).toEqual({ ...entry, checksum })
  })

  it('gives any entry back, from bytes of at most the size told and at most 9 fewer', () => {
    fc.assert(
      fc.property(anyEntry(), (entry) => {
        const bytes = jsonCodec.encode(entry)
        const over = jsonCodec.estimateSize(entry) - bytes.length
        expect(over).toBeGreaterThanOrEqual(0)
        expect(over).toBeLessThanOrEqual(9)
        const expected = { ...entry, checksum: jsonCodec.checksum(entry) }
        expect(jsonCodec.decode(bytes)).toEqual(expected)
        expect(jsonCodec.decodeView(bytes)).toEqual(expected)
      }),
    )
  })

  it('is JSON of the six keys in their order, whatever the entry', () => {
    fc.assert(
      fc.property(anyEntry(), (entry) => {
        const parsed = JSON.parse(textOf(jsonCodec.encode(entry))) as Record<string, unknown>
        const data = entry.data === null ? null : Buffer.from(entry.data).toString('base64')
        expect(Object.keys(parsed).join()).toBe('index,term,data,checksum,timestamp,transaction_id')
        expect(parsed.data).toBe(data)
        expect(parsed.transaction_id).toBe(entry.transactionId)
      }),
    )
  })
})

it('keeps a leading U+FEFF of the transaction id, which decoders like to drop', () => {
  const entry = { ...first.entry, transactionId: '\ufefftx' }
  expect(jsonCodec.decode(jsonCodec.encode(entry)).transactionId).toBe('\ufefftx')
})

describe('reading JSON that Go would read too', () => {
  const { entry, checksum } = first

  it('takes white space wherever JSON allows it', () => {
    const text = `\t\r\n ${first.text.replace(/([{}:,])/g, ' \n$1\t\r')} \n`
    expect(jsonCodec.decode(bytesOf(text))).toEqual({ ...entry, checksum })
  })

  it('takes the keys in any order', () => {
    const members = first.text.slice(1, -1).split(',')
    const text = `{${members.reverse().join(',')}}`
    expect(text.startsWith('{"transaction_id"')).toBe(true)
    expect(jsonCodec.decode(bytesOf(text))).toEqual({ ...entry, checksum })
  })

  it('takes a minus before a time of zero', () => {
    const text = noData.text.replace('"timestamp":0', '"timestamp":-0')
    expect(jsonCodec.decode(bytesOf(text)).timestamp).toBe(0n)
  })

  it('takes escapes in the transaction id that Go would not have written', () => {
    const text = first.text.replace('tx_0', '\\u0074\\u0078_\\u0030')
    expect(jsonCodec.decode(bytesOf(text))).toEqual({ ...entry, checksum })
  })
})

describe('JSON that is refused', () => {
  const { text } = first
  const rawId = (...id: number[]): Uint8Array => {
    const [before, after] = noData.text.split(/(?<="transaction_id":")/) as [string, string]
    return Uint8Array.from([...bytesOf(before), ...id, ...bytesOf(after)])
  }
  it.each([
    ['no bytes', ''],
    ['another value', 'null'],
    ['an empty object', '{}'],
    ['no end', text.slice(0, -1)],
    ['something after it', `${text} x`],
    ['a mark before it', `\ufeff${text}`],
    ['a missing key', text.replace('"term":2,', '')],
    ['a key twice', text.replace('{', '{"index":1,')],
    ['a key instead of another', text.replace('"term":2', '"index":1')],
    ['a seventh key', text.replace('{', '{"extra":1,')],
    ['a key in another case', text.replace('"term"', '"Term"')],
    ['a key that only starts right', text.replace('"term"', '"terms"')],
    ['a key in escapes', text.replace('"term"', '"\\u0074erm"')],
    ['a missing comma', text.replace(',"term"', ' "term"')],
    ['a missing colon', text.replace('"term":', '"term" ')],
    ['a trailing comma', text.replace('}', ',}')],
    ['a fraction', text.replace('"term":2', '"term":2.0')],
    ['an exponent', text.replace('"term":2', '"term":2e0')],
    ['a leading zero', text.replace('"term":2', '"term":02')],
    ['a plus sign', text.replace('"term":2', '"term":+2')],
    ['a negative term', text.replace('"term":2', '"term":-2')],
    ['a minus before an unsigned zero', noData.text.replace('"term":0', '"term":-0')],
    ['null for a number', text.replace('"term":2', '"term":null')],
    ['a number in quotes', text.replace('"term":2', '"term":"2"')],
    ['a lone minus', text.replace(/"timestamp":\d+/, '"timestamp":-')],
    ['an index of 2^64', text.replace('"index":1', '"index":18446744073709551616')],
    ['an index of 21 digits', text.replace('"index":1', '"index":100000000000000000000')],
    ['a checksum of 2^32', text.replace(/"checksum":\d+/, '"checksum":4294967296')],
    ['a time of 2^63', text.replace(/"timestamp":\d+/, '"timestamp":9223372036854775808')],
    ['a time below -2^63', text.replace(/"timestamp":\d+/, '"timestamp":-9223372036854775809')],
    ['data as a list of numbers', text.replace('"aGVsbG8="', '[104]')],
    ['data without an end', text.slice(0, text.indexOf('=') + 1)],
    ['an unknown escape', text.replace('tx_0', '\\x0')],
    ['half an escape', text.replace('tx_0', '\\u00g0')],
    ['half a surrogate pair', text.replace('tx_0', '\\ud83d')],
    ['an escape at the very end', `${noData.text.slice(0, -2)}\\`],
    ['a raw line feed in the transaction id', rawId(0x0a)],
    ['a byte that is never UTF-8', rawId(0xff)],
    ['a surrogate written in UTF-8', rawId(0xed, 0xa0, 0x80)],
    ['an overlong slash', rawId(0xc0, 0xaf)],
  ])('as no entry: %s', (_name, input) => {
    const bytes = typeof input === 'string' ? bytesOf(input) : input
    expect(bytes).not.toEqual(bytesOf(text))
    expect(() => jsonCodec.decode(bytes)).toThrow(
      expect.objectContaining({ name: 'WalrusError', code: 'WALRUS_INVALID_ENTRY' }),
    )
  })

  it('says where the data starts that has no end', () => {
    const unfinished = text.slice(0, text.indexOf('=') + 1)
    expect(() => jsonCodec.decode(bytesOf(unfinished))).toThrow(
      expect.objectContaining({ offset: text.indexOf('"aGVs') }),
    )
  })

  it('says where it stopped making sense, and why', () => {
    expect(() => jsonCodec.decode(bytesOf(text.replace('"term":2', '"term":x')))).toThrow(
      expect.objectContaining({
        message:
          'not an entry in JSON: an integer from 0 to 18446744073709551615 expected at byte 18',
        offset: 18,
      }),
    )
  })

  it('keeps the decoder’s error as the cause', () => {
    expect(() => jsonCodec.decode(rawId(0xff))).toThrow(
      expect.objectContaining({ cause: expect.any(TypeError) as unknown }),
    )
  })

  it.each([
    ['index', text.replace('"index":1', '"index":2')],
    ['term', text.replace('"term":2', '"term":3')],
    ['data', text.replace('aGVs', 'aGVt')],
    ['no data for data', text.replace('"aGVsbG8="', 'null')],
    ['empty data for no data', noData.text.replace('null', '""')],
    ['checksum', text.replace('534079070', '534079071')],
    ['timestamp', text.replace('456789', '456788')],
    ['transaction id', text.replace('tx_0', 'tx_1')],
    ['base64 damaged beyond the alphabet', text.replace('aGVs', 'aG!s')],
  ])('as a checksum mismatch: another %s', (_name, changed) => {
    expect(changed).not.toBe(text)
    expect(() => jsonCodec.decode(bytesOf(changed))).toThrow(
      expect.objectContaining({ name: 'WalrusError', code: 'WALRUS_CHECKSUM_MISMATCH' }),
    )
  })
})
