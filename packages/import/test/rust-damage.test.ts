import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { Findings, lookInto, RustTopics, type TopicState } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { archivedCursors, UNIT, writeRustFile } from './rust-files.ts'

const dir = freshDirectory()
const UNSEALED = 1n << 63n
const LONG = 'a topic with a long name'

/** Two blocks of topic `a` with another between them and a free unit before it, then two more files. */
let path = ''
let starts: number[][] = []
const data = (name: string, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, number) => Buffer.from(`${name} ${number} `.repeat(number * 3)))

beforeEach(() => {
  path = join(dir(), '1795168473212')
  starts = writeRustFile(path, 5, [
    { topic: 'a', unit: 0, entries: data('first', 4) },
    { topic: LONG, unit: 2, entries: data('long', 3) },
    { topic: 'a', unit: 3, entries: data('second', 3) },
  ])
})

interface Outcome {
  readonly topics: Record<string, string[]>
  readonly states: Map<string, TopicState>
  readonly findings: Findings
}

async function read(salvage: boolean): Promise<Outcome> {
  const findings = new Findings(salvage)
  const source = new RustTopics(await lookInto(dir()), findings)
  const topics: Record<string, string[]> = {}
  for await (const { record } of source.entries(undefined)) {
    topics[record.topic] ??= []
    topics[record.topic]!.push(Buffer.from(record.data).toString())
  }
  return { topics, states: await source.states(), findings }
}

const texts = (entries: readonly Uint8Array[]): string[] => entries.map((each) => each.toString())
const whole = {
  a: texts([...data('first', 4), ...data('second', 3)]),
  [LONG]: texts(data('long', 3)),
}

function flip(at: number, mask = 0x10): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, at)
  byte[0]! ^= mask
  writeSync(file, byte, 0, 1, at)
  closeSync(file)
}

it('blocks are read in their order, over units that are free', async () => {
  expect((await read(false)).topics).toEqual(whole)
})

it('files are read in the order of their times', async () => {
  writeRustFile(join(dir(), '1795168473213'), 1, [
    { topic: 'a', unit: 0, entries: data('third', 2) },
  ])
  const { topics } = await read(false)
  expect(topics['a']).toEqual([...whole.a, ...texts(data('third', 2))])
})

it('an entry larger than a unit takes the units it needs', async () => {
  const huge = Buffer.alloc(UNIT + 1_000, 'huge')
  writeRustFile(path, 5, [
    { topic: 'huge', unit: 0, entries: [huge] },
    { topic: 'a', unit: 2, entries: data('first', 2) },
  ])
  const { topics } = await read(false)
  expect(topics['huge']).toEqual([huge.toString()])
  expect(topics['a']).toEqual(texts(data('first', 2)))
})

describe('an entry damaged', () => {
  it.each([
    ['in its payload', (start: number) => start + 256 + 3],
    ['in its checksum', (start: number) => start + 2 + 16],
    ['in its length', (start: number) => start + 2 + 24],
    ['in its topic', (start: number) => start + 2],
    ['in the end of its block', (start: number) => start + 2 + 11],
    ['in the zeros of its header', (start: number) => start + 100],
    ['in the size of its metadata', (start: number) => start],
  ] as const)('%s is refused where others follow, and salvage gives those', async (_, at) => {
    for (const number of [0, 1, 2]) {
      const start = starts[0]![number]!
      const byte = at(start)
      // The first entry is empty: it has no payload.
      if (number === 0 && byte >= start + 256) continue
      flip(byte)
      await expect(read(false)).rejects.toMatchObject({ code: 'WALRUS_CORRUPT', file: path })
      const { topics, findings } = await read(true)
      expect(topics).toEqual({ ...whole, a: whole.a.filter((_each, place) => place !== number) })
      expect(findings.list).toMatchObject([{ kind: 'damaged', file: path }])
      flip(byte)
    }
  })

  it('is a torn end where it is the last of its topic', async () => {
    flip(starts[2]![2]! + 256 + 1)
    const { topics, findings } = await read(false)
    expect(topics).toEqual({ ...whole, a: whole.a.slice(0, -1) })
    expect(findings.list).toMatchObject([{ kind: 'torn', file: path, offset: starts[2]![2]! }])
  })

  it('is damage where it is the last of a block that another follows', async () => {
    flip(starts[0]![3]! + 256 + 1)
    await expect(read(false)).rejects.toMatchObject({
      code: 'WALRUS_CORRUPT',
      offset: starts[0]![3]!,
    })
  })
})

it('a file cut short inside of a block is refused', async () => {
  truncateSync(path, starts[2]![1]! + 270)
  await expect(read(false)).rejects.toMatchObject({
    code: 'WALRUS_CORRUPT',
    message: expect.stringContaining('cut short') as string,
  })
  expect((await read(true)).topics['a']).toEqual(whole.a.slice(0, 5))
})

describe('cursors', () => {
  function cursors(of: Record<string, readonly [bigint, bigint]>): void {
    writeFileSync(join(dir(), 'read_offset_idx_index.db'), archivedCursors(of))
  }

  it.each([
    ['in a block that is not the last', [0n, 600n], 3],
    ['behind that block', [1n, 0n], 4],
    ['in the last block', [UNSEALED | 77n, 300n], 6],
    ['at the end', [2n, 0n], 7],
  ] as const)('%s count what was consumed', async (_, cursor, consumed) => {
    cursors({ a: cursor })
    expect((await read(false)).states.get('a')).toEqual({ entries: 7, consumed, clean: false })
  })

  it('in a block that is not there are refused', async () => {
    cursors({ a: [3n, 0n] })
    await expect(read(false)).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
  })

  it.each([
    ['that end early', (bytes: Buffer) => bytes.subarray(0, 11)],
    [
      'that say more than there are',
      (bytes: Buffer) => bytes.fill(9, bytes.length - 12, bytes.length - 11),
    ],
    ['whose offset leads out of them', (bytes: Buffer) => bytes.fill(0x81, bytes.length - 1)],
    ['with a name that is none', (bytes: Buffer) => bytes.fill(0xff, 16, 17)],
  ] as const)('%s are refused', async (_, damage) => {
    const bytes = damage(archivedCursors({ a: [0n, 600n] }))
    writeFileSync(join(dir(), 'read_offset_idx_index.db'), bytes)
    await expect(read(false)).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
  })
})
