import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type EntriesOptions, Log, type LogOptions, type ReadOptions } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const KiB = 1024
const GiB = 2 ** 30

/** Option, value, and what the message must say: the option's name, its range, and the value. */
const REFUSED: [object | null | number, string][] = [
  [null, 'Log.open: options must be an object, got null'],
  [7, 'Log.open: options must be an object, got 7'],
  [{ segmentSize: 1 }, 'Log.open has no option "segmentSize"; it has segmentBytes, maxEntryBytes'],
  [{ Durability: 'none' }, 'Log.open has no option "Durability"'],
  [
    { durability: 'never' },
    `durability must be 'commit', 'none' or { everyMs: 1 to 60000 }, got "never"`,
  ],
  [{ durability: '' }, 'durability must be'],
  [{ durability: null }, 'durability must be'],
  [{ durability: 200 }, 'durability must be'],
  [{ durability: {} }, 'durability must be'],
  [{ durability: { everyMs: 0 } }, 'durability.everyMs must be an integer from 1 to 60000, got 0'],
  [{ durability: { everyMs: 60_001 } }, 'durability.everyMs must be an integer from 1 to 60000'],
  [{ durability: { everyMs: 1.5 } }, 'durability.everyMs must be an integer'],
  [
    { durability: { everyMs: '5' } },
    'durability.everyMs must be an integer from 1 to 60000, got "5"',
  ],
  [{ durability: { everyMs: 5, every: 1 } }, 'durability has no option "every"; it has everyMs'],
  ...(['segmentBytes', 'bufferBytes'] as const).flatMap((name): [object, string][] => {
    const range = `${name} must be an integer from 65536 to 1073741824`
    return [
      0,
      -1,
      64 * KiB - 1,
      GiB + 1,
      65_536.5,
      Number.NaN,
      Infinity,
      '65536',
      null,
      65_536n,
    ].map((value) => [{ [name]: value }, range])
  }),
  ...[0, -5, GiB + 1, Number.NaN, '10', null].map((value): [object, string] => [
    { maxEntryBytes: value },
    'maxEntryBytes must be an integer from 1 to 1073741824',
  ]),
  ...[0, -1, 2 ** 24 + 1, 1.5, '5'].map((value): [object, string] => [
    { maxTransactionEntries: value },
    'maxTransactionEntries must be an integer from 1 to 16777216',
  ]),
  ...(['transactionTimeoutMs', 'transactionCleanupMs'] as const).flatMap((name) =>
    [0, -1, 2 ** 31, Number.NaN].map((value): [object, string] => [
      { [name]: value },
      `${name} must be an integer from 1 to 2147483647`,
    ]),
  ),
  ...[0, 64 * KiB - 1, GiB + 1].map((value): [object, string] => [
    { transactionMemoryBytes: value },
    'transactionMemoryBytes must be an integer from 65536 to 1073741824',
  ]),
  [{ readOnly: 1 }, 'readOnly must be true or false, got 1'],
  [{ readOnly: null }, 'readOnly must be true or false, got null'],
  [{ verifyReads: 'no' }, 'verifyReads must be true or false, got "no"'],
  [{ storage: 'fd' }, 'storage must be a Storage, as fd() gives one, got "fd"'],
  [{ storage: {} }, 'storage must be a Storage'],
  [{ storage: null }, 'storage must be a Storage'],
]

describe('an option of Log.open', () => {
  it.each(REFUSED)(
    'misspelt or out of its range is refused, with its range (%#)',
    async (options, message) => {
      const path = join(dir(), 'log')
      await expect(Log.open(path, options as LogOptions)).rejects.toMatchObject({
        name: 'WalrusError',
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(message),
      })
      expect(existsSync(path)).toBe(false)
    },
  )

  it.each<LogOptions>([
    { segmentBytes: 64 * KiB, bufferBytes: 64 * KiB, maxEntryBytes: 1 },
    { segmentBytes: GiB, bufferBytes: GiB, maxEntryBytes: GiB },
    { maxTransactionEntries: 1, transactionTimeoutMs: 1, transactionCleanupMs: 1 },
    { maxTransactionEntries: 2 ** 24, transactionTimeoutMs: 2 ** 31 - 1 },
    { transactionMemoryBytes: 64 * KiB, transactionCleanupMs: 2 ** 31 - 1 },
    { transactionMemoryBytes: GiB },
    { durability: { everyMs: 1 } },
    { durability: { everyMs: 60_000 } },
    { durability: undefined, segmentBytes: undefined } as unknown as LogOptions,
    {},
  ])('at either end of its range is taken (%#)', async (options) => {
    const log = await Log.open(dir(), options)
    expect(await log.append('x')).toBe(1)
    await log.close()
  })
})

describe('the directory', () => {
  it.each(['', 'a\0b', undefined, null, 5, Buffer.from('/tmp'), new URL('file:///tmp')])(
    'must be a path (%#)',
    async (path) => {
      await expect(Log.open(path as string)).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining('the directory must be a non-empty path without NUL'),
      })
    },
  )

  it('is made, with those above it', async () => {
    const path = join(dir(), 'a', 'b', 'c')
    const log = await Log.open(path)
    expect(await log.append('x')).toBe(1)
    await log.close()
  })

  it('stays the same when the process moves elsewhere', async () => {
    const before = process.cwd()
    const path = join(dir(), 'log')
    const log = await Log.open(relative(before, path), { segmentBytes: 65_536 })
    expect(log.dir).toBe(path)
    try {
      process.chdir('/')
      for (let at = 0; at < 5; at++) await log.append(new Uint8Array(40_000))
      expect(await log.range(1, 5)).toHaveLength(5)
    } finally {
      process.chdir(before)
    }
    await log.close()
  })
})

describe('an argument', () => {
  it.each([-1, 1.5, Number.NaN, Infinity, 2 ** 53, '1', 1n, null, undefined])(
    'that is no index is refused by every reading call: %s',
    async (index) => {
      const log = await Log.open(dir())
      await log.append('x')
      const given = index as number
      const refusal = (name: string): object => ({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringMatching(`^${name} must be an integer from 0 to `),
      })
      await expect(log.get(given)).rejects.toMatchObject(refusal('index'))
      expect(() => log.getSync(given)).toThrow(expect.objectContaining(refusal('index')))
      await expect(log.range(given, 5)).rejects.toMatchObject(refusal('from'))
      await expect(log.range(0, given)).rejects.toMatchObject(refusal('to'))
      await log.close()
    },
  )

  it.each<[object | null, string]>([
    [null, 'read: options must be an object'],
    [{ form: 1 }, 'read has no option "form"; it has from, maxEntries, maxBytes'],
    [{ from: -1 }, 'from must be an integer from 0'],
    [{ from: null }, 'from must be an integer from 0'],
    [{ maxEntries: 0 }, 'maxEntries must be an integer from 1 to 1000000, got 0'],
    [{ maxEntries: 1_000_001 }, 'maxEntries must be an integer from 1 to 1000000'],
    [{ maxEntries: null }, 'maxEntries must be an integer from 1 to 1000000'],
    [{ maxBytes: 0 }, 'maxBytes must be an integer from 1 to 1073741824, got 0'],
    [{ maxBytes: GiB + 1 }, 'maxBytes must be an integer from 1 to 1073741824'],
  ])('of read out of its range is refused (%#)', async (options, message) => {
    const log = await Log.open(dir())
    await expect(log.read(options as ReadOptions)).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
      message: expect.stringContaining(message),
    })
    await log.close()
  })

  it.each<[object | null, string]>([
    [null, 'entries: options must be an object'],
    [{ limit: 1 }, 'entries has no option "limit"; it has from, to, follow, signal'],
    [{ from: -1 }, 'from must be an integer from 0'],
    [{ to: 0.5 }, 'to must be an integer from 0'],
    [{ to: null }, 'to must be an integer from 0'],
    [{ follow: 'yes' }, 'follow must be true or false, got "yes"'],
    [{ signal: {} }, 'signal must be an AbortSignal'],
    [{ signal: null }, 'signal must be an AbortSignal'],
  ])('of entries out of its range is refused (%#)', async (options, message) => {
    const log = await Log.open(dir())
    expect(() => log.entries(options as EntriesOptions)).toThrow(
      expect.objectContaining({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(message),
      }),
    )
    await log.close()
  })

  it.each([5, null, undefined, true, {}, ['a'], new ArrayBuffer(3), new Uint16Array(2), 7n])(
    'that is no payload is refused: %s',
    async (payload) => {
      const log = await Log.open(dir())
      const refusal = {
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining('an entry must be a Uint8Array or a string'),
      }
      await expect(log.append(payload as string)).rejects.toMatchObject(refusal)
      await expect(log.stream('s').append(payload as string)).rejects.toMatchObject(refusal)
      expect(() => log.appendSync(payload as string)).toThrow(expect.objectContaining(refusal))
      expect(log.marks.sequenced).toBe(1)
      await log.close()
    },
  )

  it.each<[object | null, string]>([
    [null, 'options must be an object'],
    [{ timeout: 5 }, 'has no option "timeout"; it has '],
    [{ timeoutMs: 0 }, 'timeoutMs must be an integer from 1 to 2147483647, got 0'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs must be an integer from 1 to 2147483647'],
    [{ timeoutMs: null }, 'timeoutMs must be an integer from 1 to 2147483647'],
    [{ signal: 'stop' }, 'signal must be an AbortSignal'],
  ])('of append or appendBatch out of its range is refused (%#)', async (options, message) => {
    const log = await Log.open(dir())
    const given = options as { timeoutMs: number }
    const refusal = {
      code: 'WALRUS_INVALID_OPTION',
      message: expect.stringContaining(message),
    }
    await expect(log.append('a', given)).rejects.toMatchObject(refusal)
    await expect(log.appendBatch(['a'], given)).rejects.toMatchObject(refusal)
    expect(() => log.appendSync('a', given)).toThrow(expect.objectContaining(refusal))
    expect(log.marks.sequenced).toBe(1)
    await log.close()
  })
})
