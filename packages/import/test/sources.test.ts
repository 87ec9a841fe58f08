import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Findings, lookInto, readGoLog, readKvStore, RustTopics } from '../src/index.ts'
import { Fnv1a64 } from '../src/fnv.ts'
import { sha256, unpack } from './fixtures.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

it.each(['go-wal-binary', 'go-wal-json'] as const)(
  '%s gives the entries that Go read',
  async (name) => {
    const { entries } = unpack(name, dir())
    const findings = new Findings(false)
    const read = []
    for await (const { record } of readGoLog(await lookInto(dir()), undefined, findings)) {
      const data = record.data ?? new Uint8Array(0)
      read.push({
        index: Number(record.index),
        term: Number(record.term),
        timestampNs: String(record.timestamp),
        transactionId: record.transactionId,
        checksum: record.checksum,
        dataLength: data.length,
        dataSha256: sha256(data),
      })
    }
    expect(read).toEqual(entries)
    expect(findings.count).toBe(0)
  },
)

it('a Go log whose last entry is torn gives those before it, and says where', async () => {
  const { entries } = unpack('go-wal-binary', dir())
  const last = (await lookInto(dir())).files.at(-1)!
  const findings = new Findings(false)
  // Its last entry takes 5,040 bytes.
  truncateSync(last.path, 95_597 + 5_031)
  let count = 0
  for await (const { record } of readGoLog(await lookInto(dir()), undefined, findings)) {
    count++
    expect(Number(record.index)).toBe(count)
  }
  expect(count).toBe(entries!.length - 1)
  expect(findings.list).toEqual([
    {
      kind: 'torn',
      file: last.path,
      offset: 95_597,
      bytes: 5_031,
      what: 'the last entry is not whole (it says 5040 bytes, 5031 are left)',
    },
  ])
})

it.each(['kv-wal', 'kv-wal-reopened'] as const)(
  '%s gives the keys and values that Go read',
  async (name) => {
    const { state } = unpack(name, dir())
    const findings = new Findings(false)
    const read = new Map<string, string>()
    for await (const { record } of readKvStore(await lookInto(dir()), undefined, findings)) {
      if (record.op === 'set') read.set(text(record.key), text(record.value))
      else read.delete(text(record.key))
    }
    expect(Object.fromEntries(read)).toEqual(state)
    expect(findings.count).toBe(0)
  },
)

it.each(['rust-walrus', 'rust-walrus-blocks'] as const)(
  '%s gives the entries and cursors that Rust read',
  async (name) => {
    const { expected } = unpack(name, dir())
    const findings = new Findings(false)
    const topics = new RustTopics(await lookInto(dir()), findings)
    const read: Record<string, object[]> = {}
    for await (const { record } of topics.entries(undefined)) {
      const { topic, data } = record
      const hash = new Fnv1a64().add(data)
      const fnv1a64 = [hash.high, hash.low]
        .map((half) => half.toString(16).padStart(8, '0'))
        .join('')
      read[topic] ??= []
      read[topic].push(
        name === 'rust-walrus'
          ? { length: data.length, sha256: sha256(data) }
          : { length: data.length, fnv1a64 },
      )
    }
    expect(read).toEqual(expected!.topics)
    const consumed = [...(await topics.states())]
      .filter(([, state]) => state.consumed > 0)
      .map(([topic, state]) => [topic, state.consumed])
    expect(Object.fromEntries(consumed)).toEqual(expected!.consumed)
    expect(findings.count).toBe(0)
  },
)

it('reading goes on behind a place, in every format', async () => {
  for (const [name, format] of [
    ['go-wal-json', 'go'],
    ['kv-wal', 'kv'],
    ['rust-walrus', 'rust'],
  ] as const) {
    const at = join(dir(), format)
    unpack(name, at)
    const source = await lookInto(at, format)
    const read = async (from?: { file: number; offset: number }): Promise<unknown[]> => {
      const findings = new Findings(false)
      const all = []
      const records =
        format === 'go'
          ? readGoLog(source, from, findings)
          : format === 'kv'
            ? readKvStore(source, from, findings)
            : new RustTopics(source, findings).entries(from)
      for await (const each of records) all.push(structuredClone(each))
      return all
    }
    const all = (await read()) as { place: { file: number; offset: number } }[]
    for (const done of [1, Math.floor(all.length / 2), all.length]) {
      expect(await read(all[done - 1]!.place)).toEqual(all.slice(done))
    }
  }
})
