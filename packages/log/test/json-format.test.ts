/** Entries stored as JSON: the same to whoever reads them from the log, and text to whoever reads the files. */

import { jsonCodec } from '@walrus/codec'
import { encodeAttributes, frameBytes } from '@walrus/segment'
import { SimulatedDisk } from '@walrus/storage-sim'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJson, encodeJson, entryRoom } from '../src/entry-format.ts'
import { inspect, Log, type LogEntry, type LogOptions, type Stream, verify } from '../src/index.ts'
import { checkCommit } from '../src/input.ts'
import { bytesOf, DIR, openOn, segment, text } from './simulated.ts'

const JSON_LOG: LogOptions = { format: 'json' }

/** All that can be seen of an entry, but when it was committed. */
function shown({ index, data, term, timestamp, transactionId, time }: LogEntry): unknown {
  const given = timestamp === BigInt(time) * 1_000_000n ? 'committed' : timestamp
  return { index, data: text(data), term, timestamp: given, transactionId }
}

async function allOf(stream: Log | Stream): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const entry of stream.entries()) {
    all.push(shown(entry))
    expect(shown(await stream.get(entry.index))).toEqual(shown(entry))
    expect(shown(stream.view(entry.index))).toEqual(shown(entry))
  }
  return all
}

/** Puts entries into a log in every way there is, three of which do not fit a transaction's memory. */
async function fill(log: Log): Promise<void> {
  await log.append('first')
  await log.append('')
  log.appendSync('at once')
  await log.append('given', { term: 7n, timestamp: -5n, transactionId: '<"\u2028\u0001>' })
  await log.appendBatch(['a', { data: Uint8Array.of(0xff, 0), term: 2n ** 64n - 1n }])
  await log.stream('orders').append('in a stream')
  const batch = log.batch()
  batch.append('orders', 'of a batch')
  batch.append(undefined, 'of the same')
  await log.commit(batch)
  await log.transaction(async (transaction) => {
    for (const size of [10, 60_000, 60_000, 60_000, 20]) {
      transaction.append('orders', 'x'.repeat(size), { term: 3n })
    }
  })
  await log.append('last')
}

describe("with format: 'json'", () => {
  it('an entry stands in the file as its JSON encoding, and nothing else', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, JSON_LOG)
    await log.append('hello', { term: 3n, timestamp: 1_763_600_000_123_456_789n })
    await log.close()
    const entry = {
      index: 1n,
      term: 3n,
      data: Buffer.from('hello'),
      timestamp: 1_763_600_000_123_456_789n,
      transactionId: '',
    }
    const json = Buffer.from(jsonCodec.encode(entry)).toString()
    expect(json).toMatch(/^\{"index":1,"term":3,"data":"aGVsbG8="/)
    const file = bytesOf(disk, segment(1))
    expect(file.includes(json)).toBe(true)
    expect(file.includes('hello')).toBe(false)
  })

  it.each([
    ['', {}],
    [' under none', { durability: 'none' } as const],
  ])('entries are read as they are with the native one%s', async (_, more) => {
    const seen: unknown[] = []
    for (const format of ['native', 'json'] as const) {
      const disk = new SimulatedDisk()
      const options = { ...more, format, transactionMemoryBytes: 0x1_0000, segmentBytes: 0x2_0000 }
      const log = await openOn(disk, options)
      await fill(log)
      const live = [await allOf(log), await allOf(log.stream('orders'))]
      await log.close()
      const reader = await openOn(disk, { readOnly: true })
      const read = [await allOf(reader), await allOf(reader.stream('orders'))]
      await reader.close()
      expect(read).toEqual(live)
      const { ok } = await verify(DIR, { storage: disk.process() })
      expect(ok).toBe(true)
      seen.push(JSON.parse(JSON.stringify(read, withoutIds)))
    }
    expect(seen[1]).toEqual(seen[0])
  })

  it('a log goes on in the other format, and is recovered in either', async () => {
    const disk = new SimulatedDisk()
    for (const [round, format] of (['native', 'json', 'native', 'json'] as const).entries()) {
      const log = await openOn(disk, { format })
      await log.append(`entry ${round}`, { term: BigInt(round) })
      // The odd ones are killed: what they wrote is taken over as it stands.
      if (round % 2 === 0) await log.close()
      else disk.losePower('kept')
    }
    const log = await openOn(disk)
    const entries = await log.range(1, 9)
    expect(entries.map(({ data, term }) => [text(data), term])).toEqual([
      ['entry 0', 0n],
      ['entry 1', 1n],
      ['entry 2', 2n],
      ['entry 3', 3n],
    ])
    await log.close()
  })

  it('inspect shows the entry, not its JSON', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, JSON_LOG)
    await log.append('hello', { term: 3n })
    await log.close()
    const frames = []
    for await (const item of inspect(DIR, { storage: disk.process() })) {
      if (item.type === 'frame') frames.push([text(item.data), item.attributes.term])
    }
    expect(frames).toEqual([['hello', 3n]])
  })

  it('no entry takes more than was reserved for it', () => {
    const attributes = fc.record(
      {
        term: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        transactionId: fc.string({ unit: 'binary', maxLength: 40 }),
      },
      { requiredKeys: [] },
    )
    const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), attributes, position, (bytes, given, at) => {
        const entry = { bytes, attributes: encodeAttributes(given) }
        const body = encodeJson(at, 1_763_600_000_123, entry)
        expect(frameBytes(body.length)).toBeLessThanOrEqual(entryRoom(entry, 'json'))
        const { term = 0n, timestamp = 1_763_600_000_123_000_000n, transactionId = '' } = given
        expect(decodeJson(body, at, 'file', 0)).toEqual({
          data: bytes,
          attributes: { term, timestamp, transactionId },
        })
      }),
    )
  })

  it('a frame that does not hold the JSON of its entry is corrupt', () => {
    const entry = { bytes: Buffer.from('hello'), attributes: undefined }
    const body = encodeJson(5, 0, entry)
    const isCorrupt = expect.objectContaining({
      code: 'WALRUS_CORRUPT',
      file: 'file',
      offset: 64,
    }) as Error
    expect(() => decodeJson(body, 6, 'file', 64)).toThrow(isCorrupt)
    expect(() => decodeJson(body.subarray(1), 5, 'file', 64)).toThrow(isCorrupt)
    const other = body.slice()
    other[other.indexOf(0x61)] = 0x62
    expect(() => decodeJson(other, 5, 'file', 64)).toThrow(isCorrupt)
    const none = { index: 5n, term: 0n, data: null, timestamp: 0n, transactionId: '' }
    expect(() => decodeJson(jsonCodec.encode(none), 5, 'file', 64)).toThrow(isCorrupt)
  })

  it('what does not fit a frame or a commit group is refused', async () => {
    const disk = new SimulatedDisk()
    await expect(openOn(disk, { ...JSON_LOG, maxEntryBytes: 2 ** 30 })).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
      message: 'maxEntryBytes must be an integer from 1 to 805306368, got 1073741824',
    })
    const wrong = { format: 'text' } as unknown as LogOptions
    await expect(openOn(disk, wrong)).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
      message: `format must be 'native' or 'json', got "text"`,
    })
    expect(() => checkCommit(0x6ff0_0001)).toThrow(/is larger than 1877999616/)
    expect(
      entryRoom({ bytes: { length: 0x3000_0000 } as Uint8Array, attributes: undefined }, 'json'),
    ).toBeLessThan(0x4001_0000)
  })
})

/** Transactions have ids of their own making, and JSON no bigint. */
function withoutIds(key: string, value: unknown): unknown {
  if (key === 'transactionId' && String(value).startsWith('tx_')) return 'tx'
  return typeof value === 'bigint' ? `${value}n` : value
}
