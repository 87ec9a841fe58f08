import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { encodeFrame, entryCodec } from '@walrus/codec'
import { Log } from '@walrus/log'
import { beforeEach, describe, expect, it } from 'vitest'
import { importDirectory } from '../src/index.ts'
import { type GoExpected, sha256, unpack } from './fixtures.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
let source = ''
let into = ''
beforeEach(() => {
  source = join(dir(), 'source')
  into = join(dir(), 'into')
})

async function imported(): Promise<object[]> {
  const log = await Log.open(into, { readOnly: true })
  const all = []
  for await (const { index, term, timestamp, transactionId, checksum, data } of log.entries()) {
    all.push({
      index,
      term: Number(term),
      timestampNs: String(timestamp),
      transactionId: transactionId ?? '',
      checksum,
      dataLength: data.length,
      dataSha256: sha256(data),
    })
  }
  await log.close()
  return all
}

/** The checksum of the JSON layout is another than that of the binary one, which entries of a log have. */
function withoutChecksums(entries: readonly object[]): object[] {
  return entries.map((entry) => ({ ...entry, checksum: 0 }))
}

function bytesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, sha256(readFileSync(join(folder, name)))]),
  )
}

it('a binary Go log is imported with all that its entries carry, and stays as it is', async () => {
  const { entries } = unpack('go-wal-binary', source)
  const before = bytesOf(source)
  const report = await importDirectory(source, into)
  expect(report).toMatchObject({ format: 'go', records: 400, resumed: false, findings: [] })
  expect(await imported()).toEqual(entries)
  expect(bytesOf(source)).toEqual(before)
})

it('a Go log in JSON is imported likewise', async () => {
  const { entries } = unpack('go-wal-json', source)
  await importDirectory(source, into, { from: 'go' })
  expect(withoutChecksums(await imported())).toEqual(withoutChecksums(entries!))
})

it('a log that begins with another index keeps it', async () => {
  const { entries } = unpack('go-wal-binary', dir())
  const segments = readdirSync(dir()).filter((name) => name.endsWith('.wal'))
  mkdirSync(source)
  for (const name of segments.slice(2)) copyFileSync(join(dir(), name), join(source, name))
  const { records } = await importDirectory(source, into)
  expect(records).toBeLessThan(300)
  expect(await imported()).toEqual(entries!.slice(-records))
})

describe('an import that was stopped', () => {
  /** Stops an import at every commit. */
  async function inPieces(): Promise<number> {
    for (let pieces = 1; ; pieces++) {
      const stop = new AbortController()
      const options = { signal: stop.signal, onProgress: () => stop.abort() }
      const report = await importDirectory(source, into, options).catch((error: unknown) => error)
      if (!(report instanceof Error)) return pieces
      expect(report).toMatchObject({ name: 'AbortError' })
    }
  }

  it('goes on where it was, with nothing twice', async () => {
    const entries = bigSource(6)
    expect(await inPieces()).toBeGreaterThan(4)
    const all = (await imported()) as GoExpected[]
    expect(all.map(({ index }) => index)).toEqual(entries)
  })

  it('goes on behind damage that was mended', async () => {
    const { entries } = unpack('go-wal-binary', source)
    const names = readdirSync(source)
    const path = join(source, names[3]!)
    const bytes = readFileSync(path)
    writeFileSync(path, Buffer.from(bytes).fill(0xff, 900, 901))
    await expect(importDirectory(source, into)).rejects.toMatchObject({
      code: 'WALRUS_CORRUPT',
      file: path,
    })
    writeFileSync(path, bytes)
    await importDirectory(source, into)
    expect(await imported()).toEqual(entries)
  })

  it('and one that is done is not done again', async () => {
    unpack('go-wal-binary', source)
    const first = await importDirectory(source, into)
    const again = await importDirectory(source, into)
    expect(again).toEqual({ ...first, resumed: true })
  })

  it('of another directory is not gone on with', async () => {
    unpack('go-wal-binary', source)
    await importDirectory(source, into)
    const other = join(dir(), 'other')
    unpack('go-wal-json', other)
    await expect(importDirectory(other, into)).rejects.toMatchObject({ code: 'WALRUS_NOT_EMPTY' })
  })
})

it('a log that holds anything is not imported into', async () => {
  unpack('go-wal-binary', source)
  const log = await Log.open(into)
  await log.append('mine')
  await log.close()
  await expect(importDirectory(source, into)).rejects.toMatchObject({ code: 'WALRUS_NOT_EMPTY' })
})

it('a torn end is told, and everything before it imported', async () => {
  const { entries } = unpack('go-wal-binary', source)
  const last = join(source, readdirSync(source).sort().at(-1)!)
  truncateSync(last, readFileSync(last).length - 9)
  const told: object[] = []
  const report = await importDirectory(source, into, { onFinding: (finding) => told.push(finding) })
  expect(report.findings).toMatchObject([{ kind: 'torn', file: last }])
  expect(told).toEqual(report.findings)
  expect(await imported()).toEqual(entries!.slice(0, -1))
})

it('salvage stops where the indexes would not be kept, and says so', async () => {
  bigSource(3)
  const path = join(source, readdirSync(source).sort()[1]!)
  writeFileSync(path, readFileSync(path).fill(0xff, 900, 901))
  await expect(importDirectory(source, into, { salvage: true })).rejects.toMatchObject({
    code: 'WALRUS_INDEX_GAP',
  })
})

/** Files of a mebibyte and more; the indexes in them. */
function bigSource(files: number): number[] {
  mkdirSync(source)
  const indexes: number[] = []
  for (let file = 1; file <= files; file++) {
    const frames = Array.from({ length: 30 }, () => {
      indexes.push(indexes.length + 1)
      return encodeFrame(entryCodec('binary'), {
        index: BigInt(indexes.length),
        term: 1n,
        data: Buffer.alloc(40_000, indexes.length),
        timestamp: 5n,
        transactionId: '',
      })
    })
    const name = `segment_${String(file).padStart(20, '0')}.wal`
    writeFileSync(join(source, name), Buffer.concat(frames))
  }
  return indexes
}
