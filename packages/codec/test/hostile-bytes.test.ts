import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  binaryCodec,
  crc32,
  decodeKvRecord,
  encodeKvRecord,
  type EntryCodec,
  jsonCodec,
  readFrame,
  WalrusError,
} from '../src/index.ts'
import { anyEntry } from './any-entry.ts'
import { fileBytes, readGoLogFixture, readKvFixture } from './fixtures.ts'

/** The value, or the code of the WalrusError thrown instead; any other exception fails the test. */
function outcome<T>(act: () => T): { value: T } | { code: string } {
  try {
    return { value: act() }
  } catch (error) {
    if (!(error instanceof WalrusError)) throw error
    return { code: error.code }
  }
}

/** The twelve shortest entries of the first file. */
function framesOf(name: 'go-wal-binary' | 'go-wal-json'): Uint8Array[] {
  const file = fileBytes(readGoLogFixture(name))[0]!
  const frames: Uint8Array[] = []
  for (let at = 0; at < file.length; ) {
    const frame = readFrame(file, at)
    frames.push(frame.bytes)
    at = frame.next
  }
  return frames.sort((a, b) => a.length - b.length).slice(0, 12)
}

/** Cuts, doubles, overwrites and flips, several at a time. */
function mutated(from: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
  const change = fc.record({
    kind: fc.constantFrom('cut', 'insert', 'overwrite', 'flip', 'repeat', 'fill'),
    from: place,
    to: place,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  })
  return fc
    .tuple(fc.constantFrom(...from), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([original, changes]) => {
      let bytes = [...original]
      for (const { kind, from: a, to: b, bytes: extra } of changes) {
        const start = Math.floor(Math.min(a, b) * bytes.length)
        const end = Math.floor(Math.max(a, b) * bytes.length)
        if (kind === 'cut') bytes.splice(start, end - start)
        if (kind === 'insert') bytes.splice(start, 0, ...extra)
        if (kind === 'overwrite') bytes.splice(start, extra.length, ...extra)
        if (kind === 'flip' && start < bytes.length) bytes[start]! ^= 1 << (extra[0]! & 7)
        if (kind === 'repeat') bytes = [...bytes.slice(0, end), ...bytes.slice(start)]
        if (kind === 'fill') bytes.fill(extra[0]!, start, end)
      }
      return Uint8Array.from(bytes)
    })
}

const formats: { format: string; codec: EntryCodec; frames: Uint8Array[] }[] = [
  { format: 'binary', codec: binaryCodec, frames: framesOf('go-wal-binary') },
  { format: 'json', codec: jsonCodec, frames: framesOf('go-wal-json') },
]

describe.each(formats)('hostile bytes for $format', ({ codec, frames }) => {
  it('give an entry or a WalrusError when they are anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => {
        outcome(() => codec.decode(bytes))
        outcome(() => codec.decodeView(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('give an entry or a WalrusError when they are damaged entries', () => {
    fc.assert(
      fc.property(mutated(frames), (bytes) => {
        const result = outcome(() => codec.decode(bytes))
        expect(outcome(() => codec.decodeView(bytes))).toEqual(result)
        if ('value' in result)
          expect(codec.decode(codec.encode(result.value))).toEqual(result.value)
      }),
      { numRuns: 3000 },
    )
  })

  it('never pass when one bit of a real entry was flipped', () => {
    const shortest = frames[0]!
    for (let bit = 0; bit < shortest.length * 8; bit++) {
      const bytes = shortest.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(
        outcome(() => codec.decode(bytes)),
        `bit ${bit}`,
      ).toEqual({
        code: expect.stringMatching(/^WALRUS_(CHECKSUM_MISMATCH|INVALID_ENTRY)$/) as unknown,
      })
    }
  })

  it('never pass when a real entry was cut short', () => {
    const shortest = frames[0]!
    for (let length = 0; length < shortest.length; length++) {
      const result = outcome(() => codec.decode(shortest.subarray(0, length)))
      expect(result, `${length} bytes`).toHaveProperty('code')
    }
  })
})

describe('hostile lengths under a right checksum', () => {
  const seal = (bytes: Uint8Array): Uint8Array => {
    new DataView(bytes.buffer).setUint32(
      bytes.length - 4,
      crc32(bytes, 0, 0, bytes.length - 4),
      true,
    )
    return bytes
  }

  it('are refused unless they add up to the size, and nothing is allocated by them', () => {
    const before = process.memoryUsage().arrayBuffers
    const length = fc.oneof(fc.nat(80), fc.integer({ min: 0, max: 0xffffffff }))
    fc.assert(
      fc.property(length, length, fc.nat(60), (dataLength, idLength, room) => {
        const bytes = new Uint8Array(36 + room)
        const view = new DataView(bytes.buffer)
        view.setUint32(24, dataLength, true)
        if (dataLength <= room) view.setUint32(28 + dataLength, idLength, true)
        const fits = dataLength <= room && dataLength + idLength === room
        const result = outcome(() => binaryCodec.decode(seal(bytes)))
        if (fits) expect(result).toHaveProperty('value')
        else expect(result).toEqual({ code: 'WALRUS_INVALID_ENTRY' })
      }),
      { numRuns: 5000 },
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20)
  })

  it('leave one reading only: what decodes encodes to the same bytes', () => {
    fc.assert(
      fc.property(mutated(formats[0]!.frames), (bytes) => {
        if (bytes.length < 36) return
        const result = outcome(() => binaryCodec.decode(seal(bytes)))
        if ('value' in result) expect(binaryCodec.encode(result.value)).toEqual(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it('of a transaction id that is not UTF-8 are refused with the cause', () => {
    const bytes = binaryCodec.encode({
      index: 3n,
      term: 0n,
      data: null,
      timestamp: 0n,
      transactionId: 'ab',
    })
    bytes.set([0xc0, 0xaf], 32)
    expect(() => binaryCodec.decode(seal(bytes))).toThrow(
      expect.objectContaining({
        code: 'WALRUS_INVALID_ENTRY',
        index: 3n,
        offset: 32,
        cause: expect.any(TypeError) as unknown,
      }),
    )
  })
})

describe('hostile JSON', () => {
  it('made of the layout’s own pieces gives an entry or a WalrusError', () => {
    const pieces = fc.constantFrom(
      '{ } , : " \\ \\u 00 null - 0 18446744073709551616',
      '"index":1 "term":0 "data":"" "data":"AA==" "checksum":0 "timestamp":-1',
      '"transaction_id":"" "transaction_id":"\\ud800" \u00ff',
    )
    const piece = pieces.chain((line) => fc.constantFrom(...line.split(' ')))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (text) => {
        outcome(() => jsonCodec.decode(Buffer.from(text.join(''), 'latin1')))
        outcome(() => jsonCodec.decode(Buffer.from(`{${text.join(',')}}`, 'latin1')))
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['brackets', '['.repeat(1_000_000)],
    ['digits', `{"index":${'9'.repeat(20_000_000)}}`],
    ['white space', ' '.repeat(1_000_000)],
    ['backslashes', `{"transaction_id":"${'\\'.repeat(1_000_000)}`],
  ])('of millions of %s is refused in one pass', (_name, text) => {
    const started = performance.now()
    expect(outcome(() => jsonCodec.decode(Buffer.from(text)))).toEqual({
      code: 'WALRUS_INVALID_ENTRY',
    })
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('hostile bytes for key-value records', () => {
  const file = fileBytes(readKvFixture('kv-wal'))[0]!
  const records: Uint8Array[] = []
  for (let at = 0; at < file.length; ) {
    const { next } = decodeKvRecord(file, at)
    records.push(file.subarray(at, next))
    at = next
  }

  it('give a record or a WalrusError, and what passes encodes to the same bytes', () => {
    const wellHeaded = fc.uint8Array({ maxLength: 60 }).map((body) => {
      const view = new DataView(new ArrayBuffer(12 + body.length))
      const bytes = new Uint8Array(view.buffer)
      bytes.set(body, 12)
      view.setUint32(0, 0xcafebabe)
      view.setUint32(4, body.length)
      view.setUint32(8, crc32(body))
      return bytes
    })
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated(records), wellHeaded),
        (bytes) => {
          const result = outcome(() => decodeKvRecord(bytes))
          if ('code' in result) return
          const { record, next } = result.value
          expect(encodeKvRecord(record)).toEqual(bytes.slice(0, next))
        },
      ),
      { numRuns: 5000 },
    )
  })
})

describe('entries that were never written as such', () => {
  it('do not pass in the other layout', () => {
    fc.assert(
      fc.property(anyEntry(), (entry) => {
        expect(outcome(() => jsonCodec.decode(binaryCodec.encode(entry)))).toHaveProperty('code')
        expect(outcome(() => binaryCodec.decode(jsonCodec.encode(entry)))).toHaveProperty('code')
      }),
    )
  })
})
