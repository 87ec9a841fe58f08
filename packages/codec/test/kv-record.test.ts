import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  crc32,
  decodeKvRecord,
  encodeKvRecord,
  KV_RECORD_HEADER_SIZE,
  KV_RECORD_MAGIC,
  type KvRecord,
  kvRecordSize,
} from '../src/index.ts'
import { fileBytes, readKvFixture } from './fixtures.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const fromHex = (hex: string): Uint8Array =>
  new Uint8Array(Buffer.from(hex.replace(/\s/g, ''), 'hex'))
const invalidRecord: unknown = expect.objectContaining({
  name: 'WalrusError',
  code: 'WALRUS_INVALID_RECORD',
})

/** A record around any body, with the length and the checksum that body has. */
function sealed(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(KV_RECORD_HEADER_SIZE + body.length)
  bytes.set(body, KV_RECORD_HEADER_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, KV_RECORD_MAGIC)
  view.setUint32(4, body.length)
  view.setUint32(8, crc32(body))
  return bytes
}

const anyRecord: fc.Arbitrary<KvRecord> = fc.oneof(
  fc.record({
    op: fc.constant('set' as const),
    key: fc.uint8Array({ maxLength: 40 }),
    value: fc.uint8Array({ maxLength: 600, size: 'max' }),
  }),
  fc.record({ op: fc.constant('delete' as const), key: fc.uint8Array({ maxLength: 40 }) }),
)

describe.each(['kv-wal', 'kv-wal-reopened'] as const)(
  'the files the Go store wrote: %s',
  (name) => {
    const fixture = readKvFixture(name)

    it('replay to the state that Go recovered, and encode to the same bytes', () => {
      const state: Record<string, string> = {}
      for (const file of fileBytes(fixture)) {
        const again: Uint8Array[] = []
        for (let at = 0; at < file.length; ) {
          const { record, next } = decodeKvRecord(file, at)
          expect(kvRecordSize(record)).toBe(next - at)
          again.push(encodeKvRecord(record))
          if (record.op === 'set') state[textOf(record.key)] = textOf(record.value)
          else delete state[textOf(record.key)]
          at = next
        }
        expect(Buffer.concat(again).equals(file)).toBe(true)
      }
      expect(Object.keys(fixture.state).length).toBeGreaterThan(10)
      expect(state).toEqual(fixture.state)
    })
  },
)

describe('the key-value record', () => {
  it('is this in hex, as the Go store wrote it', () => {
    const hex = 'cafebabe 00000020 815c0e48 01 00000006 00000011'
    const written = Buffer.concat([fromHex(hex), bytesOf('akey-0value 0 of akey-0')])
    const record = {
      op: 'set',
      key: bytesOf('akey-0'),
      value: bytesOf('value 0 of akey-0'),
    } as const
    expect(encodeKvRecord(record)).toEqual(new Uint8Array(written))
    expect(decodeKvRecord(new Uint8Array(written))).toEqual({ record, next: 44 })
  })

  it('gives any record back, at any offset, from bytes of exactly the size told', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(9), (record, offset) => {
        const encoded = encodeKvRecord(record)
        expect(encoded).toHaveLength(kvRecordSize(record))
        const memory = new ArrayBuffer(5 + offset + encoded.length + 3)
        const bytes = new Uint8Array(memory, 5)
        bytes.set(encoded, offset)
        expect(decodeKvRecord(bytes, offset)).toEqual({ record, next: offset + encoded.length })
      }),
    )
  })

  it('is read as views of the bytes', () => {
    const bytes = encodeKvRecord({ op: 'set', key: bytesOf('key'), value: bytesOf('value') })
    const { record } = decodeKvRecord(bytes)
    expect(record.key.buffer).toBe(bytes.buffer)
    expect(record.op === 'set' && record.value.buffer).toBe(bytes.buffer)
  })
})

describe('a key-value record is refused', () => {
  const whole = encodeKvRecord({ op: 'set', key: bytesOf('key'), value: bytesOf('value') })

  it('as truncated at every byte before its end', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeKvRecord(whole.subarray(0, length)), `${length} bytes`).toThrow(
        expect.objectContaining({ name: 'WalrusError', code: 'WALRUS_TRUNCATED', offset: 0 }),
      )
    }
  })

  it('as truncated when its length was damaged to 4 GiB', () => {
    const bytes = whole.slice()
    bytes.fill(0xff, 4, 8)
    expect(() => decodeKvRecord(bytes)).toThrow(
      expect.objectContaining({ code: 'WALRUS_TRUNCATED' }),
    )
  })

  it('as a checksum mismatch when any byte of checksum or body was changed', () => {
    for (let at = 8; at < whole.length; at++) {
      const bytes = whole.slice()
      bytes[at]! ^= 0x40
      expect(() => decodeKvRecord(bytes), `byte ${at}`).toThrow(
        expect.objectContaining({ code: 'WALRUS_CHECKSUM_MISMATCH', offset: 0 }),
      )
    }
  })

  it.each([
    ['another magic', fromHex('cafebabf 00000000 00000000')],
    ['no body', sealed(new Uint8Array(0))],
    ['half a body', sealed(fromHex('01 00000000 000000'))],
    ['a key longer than the body', sealed(fromHex('01 00000003 00000000 6b6b'))],
    ['a byte that belongs to nothing', sealed(fromHex('01 00000001 00000000 6b6b'))],
    ['lengths whose sum is right in 32 bits only', sealed(fromHex('01 ffffffff 00000002 6b'))],
    ['operation 0', sealed(fromHex('00 00000001 00000000 6b'))],
    ['operation 3', sealed(fromHex('03 00000001 00000000 6b'))],
    ['a delete with a value', sealed(fromHex('02 00000001 00000001 6b76'))],
  ])('as invalid with %s', (_name, bytes) => {
    expect(() => decodeKvRecord(bytes)).toThrow(invalidRecord)
  })

  it('with the offset it was looked for at', () => {
    expect(() => decodeKvRecord(new Uint8Array(40), 5)).toThrow(
      expect.objectContaining({ code: 'WALRUS_INVALID_RECORD', offset: 5 }),
    )
  })

  it.each([-1, 13, 0.5, Number.NaN])('at the offset %d of 12 bytes', (offset) => {
    expect(() => decodeKvRecord(new Uint8Array(12), offset)).toThrow(
      expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }),
    )
  })

  it.each([
    ['an operation there is not', { op: 'put', key: bytesOf('k'), value: bytesOf('v') }],
    ['a key that is text', { op: 'delete', key: 'k' }],
    ['a set without a value', { op: 'set', key: bytesOf('k') }],
    [
      'a value whose length does not fit 32 bits',
      {
        op: 'set',
        key: bytesOf('k'),
        value: Object.defineProperty(new Uint8Array(0), 'length', { value: 2 ** 32 - 10 }),
      },
    ],
  ])('when encoding %s', (_name, record) => {
    expect(() => encodeKvRecord(record as KvRecord)).toThrow(invalidRecord)
    expect(() => kvRecordSize(record as KvRecord)).toThrow(invalidRecord)
  })
})
