/** Attributes are read back as they were given, and a frame that cannot be read says why. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Attributes,
  checkFrame,
  decodeAttributes,
  encodeAttributes,
  frameAttributesLength,
  frameBytes,
  frameFault,
  frameFlags,
  frameKind,
  frameLength,
  framePosition,
  frameStream,
  frameTime,
} from '../src/frame.ts'
import { GROUP_HEADER_BYTES, GroupBuilder } from '../src/group.ts'
import { SALT, SEED } from './segment-bytes.ts'

describe('attributes', () => {
  const roundTrip = (attributes: Attributes) => {
    const { flags, bytes } = encodeAttributes(attributes)!
    return decodeAttributes(flags, bytes)
  }

  it('are read back as they were given', () => {
    const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
    const attributes = fc.record({
      term: option(fc.bigInt(0n, 2n ** 64n - 1n)),
      timestamp: option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
      transactionId: option(fc.string({ unit: 'binary' })),
    })
    fc.assert(
      fc.property(attributes, (given) => {
        if (Object.values(given).every((value) => value === undefined)) {
          expect(encodeAttributes(given)).toBeUndefined()
        } else {
          expect(roundTrip(given)).toEqual(given)
        }
      }),
    )
  })

  it('at the ends of their ranges are too', () => {
    for (const given of [
      { term: 0n, timestamp: -(2n ** 63n), transactionId: '' },
      { term: 2n ** 64n - 1n, timestamp: 2n ** 63n - 1n, transactionId: '\ufeffé\0😀' },
      { term: undefined, timestamp: -1n, transactionId: undefined },
    ]) {
      expect(roundTrip(given)).toEqual(given)
    }
  })

  it('that are no text are refused', () => {
    expect(() => decodeAttributes(4, Uint8Array.of(0x61, 0xff))).toThrow(
      expect.objectContaining({
        code: 'WALRUS_CORRUPT',
        cause: expect.objectContaining({ code: 'ERR_ENCODING_INVALID_ENCODED_DATA' }),
      }),
    )
  })

  it('that were not given take no space', () => {
    expect(encodeAttributes({})).toBeUndefined()
    expect(encodeAttributes({ term: 1n })!.bytes).toHaveLength(8)
    expect(encodeAttributes({ timestamp: 1n })!.bytes).toHaveLength(8)
    expect(encodeAttributes({ transactionId: 'é' })!.bytes).toHaveLength(2)
    expect(encodeAttributes({ transactionId: '' })).toEqual({ flags: 4, bytes: new Uint8Array(0) })
  })
})

describe('a frame', () => {
  const builder = new GroupBuilder(1024)
  const at = GROUP_HEADER_BYTES
  const framed = (flags: number, attributes: Uint8Array, data: Uint8Array) => {
    builder.begin(SEED, SALT)
    builder.addWithAttributes(0xffff_fffe, 1, 2 ** 45 + 3, 0xffff_fffd, flags, attributes, data)
    return builder.words
  }

  it('says what it was given', () => {
    const words = framed(7, new Uint8Array(21), new Uint8Array(30))
    expect(frameLength(words, at)).toBe(51)
    expect(frameStream(words, at)).toBe(0xffff_fffe)
    expect(frameKind(words, at)).toBe(1)
    expect(frameFlags(words, at)).toBe(7)
    expect(frameAttributesLength(words, at)).toBe(21)
    expect(framePosition(words, at)).toBe(2 ** 45 + 3)
    expect(frameTime(words, at)).toBe(0xffff_fffd)
    expect(frameFault(words, at)).toBeUndefined()
    expect(() => checkFrame(words, at, 'x.seg', 256)).not.toThrow()
  })

  it('can have attributes and no data, and the longest attributes', () => {
    expect(frameFault(framed(3, new Uint8Array(16), new Uint8Array(0)), at)).toBeUndefined()
    const long = new GroupBuilder(0x2_0000)
    long.begin(SEED, SALT)
    long.addWithAttributes(0, 1, 1, 0, 4, new Uint8Array(0xffff), new Uint8Array(1))
    expect(frameAttributesLength(long.words, at)).toBe(0xffff)
    expect(frameFault(long.words, at)).toBeUndefined()
  })

  const faults: [string, (words: Int32Array) => void, string][] = [
    ['kind 0', (words) => (words[at / 4 + 2] = 0), 'unknown kind 0'],
    ['a kind of a later version', (words) => (words[at / 4 + 2] = 5), 'unknown kind 5'],
    ['a flag of a later version', (words) => (words[at / 4 + 2] = 0x1001), 'unknown flags 16'],
    [
      'JSON and a term',
      (words) => (words[at / 4 + 2] = 0x08_0901),
      'JSON that is no entry, or has attributes beside it',
    ],
    [
      'JSON of the catalog',
      (words) => (words[at / 4 + 2] = 0x0802),
      'JSON that is no entry, or has attributes beside it',
    ],
    [
      'JSON behind attributes',
      (words) => (words[at / 4 + 2] = 0x04_0801),
      'attributes longer than their flags say',
    ],
    [
      'attributes longer than its body',
      (words) => (words[at / 4 + 2] = 0x0034_0401),
      'attributes longer than the body',
    ],
    [
      'a term and no room for it',
      (words) => (words[at / 4 + 2] = 0x0007_0101),
      'attributes shorter than their flags say',
    ],
    [
      'a term and a timestamp and room for one',
      (words) => (words[at / 4 + 2] = 0x000f_0301),
      'attributes shorter than their flags say',
    ],
    [
      'attributes beyond those it names',
      (words) => (words[at / 4 + 2] = 0x0015_0301),
      'attributes longer than their flags say',
    ],
    [
      'attributes and none named',
      (words) => (words[at / 4 + 2] = 0x0001_0001),
      'attributes longer than their flags say',
    ],
  ]
  for (const [what, change, fault] of faults) {
    it(`with ${what} cannot be read, and says so`, () => {
      const words = framed(7, new Uint8Array(21), new Uint8Array(30))
      change(words)
      expect(frameFault(words, at)).toBe(fault)
      expect(() => checkFrame(words, at, 'x.seg', 256)).toThrow(
        expect.objectContaining({
          code: 'WALRUS_CORRUPT',
          file: 'x.seg',
          offset: 256,
          message: `x.seg: the frame at byte 256 has ${fault}`,
        }),
      )
    })
  }

  it('takes its header, its body up to a multiple of 4, and its check, whatever its length says', () => {
    const sizes: [number, number][] = [
      [0, 28],
      [1, 32],
      [4, 32],
      [5, 36],
      [2 ** 31 - 1, 2 ** 31 + 28],
      [2 ** 31, 2 ** 31 + 28],
      [2 ** 32 - 4, 2 ** 32 + 24],
      [2 ** 32 - 1, 2 ** 32 + 28],
    ]
    expect(sizes.map(([length]) => frameBytes(length))).toEqual(sizes.map(([, size]) => size))
  })
})
