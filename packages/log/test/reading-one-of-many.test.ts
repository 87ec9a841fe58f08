/** A stream whose entries lie far apart, many of other streams between them. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fd, type Storage } from '@walrus/segment'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { viewing } from './viewing-storage.ts'

const dir = freshDirectory()
const STREAMS = 40
const ROUNDS = 100
const BYTES = 200

/** Recognisable, and of no other entry. */
function payload(stream: number, round: number, bytes = BYTES): Uint8Array {
  return Buffer.alloc(bytes, `<${stream}:${round}>`)
}

async function fill(storage: Storage, large?: number): Promise<void> {
  const log = await Log.open(dir(), { durability: 'none', storage })
  for (let round = 0; round < ROUNDS; round++) {
    for (let stream = 0; stream < STREAMS; stream++) {
      const bytes = stream === 7 && round % 10 === 3 ? large : BYTES
      log.stream(`s${stream}`).appendSync(payload(stream, round, bytes))
    }
  }
  await log.close()
}

async function read(log: Log, stream: number): Promise<string[]> {
  const found: string[] = []
  for await (const { data } of log.stream(`s${stream}`).entries()) {
    found.push(Buffer.from(data).toString())
  }
  return found
}

function expected(stream: number, large = BYTES): string[] {
  return Array.from({ length: ROUNDS }, (_, round) => {
    const bytes = stream === 7 && round % 10 === 3 ? large : BYTES
    return Buffer.from(payload(stream, round, bytes)).toString()
  })
}

/** Flips a bit of an entry in the segment. */
function damage(stream: number, round: number): void {
  const name = readdirSync(dir()).find((file) => file.endsWith('.seg'))!
  const bytes = readFileSync(join(dir(), name))
  bytes[bytes.indexOf(payload(stream, round)) + 5]! ^= 1
  writeFileSync(join(dir(), name), bytes)
}

describe.each([
  ['without memory of its own', fd],
  ['with memory of its own', viewing],
])('on a storage %s', (_, make) => {
  it.each([
    ['as small as the others', BYTES],
    ['longer than what is read at first', 5000],
    ['longer than what is fetched at once', 600_000],
  ])('one stream among many is read whole and in order, its entries %s', async (_size, large) => {
    await fill(make(), large)
    const log = await Log.open(dir(), { storage: make() })
    for (const stream of [0, 7, STREAMS - 1]) {
      expect(await read(log, stream)).toEqual(expected(stream, large))
    }
    await log.close()
  })

  it('a damaged entry is an error when it is come to, and those before it are given', async () => {
    await fill(make())
    damage(7, 60)
    const log = await Log.open(dir(), { storage: make() })
    const found: string[] = []
    const reading = async (): Promise<void> => {
      for await (const { data } of log.stream('s7').entries()) {
        found.push(Buffer.from(data).toString())
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'WALRUS_CORRUPT', index: 60 })
    expect(found).toEqual(expected(7).slice(0, 60))
    expect(await read(log, 8)).toEqual(expected(8))
    await log.close()
  })

  it('what was read stays as it is while more is read, and when the log is closed', async () => {
    await fill(make())
    const log = await Log.open(dir(), { storage: make() })
    const [one, other] = await Promise.all(
      [1, 2].map((stream) => log.stream(`s${stream}`).range(0, ROUNDS - 1)),
    )
    await log.close()
    const text = ({ data }: { data: Uint8Array }): string => Buffer.from(data).toString()
    expect(one!.map(text)).toEqual(expected(1))
    expect(other!.map(text)).toEqual(expected(2))
  })
})

it('reading one stream among many does not read the others', async () => {
  await fill(fd())
  const storage = observed()
  const log = await Log.open(dir(), { storage })
  storage.calls.length = 0
  expect(await read(log, 3)).toEqual(expected(3))
  const bytes = storage.calls
    .filter(({ what, file }) => what === 'read' && file.endsWith('.seg'))
    .reduce((sum, { length }) => sum + length, 0)
  // The whole segment has 40 times what the stream has; of each entry at most 2 KiB is read.
  expect(bytes).toBeLessThan(ROUNDS * 2048 + 4096)
  await log.close()
})
