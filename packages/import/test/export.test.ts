import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kv } from '@walrus/kv'
import { Log } from '@walrus/log'
import { beforeEach, expect, it } from 'vitest'
import {
  exportGoLog,
  exportKvStore,
  Findings,
  importDirectory,
  lookInto,
  readKvStore,
} from '../src/index.ts'
import { unpack } from './fixtures.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
let source = ''
let into = ''
let back = ''
beforeEach(() => {
  source = join(dir(), 'source')
  into = join(dir(), 'into')
  back = join(dir(), 'back')
})

function content(folder: string): Buffer {
  const names = readdirSync(folder).sort()
  return Buffer.concat(names.map((name) => readFileSync(join(folder, name))))
}

it.each([
  ['go-wal-binary', 'binary'],
  ['go-wal-json', 'json'],
] as const)('%s comes back byte for byte', async (name, encoding) => {
  const { entries } = unpack(name, source)
  await importDirectory(source, into)
  const log = await Log.open(into, { readOnly: true })
  const told: number[] = []
  const options = { encoding, segmentBytes: 100_000, onProgress: (n: number) => told.push(n) }
  expect(await exportGoLog(log, back, options)).toBe(entries!.length)
  await log.close()
  expect(content(back).equals(content(source))).toBe(true)
  expect(readdirSync(back).length).toBeGreaterThan(3)
  expect(told.length).toBe(readdirSync(back).length - 1)
  expect(existsSync(`${back}.partial`)).toBe(false)
})

it('what was exported can be imported again', async () => {
  const log = await Log.open(into)
  await log.appendBatch(['', 'one', { data: 'two', term: 7n, timestamp: -5n, transactionId: 'tx' }])
  await exportGoLog(log, back, { encoding: 'json' })
  await log.close()
  const again = join(dir(), 'again')
  await importDirectory(back, again)
  const copied = await Log.open(again)
  const { term, timestamp, transactionId, data } = await copied.get(3)
  expect([term, timestamp, transactionId, Buffer.from(data).toString()]).toEqual([
    7n,
    -5n,
    'tx',
    'two',
  ])
  await copied.close()
})

it('an empty log gives an empty file', async () => {
  const log = await Log.open(into)
  expect(await exportGoLog(log, back)).toBe(0)
  await log.close()
  expect(content(back)).toHaveLength(0)
})

it('nothing is written where something is, and nothing left of what was stopped', async () => {
  const log = await Log.open(into)
  await log.appendBatch(['a', 'b', 'c'])
  mkdirSync(back)
  writeFileSync(join(back, 'mine'), '')
  await expect(exportGoLog(log, back)).rejects.toMatchObject({ code: 'WALRUS_NOT_EMPTY' })
  expect(readdirSync(back)).toEqual(['mine'])
  const other = join(dir(), 'other')
  const signal = AbortSignal.abort()
  await expect(exportGoLog(log, other, { signal })).rejects.toMatchObject({ name: 'AbortError' })
  expect(readdirSync(dir()).sort()).toEqual(['back', 'into'])
  for (const segmentBytes of [0, -1, 1.5, Number.NaN]) {
    await expect(exportGoLog(log, other, { segmentBytes })).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
    })
  }
  await log.close()
})

it.each(['kv-wal', 'kv-wal-reopened'] as const)(
  'the keys of %s come back with their values',
  async (name) => {
    const { state } = unpack(name, source)
    await importDirectory(source, into)
    const kv = await Kv.open(into, { readOnly: true, keyEncoding: 'bytes', valueEncoding: 'bytes' })
    const keys = Object.keys(state!).length
    expect(await exportKvStore(kv, back, { segmentBytes: 4_000 })).toBe(keys)
    await kv.close()
    expect(readdirSync(back)[0]).toBe('wal-0001.log')
    const read: Record<string, string> = {}
    const records = readKvStore(await lookInto(back), undefined, new Findings(false))
    for await (const { record } of records) {
      if (record.op === 'set') read[text(record.key)] = text(record.value)
    }
    expect(read).toEqual(state)
  },
)

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
