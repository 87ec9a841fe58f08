/** An index file says what the index did; damaged or made up, it is refused, or leads nowhere but within bounds. */

import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeIndex, IndexFile, type IndexedSegment } from '../src/index-file.ts'
import { SegmentIndex } from '../src/segment-index.ts'
import { MemoryFile } from './memory-file.ts'

const segment: IndexedSegment = {
  logId: Uint8Array.from({ length: 16 }, (_, at) => at * 17),
  id: 2 ** 40 + 7,
  generation: 0xffff_fffe,
  salt: -5,
  firstLsn: 2 ** 41 + 1,
  endLsn: 2 ** 41 + 15,
  end: 0xffff_0000,
}

/** Streams 0 and 16, the latter with a gap, and two samples. */
function sampleIndex(): SegmentIndex {
  const index = new SegmentIndex()
  for (let i = 0; i < 5; i++) index.stream(0).add(2 ** 33 + i, 256 + i * 40)
  for (let i = 0; i < 3; i++) index.stream(16).add(i, 1000 + i * 40)
  for (let i = 0; i < 4; i++) index.stream(16).add(10 + i, 2000 + i * 40)
  index.addGroup(192, 0, 0)
  index.addGroup(100_000, 0xffff_fff0, 0xffff_fff1)
  return index
}

const bytes = encodeIndex(sampleIndex(), segment)
const ROWS_AT = 128
const POSTINGS_AT = ROWS_AT + 3 * 24
const SAMPLES_AT = POSTINGS_AT + 12 * 4

function open(from: Uint8Array): { file: MemoryFile; index: IndexFile } {
  const file = new MemoryFile(from)
  return { file, index: IndexFile.open(file) }
}

/** The bytes with words set, and every checksum set right again. */
function forged(words: Readonly<Record<number, number>>, from = bytes): Uint8Array {
  const copy = from.slice()
  const view = new DataView(copy.buffer)
  for (const [at, value] of Object.entries(words)) view.setUint32(Number(at), value, true)
  view.setUint32(84, crc32(copy.subarray(ROWS_AT, POSTINGS_AT)), true)
  view.setUint32(88, crc32(copy.subarray(POSTINGS_AT, SAMPLES_AT)), true)
  view.setUint32(92, crc32(copy.subarray(SAMPLES_AT)), true)
  view.setUint32(124, crc32(copy.subarray(0, 124)), true)
  return copy
}

const corrupt = (message: RegExp) =>
  expect.objectContaining({
    code: 'WALRUS_CORRUPT',
    file: 'memory.seg',
    message: expect.stringMatching(message),
  })

describe('an index file', () => {
  it('says which segment it is of, and how much of it', () => {
    expect(bytes).toHaveLength(SAMPLES_AT + 2 * 16)
    expect(open(bytes).index.segment).toEqual(segment)
    expect(open(bytes).index.voids).toBe(2)
  })

  it('answers as the index did, for any streams and positions', () => {
    const stream = fc.record({ gap: fc.nat(3), count: fc.integer({ min: 1, max: 20 }) })
    fc.assert(
      fc.property(fc.array(fc.array(stream, { maxLength: 4 }), { maxLength: 6 }), (streams) => {
        const index = new SegmentIndex()
        let offset = 192
        let last = 0
        streams.forEach((runs, id) => {
          let position = id
          for (const { gap, count } of runs) {
            position += gap
            for (let i = 0; i < count; i++) index.stream(id * 3).add(position++, (offset += 28))
          }
          last = Math.max(last, position)
        })
        const { index: file } = open(encodeIndex(index, segment))
        expect(file.heads()).toEqual(index.heads())
        for (let id = 0; id <= streams.length * 3; id++) {
          for (let position = 0; position <= last + 1; position += 1) {
            expect(file.find(id, position)).toBe(index.find(id, position))
            expect(file.slice(id, position, 7)).toEqual(index.slice(id, position, 7))
          }
          for (let at = 190; at <= offset + 28; at += 45) {
            expect(file.nextBefore(id, at)).toBe(index.nextBefore(id, at))
          }
        }
        const loaded = file.load(new SegmentIndex())
        expect(encodeIndex(loaded, segment)).toEqual(encodeIndex(index, segment))
      }),
      { numRuns: 40 },
    )
  })

  it('gives its samples back, up to the largest', () => {
    const samples = [
      { offset: 192, time: 0, lsn: 0 },
      { offset: 100_000, time: 0xffff_fff0, lsn: 0xffff_fff1 },
    ]
    expect(open(bytes).index.load(new SegmentIndex()).samples()).toEqual(samples)
  })

  it('of a segment without a frame has no rows', () => {
    const { index } = open(encodeIndex(new SegmentIndex(), segment))
    expect(index.heads()).toEqual([])
    expect(index.find(0, 1)).toBe(-1)
    expect(index.nextBefore(0, 1000)).toBeUndefined()
  })

  it('loaded can go on growing', () => {
    const index = open(bytes).index.load(new SegmentIndex())
    index.stream(16).add(14, 3000)
    expect(index.find(16, 14)).toBe(3000)
    expect(index.find(16, 13)).toBe(2120)
  })

  it('closes the file it was given', () => {
    const { file, index } = open(bytes)
    index.closeSync()
    expect(file.closed).toBe(true)
  })
})

describe('damage', () => {
  const places = Array.from({ length: bytes.length }, (_, at) => at)
  const isPosting = (at: number) => at >= POSTINGS_AT && at < SAMPLES_AT
  const flipped = (at: number, bit: number) => {
    const damaged = bytes.slice()
    damaged[at]! ^= 1 << bit
    return damaged
  }

  it('to any bit of the header, the rows or the samples is refused', () => {
    for (const at of places.filter((place) => !isPosting(place))) {
      for (let bit = 0; bit < 8; bit++) {
        expect(() => open(flipped(at, bit))).toThrow(corrupt(/index|header|rows|samples/))
      }
    }
  })

  it('to any bit of the postings is refused when all are loaded', () => {
    for (const at of places.filter(isPosting)) {
      for (let bit = 0; bit < 8; bit++) {
        const { index } = open(flipped(at, bit))
        expect(() => index.load(new SegmentIndex())).toThrow(corrupt(/damaged postings/))
      }
    }
  })

  it('to a posting leads one lookup astray, and no other', () => {
    for (const at of places.filter(isPosting)) {
      const { file, index } = open(flipped(at, 3))
      const { index: good } = open(bytes)
      const wrong = [0, 1, 2, 3, 4]
        .map((i) => [0, 2 ** 33 + i])
        .concat([0, 1, 2, 10, 11, 12, 13].map((i) => [16, i]))
        .filter(
          ([stream, position]) => index.find(stream!, position!) !== good.find(stream!, position!),
        )
      expect(wrong).toHaveLength(1)
      expect(index.slice(16, 0, 1000)).toHaveLength(3)
      expect(file.longestRead).toBeLessThanOrEqual(128)
    }
  })

  it('that shortens or lengthens the file is refused', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => open(bytes.subarray(0, length))).toThrow(corrupt(/index|bytes long/))
    }
    expect(() => open(new Uint8Array([...bytes, 0]))).toThrow(corrupt(/bytes long/))
  })

  it('that leaves another file here is refused', () => {
    expect(() => open(new Uint8Array(4096))).toThrow(corrupt(/no index file/))
  })

  it('that cuts the file while it is open ends in no answer, not in another’s', () => {
    const { file, index } = open(bytes)
    file.cut(POSTINGS_AT)
    expect(index.find(0, 2 ** 33 + 1)).toBe(0)
    expect(Array.from(index.slice(16, 0, 3))).toEqual([0, 0, 0])
    expect(() => index.load(new SegmentIndex())).toThrow(corrupt(/damaged postings/))
  })
})

describe('an index with right checksums is refused', () => {
  const cases: [string, Record<number, number>, RegExp][] = [
    ['it is of another major version', { 8: 0x0002_0000 }, /another format version/],
    ['its header has another size', { 12: 256 }, /another format version/],
    ['it claims 2^32 - 1 rows', { 72: 0xffff_ffff }, /bytes long/],
    ['it claims 2^32 - 1 postings', { 76: 0xffff_ffff }, /bytes long/],
    ['it claims 2^32 - 1 samples', { 80: 0xffff_ffff }, /bytes long/],
    ['a row has 2^32 - 1 positions', { [ROWS_AT + 4]: 0xffff_ffff }, /contradict/],
    ['the last row has 2^32 - 1 positions', { [ROWS_AT + 52]: 0xffff_ffff }, /contradict/],
    ['its rows leave postings over', { [ROWS_AT + 52]: 3 }, /contradict/],
    ['a row begins behind the postings', { [ROWS_AT + 40]: 0xffff_ffff }, /contradict/],
    ['two rows share postings', { [ROWS_AT + 40]: 4 }, /contradict/],
    ['streams are out of order', { [ROWS_AT]: 17 }, /contradict/],
    ['rows of a stream overlap', { [ROWS_AT + 56]: 2 }, /contradict/],
  ]
  for (const [what, words, message] of cases) {
    it(`because ${what}`, () => {
      const file = new MemoryFile(forged(words))
      expect(() => IndexFile.open(file)).toThrow(corrupt(message))
      expect(file.longestRead).toBeLessThanOrEqual(bytes.length)
    })
  }

  it('not when nothing else is changed, or a newer minor version wrote it', () => {
    expect(forged({})).toEqual(bytes)
    expect(open(forged({ 8: 0x0001_0001 })).index.segment).toEqual(segment)
  })
})
