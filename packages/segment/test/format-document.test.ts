/** The log that docs/format.md shows byte by byte is what the code writes, and what it reads. */

import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { seedOf } from '../src/checks.ts'
import { decodeAttributes, encodeAttributes, FrameKind } from '../src/frame.ts'
import { GROUP_HEADER_BYTES, GroupBuilder } from '../src/group.ts'
import { encodeIndex, IndexFile } from '../src/index-file.ts'
import { decodeSeal, encodeSeal } from '../src/seal.ts'
import {
  Begun,
  decodeSegmentHeader,
  encodeSegmentHeader,
  type SegmentHeader,
} from '../src/segment-header.ts'
import { SegmentIndex } from '../src/segment-index.ts'
import { MemoryFile } from './memory-file.ts'
import { scanned, scannedSync } from './segment-bytes.ts'

const text = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8')

/** The bytes of a file in the document's blocks of hex, each line of which says where it stands. */
function documented(file: string): Uint8Array {
  const blocks = text.matchAll(new RegExp(`^\`\`\`hex ${file}\n([^]*?)^\`\`\`$`, 'gm'))
  const bytes: number[] = []
  for (const line of [...blocks].flatMap((block) => block[1]!.trimEnd().split('\n'))) {
    const match = /^ *(\d+) {2}(?:00 × (\d+)|((?:[0-9A-F]{2} )*[0-9A-F]{2}))(?: {2,}\S.*)?$/.exec(
      line,
    )
    if (match === null) throw new Error(`not a line of hex: ${line}`)
    const [, offset, zeros, hex] = match
    if (Number(offset) !== bytes.length) throw new Error(`not at ${bytes.length}: ${line}`)
    bytes.push(
      ...(hex === undefined
        ? new Uint8Array(Number(zeros))
        : Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    )
  }
  return Uint8Array.from(bytes)
}

const SALT = 0x7856_3412
const SEED = seedOf(SALT)
const TIME = 1_700_000_000_000
const BOOT = crc32('example') | 0
const END = 348

const logId = Uint8Array.from({ length: 16 }, (_, at) => at * 0x11)
const attributes = { term: 3n, timestamp: 1_699_999_999_999_000_000n, transactionId: 'tx-1' }

const first: SegmentHeader = {
  firstGroup: 192,
  logId,
  id: 1,
  generation: 0,
  salt: SALT,
  firstLsn: 1,
  plainNext: 1,
  baseTime: TIME,
  boot: BOOT,
  epoch: 7,
  predecessor: { id: 0, generation: 0, salt: 0, end: 0 },
  mark: 1,
  begun: Begun.first,
  align: 4,
  catalogSegment: 1,
  catalogFrames: 0,
  commitEnd: 0,
}

const successor: SegmentHeader = {
  ...first,
  id: 2,
  salt: 0xf0de_bc9a | 0,
  firstLsn: 3,
  plainNext: 3,
  baseTime: TIME + 60_000,
  predecessor: { id: 1, generation: 0, salt: SALT, end: END },
  mark: 3,
  begun: Begun.rotation,
  catalogSegment: 2,
}

const seal = { id: 1, endLsn: 3, end: END, successor: 2, time: TIME + 60_000, plainNext: 3 }
const indexed = { logId, id: 1, generation: 0, salt: SALT, firstLsn: 1, endLsn: 3, end: END }

function group(): Uint8Array {
  const builder = new GroupBuilder(1024)
  const { flags, bytes } = encodeAttributes(attributes)!
  builder.begin(SEED, SALT)
  builder.add(0, FrameKind.entry, 1, 5, Buffer.from('hello'))
  builder.addWithAttributes(0, FrameKind.entry, 2, 5, flags, bytes, Buffer.from('walrus'))
  const stamp = { firstLsn: 1, time: TIME + 5, mark: 1, boot: BOOT, epoch: 7 }
  return builder.bytes.slice(0, builder.close(stamp, 4))
}

describe('segment 1', () => {
  const bytes = documented('000000000001.seg')

  it('is what the code writes', () => {
    const written = [encodeSegmentHeader(first), group(), encodeSeal(seal, SEED, SALT)]
    expect(bytes).toEqual(new Uint8Array(Buffer.concat(written)))
  })

  it('is what the code reads', async () => {
    expect(decodeSegmentHeader(bytes, '000000000001.seg')).toEqual(first)
    expect(decodeSeal(bytes.slice(END), END, 1, SEED)).toEqual(seal)
    const range = { id: 1, seed: SEED, from: first.firstGroup, firstLsn: 1 }
    for (const result of [await scanned(bytes, range), scannedSync(bytes, range)]) {
      expect(result).toMatchObject({ end: END, nextLsn: 3, time: TIME + 5, stop: 'seal', seal })
      expect(result.seen.map(({ bytes: whole }) => whole)).toEqual([group()])
    }
    expect(decodeAttributes(7, bytes.subarray(316, 336))).toEqual(attributes)
    expect(Buffer.from(bytes.subarray(336, 342)).toString()).toBe('walrus')
  })

  it('passes the checks the document tells of, made with nothing but zlib', () => {
    const ordinary = new DataView(bytes.buffer).getUint32(188, true)
    expect(ordinary).toBe(crc32(bytes.subarray(0, 188)))

    // The register is zlib's value inverted: four zero bytes through one that holds the salt.
    const seed = ~crc32(new Uint8Array(4), ~SALT >>> 0)
    const recipe =
      /salt is `(\w+)` and the seed `(\w+)`.*`zlib\.crc32\(run, (\w+)\)` is `(\w+)`.*/.exec(text)!
    expect(recipe.slice(1, 5).map(Number)).toEqual([SALT, seed, ~seed, ~seed].map((n) => n >>> 0))

    const runs = [...recipe[0].matchAll(/(\d+) to (\d+)/g)].map(([, from, to]) => [+from!, +to!])
    expect(runs).toEqual([
      [192, 255],
      [256, 291],
      [292, 347],
      [192, 347],
      [348, 411],
      [192, 411],
    ])
    for (const [from, to] of runs) {
      const run = bytes.subarray(from, to! + 1)
      expect(crc32(run, ~seed >>> 0)).toBe(~seed >>> 0)
      // And the check itself is the register before it, XOR the salt.
      const check = new DataView(bytes.buffer).getInt32(to! - 3, true)
      expect(check).toBe(~crc32(bytes.subarray(from, to! - 3), ~seed >>> 0) ^ SALT)
    }
    expect(crc32(bytes.subarray(192, 291), ~seed >>> 0)).not.toBe(~seed >>> 0)
  })
})

describe('segment 2', () => {
  it('is what the code writes and reads, and links to segment 1', () => {
    const bytes = documented('000000000002.seg')
    expect(bytes).toEqual(encodeSegmentHeader(successor))
    expect(decodeSegmentHeader(bytes, '000000000002.seg')).toEqual(successor)
  })
})

describe('the index of segment 1', () => {
  const bytes = documented('000000000001.idx')

  it('is what the code writes of what it has scanned', () => {
    const index = new SegmentIndex()
    const at = first.firstGroup
    const words = new Int32Array(group().buffer)
    const header = { size: 156, count: 2, padding: 0, firstLsn: 1, time: TIME + 5, mark: 1 }
    const scannedGroup = { header: { ...header, boot: BOOT, epoch: 7 }, offset: at, at: 0 }
    index.addScanned({ ...scannedGroup, bytes: group(), words }, TIME, 1)
    expect(bytes).toEqual(encodeIndex(index, indexed))
  })

  it('is what the code reads', () => {
    const index = IndexFile.open(new MemoryFile(bytes))
    expect(index.segment).toEqual(indexed)
    expect(index.heads()).toEqual([{ stream: 0, first: 1, next: 3 }])
    expect(index.find(0, 1)).toBe(first.firstGroup + GROUP_HEADER_BYTES)
    expect(index.find(0, 2)).toBe(292)
    expect(index.load(new SegmentIndex()).samples()).toEqual([
      { offset: first.firstGroup, time: 5, lsn: 0 },
    ])
  })

  it('carries ordinary checksums of its parts', () => {
    const view = new DataView(bytes.buffer)
    const parts: [number, number, number][] = [
      [84, 128, 152],
      [88, 152, 160],
      [92, 160, 176],
      [124, 0, 124],
    ]
    for (const [at, from, to] of parts) {
      expect(view.getUint32(at, true)).toBe(crc32(bytes.subarray(from, to)))
    }
  })
})
