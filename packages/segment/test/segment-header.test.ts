/** A segment header is read back as it was written, and refused by name when it is anything else. */

import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  Begun,
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from '../src/segment-header.ts'

const FILE = '000000000007.seg'
const MAX = Number.MAX_SAFE_INTEGER

const header: SegmentHeader = {
  firstGroup: 512,
  logId: Uint8Array.from({ length: 16 }, (_, at) => 0xf0 + at),
  id: MAX - 1,
  generation: 0xffff_fffe,
  salt: -2,
  firstLsn: 2 ** 40 + 5,
  plainNext: 2 ** 33 + 6,
  baseTime: 1_700_000_000_123,
  boot: -0x1234_5678,
  epoch: 0xffff_ffff,
  predecessor: { id: MAX - 2, generation: 0xffff_fffd, salt: -3, end: 2 ** 32 + 4 },
  mark: MAX,
  begun: Begun.recovery,
  align: 512,
  catalogSegment: MAX - 3,
  catalogFrames: 0xffff_fffc,
  commitEnd: MAX - 4,
}

/** The header with these bytes changed and its checksum set right again. */
function forged(changes: Readonly<Record<number, number>>): Uint8Array {
  const bytes = Object.assign(encodeSegmentHeader(header), changes)
  new DataView(bytes.buffer).setUint32(188, crc32(bytes.subarray(0, 188)), true)
  return bytes
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, file: FILE, message: expect.stringMatching(message) })

describe('a header', () => {
  it('is read back as it was written', () => {
    const bytes = encodeSegmentHeader(header)
    expect(bytes).toHaveLength(SEGMENT_HEADER_BYTES)
    expect(decodeSegmentHeader(bytes, FILE)).toEqual(header)
  })

  it('keeps its log id when the bytes it was read from change', () => {
    for (const bytes of [encodeSegmentHeader(header), Buffer.from(encodeSegmentHeader(header))]) {
      const read = decodeSegmentHeader(bytes, FILE)
      bytes.fill(0)
      expect(read.logId).toEqual(header.logId)
    }
  })

  it('may be followed by groups', () => {
    const bytes = Buffer.concat([encodeSegmentHeader(header), Buffer.alloc(1000, 1)])
    expect(decodeSegmentHeader(bytes, FILE).id).toBe(header.id)
  })
})

describe('it is refused', () => {
  it('with any one bit flipped', () => {
    for (let at = 0; at < SEGMENT_HEADER_BYTES; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = encodeSegmentHeader(header)
        bytes[at]! ^= 1 << bit
        // The major version is looked at first: who cannot read a header does not know where its checksum is.
        const code = at === 10 || at === 11 ? 'WALRUS_UNSUPPORTED_FORMAT' : 'WALRUS_CORRUPT'
        expect(() => decodeSegmentHeader(bytes, FILE)).toThrow(refusal(code, /000000000007\.seg/))
      }
    }
  })

  it('cut short at any byte', () => {
    const bytes = encodeSegmentHeader(header)
    for (let length = 0; length < SEGMENT_HEADER_BYTES; length++) {
      expect(() => decodeSegmentHeader(bytes.subarray(0, length), FILE)).toThrow(
        refusal('WALRUS_CORRUPT', new RegExp(`is ${length} bytes long`)),
      )
    }
  })

  it('when the file holds something else', () => {
    for (const bytes of [new Uint8Array(4096), Buffer.alloc(4096, 'PK\x03\x04')]) {
      expect(() => decodeSegmentHeader(bytes, FILE)).toThrow(
        refusal('WALRUS_CORRUPT', /does not begin with a segment header/),
      )
    }
  })

  it('from another major version, saying which, and from a newer minor one read', () => {
    expect(() => decodeSegmentHeader(forged({ 8: 3, 10: 2 }), FILE)).toThrow(
      refusal('WALRUS_UNSUPPORTED_FORMAT', /format version 2\.3; this Walrus reads version 1/),
    )
    expect(() => decodeSegmentHeader(forged({ 10: 0 }), FILE)).toThrow(
      refusal('WALRUS_UNSUPPORTED_FORMAT', /format version 0\.0/),
    )
    expect(decodeSegmentHeader(forged({ 8: 1 }), FILE).id).toBe(header.id)
  })

  const impossible: [string, Readonly<Record<number, number>>][] = [
    ['its first group inside the header', { 12: 0, 13: 0 }],
    ['its first group not where its alignment puts it', { 12: 4, 13: 2 }],
    ['an alignment of 0', { 116: 0, 117: 0 }],
    ['an alignment that is no power of two', { 116: 4, 117: 2 }],
    ['an alignment of 2', { 12: 192, 13: 0, 116: 2, 117: 0 }],
    ['a reason to begin of 0', { 112: 0 }],
    ['an unknown reason to begin', { 112: 5 }],
    ['a number beyond 2^53', { 38: 0xff }],
    ['a first LSN beyond 2^53', { 54: 0xff }],
    ['a next index beyond 2^53', { 62: 0xff }],
    ['a time beyond 2^53', { 70: 0xff }],
    ['a predecessor beyond 2^53', { 86: 0xff }],
    ['a predecessor that ends beyond 2^53', { 102: 0xff }],
    ['a mark beyond 2^53', { 110: 0xff }],
    ['a catalog beyond 2^53', { 126: 0xff }],
    ['a commit that ends beyond 2^53', { 138: 0xff }],
  ]
  for (const [what, changes] of impossible) {
    it(`with ${what}, though its checksum is right`, () => {
      expect(() => decodeSegmentHeader(forged(changes), FILE)).toThrow(
        refusal('WALRUS_CORRUPT', /impossible values/),
      )
    })
  }

  it('not when forged without a change', () => {
    expect(decodeSegmentHeader(forged({}), FILE).id).toBe(header.id)
  })
})
