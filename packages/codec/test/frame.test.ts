import { describe, expect, it } from 'vitest'
import {
  binaryCodec,
  encodeFrame,
  jsonCodec,
  LENGTH_PREFIX_SIZE,
  readFrame,
  SEGMENT_FILE_PREFIX,
  SEGMENT_FILE_SUFFIX,
} from '../src/index.ts'

// Its checksum in JSON has two digits: the frame must not keep the room that was set aside for ten.
const entry = { index: 10670015n, term: 0n, data: null, timestamp: 0n, transactionId: '' }

describe('frames', () => {
  it('have the sizes and file names of the Go log', () => {
    expect(LENGTH_PREFIX_SIZE).toBe(4)
    expect(SEGMENT_FILE_PREFIX).toBe('segment_')
    expect(SEGMENT_FILE_SUFFIX).toBe('.wal')
  })

  it.each([binaryCodec, jsonCodec])(
    '$format: are a length, u32 little endian, and the entry',
    (codec) => {
      const encoded = codec.encode(entry)
      const frame = encodeFrame(codec, entry)
      expect([...frame.subarray(0, 4)]).toEqual([encoded.length, 0, 0, 0])
      expect(frame.subarray(4)).toEqual(encoded)
    },
  )

  it('are found one after the other, as views, wherever the bytes stand in memory', () => {
    const memory = Uint8Array.of(99, 99, 2, 0, 0, 0, 7, 8, 0, 0, 0, 0, 1, 0, 0, 0, 9)
    const bytes = memory.subarray(2)
    const one = readFrame(bytes, 0)
    expect(one).toEqual({ bytes: Uint8Array.of(7, 8), next: 6 })
    expect(one.bytes.buffer).toBe(memory.buffer)
    expect(readFrame(bytes, 6)).toEqual({ bytes: new Uint8Array(0), next: 10 })
    expect(readFrame(bytes, 10)).toEqual({ bytes: Uint8Array.of(9), next: 15 })
  })

  it.each([
    ['at the end of the bytes', [1, 0, 0, 0, 9], 5],
    ['with half a length', [1, 0, 0, 0, 9, 1, 0, 0], 5],
    ['one byte short', [1, 0, 0, 0, 9, 2, 0, 0, 0, 1], 5],
    ['of 4 GiB', [255, 255, 255, 255, 1, 2, 3], 0],
  ])('that are not whole are reported with their offset: %s', (_name, content, offset) => {
    expect(() => readFrame(Uint8Array.from(content), offset)).toThrow(
      expect.objectContaining({ name: 'WalrusError', code: 'WALRUS_TRUNCATED', offset }),
    )
  })

  it.each([-1, 6, 0.5, Number.NaN])('are not looked for at the offset %d of 5 bytes', (offset) => {
    expect(() => readFrame(new Uint8Array(5), offset)).toThrow(
      expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }),
    )
  })
})
