import { binaryCodec } from '@walrus/codec'
import { describe, expect, it } from 'vitest'
import { type EntryAttributes, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'

const dir = freshDirectory()
const MAX_U64 = 2n ** 64n - 1n
const MAX_I64 = 2n ** 63n - 1n
const LONGEST_ID = `${'é'.repeat(511)}xy`

const GIVEN: EntryAttributes[] = [
  {},
  { term: 0n },
  { term: MAX_U64 },
  { timestamp: 0n },
  { timestamp: MAX_I64 },
  { timestamp: -MAX_I64 - 1n },
  { timestamp: -1n },
  { transactionId: '' },
  { transactionId: 'tx_00112233445566778899aabbccddeeff' },
  { transactionId: '\uFEFFbom ☃ 🐋 \0' },
  { transactionId: LONGEST_ID },
  { term: 1n, timestamp: 2n },
  { term: 1n, transactionId: 'a' },
  { timestamp: 3n, transactionId: 'b' },
  { term: MAX_U64, timestamp: -MAX_I64 - 1n, transactionId: LONGEST_ID },
]

describe('attributes', () => {
  it('come back as they were given, whatever way they went in', async () => {
    const log = await Log.open(dir())
    for (const [at, attributes] of GIVEN.entries()) {
      const data = `entry ${at}`
      const [inBatch] = await log.appendBatch([{ data, ...attributes }])
      const indexes = [
        await log.append(data, attributes),
        inBatch!,
        log.appendSync(Buffer.from(data), attributes),
      ]
      const position = await log.stream('s').append(data, attributes)
      const entries = await log.range(indexes[0]! - 1, indexes.at(-1)!)
      for (const entry of [...entries, await log.stream('s').get(position)]) {
        expect(Buffer.from(entry.data).toString()).toBe(data)
        expect(entry.term).toBe(attributes.term ?? 0n)
        expect(entry.timestamp).toBe(attributes.timestamp ?? BigInt(entry.time) * 1_000_000n)
        expect(entry.transactionId).toBe(attributes.transactionId ?? '')
      }
    }
    await log.close()
  })

  it('give the checksum that the binary interchange layout carries', async () => {
    const log = await Log.open(dir())
    for (const attributes of GIVEN) {
      const index = await log.append('payload', attributes)
      const entry = await log.get(index)
      const { term, timestamp, transactionId, data } = entry
      const bytes = binaryCodec.encode({
        index: BigInt(index),
        term,
        data,
        timestamp,
        transactionId,
      })
      expect(entry.checksum).toBe(binaryCodec.decode(bytes).checksum)
    }
    await log.close()
  })

  it('survive a clean close', async () => {
    const log = await Log.open(dir())
    await log.append('x', { term: 7n, timestamp: -5n, transactionId: 'tx_1' })
    await log.close()
    const again = await Log.open(dir())
    expect(await again.get(1)).toMatchObject({ term: 7n, timestamp: -5n, transactionId: 'tx_1' })
    await again.close()
  })

  it('cost nothing when they are not given', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await log.append('1234')
    await log.append('1234', {})
    await log.append('1234', { timeoutMs: 1_000 })
    await log.append('1234', { term: 1n })
    const [plain, empty, waiting, withTerm] = storage.groups().map(({ length }) => length)
    expect([empty, waiting]).toEqual([plain, plain])
    expect(withTerm).toBe(plain! + 8)
    await log.close()
  })
})

describe('an attribute out of its range', () => {
  it.each([
    [{ term: -1n }, 'term must be a bigint from 0 to 2^64 - 1, got -1'],
    [{ term: MAX_U64 + 1n }, 'term must be a bigint from 0 to 2^64 - 1'],
    [{ term: 5 }, 'term must be a bigint from 0 to 2^64 - 1, got 5'],
    [{ term: null }, 'term must be a bigint'],
    [{ timestamp: MAX_I64 + 1n }, 'timestamp must be a bigint from -2^63 to 2^63 - 1'],
    [{ timestamp: -MAX_I64 - 2n }, 'timestamp must be a bigint from -2^63 to 2^63 - 1'],
    [{ timestamp: Date.now() }, 'timestamp must be a bigint from -2^63 to 2^63 - 1'],
    [{ transactionId: `${LONGEST_ID}z` }, 'transactionId may have 1024 bytes of UTF-8, got 1025'],
    [{ transactionId: 'a\ud800' }, 'transactionId must be a string of well-formed Unicode'],
    [{ transactionId: 5 }, 'transactionId must be a string of well-formed Unicode'],
    [{ transactionID: 'a' }, 'append has no option "transactionID"; it has term, timestamp'],
  ])('is refused (%#)', async (attributes, message) => {
    const log = await Log.open(dir())
    const given = attributes as EntryAttributes
    const refusal = { code: 'WALRUS_INVALID_OPTION', message: expect.stringContaining(message) }
    await expect(log.append('a', given)).rejects.toMatchObject(refusal)
    expect(() => log.appendSync('a', given)).toThrow(expect.objectContaining(refusal))
    await expect(log.appendBatch([{ data: 'a', ...given }])).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
    })
    expect(log.marks.sequenced).toBe(1)
    await log.close()
  })
})
