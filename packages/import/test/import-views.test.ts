import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeKvRecord } from '@walrus/codec'
import { Kv } from '@walrus/kv'
import { Topics } from '@walrus/topics'
import { beforeEach, expect, it } from 'vitest'
import { Fnv1a64 } from '../src/fnv.ts'
import { importDirectory, type ImportReport } from '../src/index.ts'
import { sha256, unpack } from './fixtures.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
let source = ''
let into = ''
beforeEach(() => {
  source = join(dir(), 'source')
  into = join(dir(), 'into')
})

/** Stops an import at every commit; how many times it took. */
async function inPieces(): Promise<number> {
  for (let pieces = 1; ; pieces++) {
    const stop = new AbortController()
    const options = { signal: stop.signal, onProgress: () => stop.abort() }
    const outcome = await importDirectory(source, into, options).catch((error: unknown) => error)
    if (!(outcome instanceof Error)) return pieces
    expect(outcome).toMatchObject({ name: 'AbortError' })
  }
}

async function keys(): Promise<Record<string, string>> {
  const kv = await Kv.open(into)
  const all: Record<string, string> = {}
  for await (const [key, value] of kv.entries()) all[key] = value
  await kv.close()
  return all
}

it.each(['kv-wal', 'kv-wal-reopened'] as const)(
  '%s is imported with its keys and values',
  async (name) => {
    const { state } = unpack(name, source)
    const report: ImportReport = await importDirectory(source, into)
    expect(report).toMatchObject({ format: 'kv', resumed: false, findings: [] })
    expect(await keys()).toEqual(state)
  },
)

it('a store is imported in pieces, in the order of its changes', async () => {
  mkdirSync(source)
  const expected: Record<string, string> = {}
  for (let file = 1; file <= 4; file++) {
    const records = Array.from({ length: 40 }, (_, number) => {
      const key = `key ${number % 25}`
      const isDelete = number % 7 === 6
      const value = `${file} ${number} `.repeat(8_000)
      if (isDelete) delete expected[key]
      else expected[key] = value
      const bytes = { key: Buffer.from(key), value: Buffer.from(value) }
      return encodeKvRecord(isDelete ? { op: 'delete', key: bytes.key } : { op: 'set', ...bytes })
    })
    writeFileSync(join(source, `wal-000${file}.log`), Buffer.concat(records))
  }
  expect(await inPieces()).toBeGreaterThan(3)
  expect(await keys()).toEqual(expected)
})

it.each(['rust-walrus', 'rust-walrus-blocks'] as const)(
  '%s is imported with its topics and cursors',
  async (name) => {
    const { expected } = unpack(name, source)
    if (name === 'rust-walrus') await importDirectory(source, into)
    else expect(await inPieces()).toBeGreaterThan(3)
    const topics = await Topics.open(into)
    expect(topics.list().sort()).toEqual(Object.keys(expected!.topics).sort())
    for (const [topicName, entries] of Object.entries(expected!.topics)) {
      const consumed = expected!.consumed[topicName] ?? 0
      const topic = topics.topic(topicName)
      expect(topic.end).toBe(entries.length)
      expect(topic.unread).toBe(entries.length - consumed)
      expect(topic.clean).toBe(false)
      const left: object[] = []
      for await (const { index, data } of topic.scan({ from: consumed })) {
        expect(index).toBe(consumed + left.length)
        const hash = new Fnv1a64().add(data)
        const fnv1a64 = [hash.high, hash.low]
          .map((half) => half.toString(16).padStart(8, '0'))
          .join('')
        const { length } = data
        left.push(name === 'rust-walrus' ? { length, sha256: sha256(data) } : { length, fnv1a64 })
      }
      expect(left).toEqual(entries.slice(consumed))
    }
    await topics.close()
  },
)
