/** The tail file and the log that docs/format.md shows byte by byte are what the code writes, and what it opens. */

import { readFileSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { Log } from '../src/log.ts'
import { decodeTailSlot, encodeTailSlot, newestTail, type Tail } from '../src/tail-file.ts'
import { freshDirectory } from './fresh-directory.ts'

const text = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8')

/** The bytes in the document's blocks of hex for a file; each line says where it stands, the first one from where. */
function documented(file: string, from = 0): Uint8Array {
  const blocks = text.matchAll(new RegExp(`^\`\`\`hex ${file}\n([^]*?)^\`\`\`$`, 'gm'))
  const bytes: number[] = []
  for (const line of [...blocks].flatMap((block) => block[1]!.trimEnd().split('\n'))) {
    const match = /^ *(\d+) {2}(?:00 × (\d+)|([0-9A-F]{2}(?: [0-9A-F]{2})*))(?: {2,}\S.*)?$/.exec(
      line,
    )
    if (match === null) throw new Error(`not a line of hex: ${line}`)
    const [, offset, zeros, hex = '00 '.repeat(Number(zeros))] = match
    if (Number(offset) !== from + bytes.length) throw new Error(`out of place: ${line}`)
    bytes.push(...Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  }
  return Uint8Array.from(bytes)
}

const tail: Tail = {
  sequence: 3,
  logId: Uint8Array.from({ length: 16 }, (_, at) => at * 0x11),
  firstSegment: 1,
  durable: { segment: 2, salt: 0xf0de_bc9a | 0, offset: 192, lsn: 3, plainNext: 3 },
  time: 1_700_000_060_001,
  boot: crc32('example') | 0,
  epoch: 7,
  closed: true,
}

const slot = documented('TAIL', 512)
const tailFile = new Uint8Array(1024)
tailFile.set(slot, 512)

describe('the tail file', () => {
  it('is what the code writes', () => {
    expect(encodeTailSlot(tail)).toEqual(slot)
  })

  it('is what the code reads', () => {
    expect(decodeTailSlot(slot)).toEqual(tail)
    expect(newestTail(tailFile)).toEqual(tail)
  })

  it('carries the ordinary checksum of its slot', () => {
    expect(new DataView(slot.buffer).getUint32(124, true)).toBe(crc32(slot.subarray(0, 124)))
  })
})

describe('the log', () => {
  const directory = freshDirectory()
  const pathOf = (name: string) => join(directory(), name)
  const read = async (name: string) => new Uint8Array(await readFile(pathOf(name)))

  beforeEach(async () => {
    for (const name of ['000000000001.seg', '000000000001.idx', '000000000002.seg']) {
      await writeFile(pathOf(name), documented(name))
    }
    await writeFile(pathOf('TAIL'), tailFile)
  })

  const expectEntries = async (log: Log) => {
    const [hello, walrus] = await log.range(1, 2)
    expect(Buffer.from(hello!.data).toString()).toBe('hello')
    expect(hello).toMatchObject({ index: 1, time: 1_700_000_000_005, term: 0n, transactionId: '' })
    expect(hello!.timestamp).toBe(1_700_000_000_005_000_000n)
    expect(Buffer.from(walrus!.data).toString()).toBe('walrus')
    expect(walrus).toMatchObject({ index: 2, term: 3n, transactionId: 'tx-1' })
    expect(walrus!.timestamp).toBe(1_699_999_999_999_000_000n)
  }

  it('is opened for reading, as cleanly closed, with nothing changed', async () => {
    const before = await readdir(directory())
    const log = await Log.open(directory(), { readOnly: true })
    try {
      expect(log.recovery.clean).toBe(true)
      expect([log.firstIndex, log.lastIndex]).toEqual([1, 2])
      await expectEntries(log)
    } finally {
      await log.close()
    }
    expect(await readdir(directory())).toEqual(before)
    expect(await read('TAIL')).toEqual(tailFile)
    for (const name of before.filter((file) => file !== 'TAIL')) {
      expect(await read(name)).toEqual(documented(name))
    }
  })

  it('is opened for writing and gone on with, in segment 2', async () => {
    const log = await Log.open(directory())
    try {
      expect(log.recovery.clean).toBe(true)
      expect(await log.append('more')).toBe(3)
      await expectEntries(log)
      expect(Buffer.from((await log.get(3)).data).toString()).toBe('more')
    } finally {
      await log.close()
    }
    expect(await read('000000000001.seg')).toEqual(documented('000000000001.seg'))
    const second = await read('000000000002.seg')
    expect(second.subarray(0, 192)).toEqual(documented('000000000002.seg'))
  })

  it('has an index that the segment says the same without', async () => {
    await rm(pathOf('000000000001.idx'))
    const log = await Log.open(directory(), { readOnly: true })
    try {
      await expectEntries(log)
    } finally {
      await log.close()
    }
  })
})
