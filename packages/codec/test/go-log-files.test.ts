import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type DecodedEntry,
  encodeFrame,
  type EntryCodec,
  entryCodec,
  readFrame,
  WalrusError,
} from '../src/index.ts'
import { fileBytes, readGoLogFixture } from './fixtures.ts'

const formats = [
  { format: 'binary', name: 'go-wal-binary', count: 400 },
  { format: 'json', name: 'go-wal-json', count: 200 },
] as const

function* frames(file: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < file.length; ) {
    const frame = readFrame(file, at)
    yield frame.bytes
    at = frame.next
  }
}

function asExpected(entry: DecodedEntry): object {
  return {
    index: Number(entry.index),
    term: Number(entry.term),
    timestampNs: String(entry.timestamp),
    transactionId: entry.transactionId,
    checksum: entry.checksum,
    dataLength: entry.data?.length,
    dataSha256: createHash('sha256')
      .update(entry.data ?? '')
      .digest('hex'),
  }
}

describe.each(formats)('the files the Go log wrote in $format', ({ format, name, count }) => {
  const fixture = readGoLogFixture(name)
  const codec: EntryCodec = entryCodec(format)

  it('are all there', () => {
    expect(fixture.entries).toHaveLength(count)
    expect(fixture.entries.some((entry) => entry.transactionId !== '')).toBe(true)
  })

  it.each(['decode', 'decodeView'] as const)(
    'give every entry that Go read back (%s)',
    (method) => {
      const entries = fileBytes(fixture).flatMap((file) =>
        [...frames(file)].map((bytes) => asExpected(codec[method](bytes))),
      )
      expect(entries).toEqual(fixture.entries)
    },
  )

  it('are what the entries encode to, byte for byte', () => {
    for (const file of fileBytes(fixture)) {
      const again = [...frames(file)].map((bytes) => encodeFrame(codec, codec.decode(bytes)))
      expect(Buffer.concat(again).equals(file)).toBe(true)
    }
  })

  it('hold entries whose checksum and size can be told without encoding', () => {
    const most = format === 'binary' ? 0 : 9
    for (const file of fileBytes(fixture)) {
      for (const bytes of frames(file)) {
        const entry = codec.decode(bytes)
        expect(codec.checksum(entry)).toBe(entry.checksum)
        const over = codec.estimateSize(entry) - bytes.length
        expect(over).toBeGreaterThanOrEqual(0)
        expect(over).toBeLessThanOrEqual(most)
      }
    }
  })

  it('are refused as truncated where a torn write left 9 bytes too few', () => {
    const last = fileBytes(fixture).at(-1)!
    const torn = last.subarray(0, last.length - 9)
    const whole: Uint8Array[] = []
    let error: unknown
    try {
      for (const bytes of frames(torn)) whole.push(bytes)
    } catch (caught) {
      error = caught
    }
    const expected = [...frames(last)].slice(0, -1)
    expect(whole).toEqual(expected)
    expect(error).toBeInstanceOf(WalrusError)
    expect(error).toMatchObject({
      code: 'WALRUS_TRUNCATED',
      offset: expected.reduce((sum, bytes) => sum + 4 + bytes.length, 0),
    })
  })
})
