import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binaryCodec, crc32, type Entry, ENTRY_HEADER_SIZE } from '../src/index.ts'
import { anyEntry } from './any-entry.ts'

const fromHex = (hex: string): Uint8Array =>
  new Uint8Array(Buffer.from(hex.replace(/\s/g, ''), 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Written by Go's own encoding/binary and hash/crc32. */
const examples: { name: string; entry: Entry; hex: string }[] = [
  {
    name: 'every field set',
    entry: {
      index: 1n,
      term: 2n,
      data: new TextEncoder().encode('hello'),
      timestamp: 1763600000123456789n,
      transactionId: 'tx_000102030405060708090a0b0c0d0e0f',
    },
    hex: `0100000000000000 0200000000000000 15cd3c2ddb907918 05000000 68656c6c6f 23000000
      74785f3030303130323033303430353036303730383039306130623063306430653066 0d29194b`,
  },
  {
    name: 'nothing set',
    entry: { index: 0n, term: 0n, data: new Uint8Array(0), timestamp: 0n, transactionId: '' },
    hex: '0000000000000000 0000000000000000 0000000000000000 00000000 00000000 ad550a19',
  },
  {
    name: 'the largest numbers and the earliest time',
    entry: {
      index: 2n ** 64n - 1n,
      term: 2n ** 64n - 1n,
      data: new Uint8Array(0),
      timestamp: -(2n ** 63n),
      transactionId: '',
    },
    hex: 'ffffffffffffffff ffffffffffffffff 0000000000000080 00000000 00000000 0b26314a',
  },
  {
    name: 'an index above 2^53, one nanosecond before 1970, and a transaction id of odd characters',
    entry: {
      index: 9007199254740993n,
      term: 1n,
      data: Uint8Array.of(0xff, 0xfe),
      timestamp: -1n,
      transactionId: '<a>&"\\\b\f\n\r\t\u0001\u001f\u007f\u2028\u2029é☃😀\ufeff/\'',
    },
    hex: `0100000000002000 0100000000000000 ffffffffffffffff 02000000 fffe 22000000
      3c613e26225c080c0a0d09011f7fe280a8e280a9c3a9e29883f09f9880efbbbf2f27 5ad047f5`,
  },
]

describe('the binary layout', () => {
  it.each(examples)('encodes as Go does: $name', ({ entry, hex }) => {
    expect(toHex(binaryCodec.encode(entry))).toBe(hex.replace(/\s/g, ''))
  })

  it.each(examples)('decodes what Go wrote: $name', ({ entry, hex }) => {
    const bytes = fromHex(hex)
    const checksum = new DataView(bytes.buffer).getUint32(bytes.length - 4, true)
    expect(binaryCodec.decode(bytes)).toEqual({ ...entry, checksum })
  })

  it('has 36 bytes besides data and transaction id', () => {
    expect(ENTRY_HEADER_SIZE).toBe(36)
    expect(binaryCodec.encode(examples[1]!.entry)).toHaveLength(36)
  })

  it('holds what 32 bits of length can tell and not a byte more', () => {
    const ofSize = (size: number): Entry => ({
      ...examples[1]!.entry,
      data: Object.defineProperty(new Uint8Array(0), 'length', { value: size - 36 }),
    })
    expect(binaryCodec.estimateSize(ofSize(2 ** 32 - 1))).toBe(2 ** 32 - 1)
    expect(() => binaryCodec.estimateSize(ofSize(2 ** 32))).toThrow(
      expect.objectContaining({ code: 'WALRUS_INVALID_ENTRY', index: 0n }),
    )
  })

  it('encodes no data as data of no bytes, and reads it back as such', () => {
    const entry = { ...examples[0]!.entry, data: null }
    expect(binaryCodec.encode(entry)).toEqual(
      binaryCodec.encode({ ...entry, data: new Uint8Array(0) }),
    )
    expect(binaryCodec.decode(binaryCodec.encode(entry)).data).toEqual(new Uint8Array(0))
  })

  it('keeps a leading U+FEFF of the transaction id, which decoders like to drop', () => {
    const entry = { ...examples[0]!.entry, transactionId: '\ufefftx' }
    expect(binaryCodec.decode(binaryCodec.encode(entry)).transactionId).toBe('\ufefftx')
  })

  it('gives any entry back, from bytes of exactly the size told', () => {
    fc.assert(
      fc.property(anyEntry(), (entry) => {
        const bytes = binaryCodec.encode(entry)
        expect(bytes).toHaveLength(binaryCodec.estimateSize(entry))
        const expected = {
          ...entry,
          data: entry.data ?? new Uint8Array(0),
          checksum: crc32(bytes, 0, 0, bytes.length - 4),
        }
        expect(binaryCodec.decode(bytes)).toEqual(expected)
        expect(binaryCodec.decodeView(bytes)).toEqual(expected)
        expect(binaryCodec.checksum(entry)).toBe(expected.checksum)
      }),
    )
  })

  it('decodes to a copy, or to a view when asked, also out of a Buffer', () => {
    const bytes = Buffer.from(binaryCodec.encode(examples[0]!.entry))
    const copy = binaryCodec.decode(bytes)
    const view = binaryCodec.decodeView(bytes)
    bytes.set(new TextEncoder().encode('HELLO'), 28)
    expect(Buffer.from(copy.data!).toString()).toBe('hello')
    expect(Buffer.from(view.data!).toString()).toBe('HELLO')
    expect(view.data!.buffer).toBe(bytes.buffer)
    expect(copy.data!.buffer.byteLength).toBe(5)
  })

  it('decodes from memory shared between threads', () => {
    const bytes = binaryCodec.encode(examples[0]!.entry)
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    expect(binaryCodec.decode(shared)).toEqual(binaryCodec.decode(bytes))
  })
})
