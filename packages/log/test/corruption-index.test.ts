/** Index files that are missing, damaged, old, of another segment, or lie: the right data all the same. */

import { crc32 } from '@walrus/codec'
import { SimulatedDisk } from '@walrus/storage-sim'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, outcomeOf } from './outcome.ts'
import { bytesOf, changed, index, openOn, pathOf, segment, without } from './simulated.ts'

// The first entry holds what would pass for the frame of the second.
const forged = Buffer.alloc(200, 'x')
forged.writeUInt32LE(8, 100)
forged.writeUInt32LE(0, 104)
forged.writeUInt32LE(1, 108)
forged.writeBigUInt64LE(2n, 112)
const ENTRIES = [
  forged.toString('latin1'),
  'two',
  'three',
  'four'.repeat(15_000),
  '\0'.repeat(5000),
]
const ALL = { refused: undefined, iterated: ENTRIES, stopped: undefined, each: ENTRIES }

/** Two segments: the first ended, the second closed with the log. */
async function twoSegments(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed })
  const log = await openOn(disk, { segmentBytes: 0x1_0000 })
  await log.appendBatch(ENTRIES.slice(0, 3).map((entry) => Buffer.from(entry, 'latin1')))
  await log.append(ENTRIES[3]!)
  await log.append(ENTRIES[4]!)
  await log.close()
  return disk
}

let image: SimulatedDisk
let other: SimulatedDisk

beforeAll(async () => {
  image = await twoSegments(1)
  other = await twoSegments(2)
})

/** An index file's parts, and the file with some of them replaced and every check right. */
function rewritten(
  bytes: Buffer,
  change: (parts: { rows: Buffer; postings: Buffer; header: Buffer }) => void,
): Buffer {
  const header = Buffer.from(bytes.subarray(0, 128))
  const postingsAt = 128 + 24 * header.readUInt32LE(72)
  const samplesAt = postingsAt + 4 * header.readUInt32LE(76)
  const rows = Buffer.from(bytes.subarray(128, postingsAt))
  const postings = Buffer.from(bytes.subarray(postingsAt, samplesAt))
  change({ rows, postings, header })
  header.writeUInt32LE(crc32(rows), 84)
  header.writeUInt32LE(crc32(postings), 88)
  header.writeUInt32LE(crc32(header, 0, 0, 124), 124)
  return Buffer.concat([header, rows, postings, bytes.subarray(samplesAt)])
}

async function withIndex(id: number, bytes: Buffer): Promise<Outcome> {
  const disk = changed(image, index(id), () => bytes)
  return await outcomeOf(disk, ENTRIES.length)
}

describe('the index of a segment', () => {
  it.for([1, 2])('missing (segment %i)', async (id) => {
    expect(await outcomeOf(without(image, index(id)), ENTRIES.length)).toMatchObject(ALL)
  })

  it.for([1, 2])('cut at any byte (segment %i)', async (id) => {
    const bytes = bytesOf(image, index(id))
    for (let length = 0; length < bytes.length; length++) {
      expect(await withIndex(id, bytes.subarray(0, length)), `cut to ${length}`).toMatchObject(ALL)
    }
  })

  it.for([1, 2])('with any bit flipped (segment %i)', async (id) => {
    const bytes = bytesOf(image, index(id))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >>> 3]! ^= 1 << (bit & 7)
      const what = `bit ${bit & 7} of byte ${bit >>> 3}`
      expect(await withIndex(id, flipped), what).toMatchObject(ALL)
    }
  })

  it('of another segment, or of another log', async () => {
    for (const [disk, id] of [
      [image, 2],
      [other, 1],
      [other, 2],
    ] as const) {
      expect(await withIndex(1, bytesOf(disk, index(id)))).toMatchObject(ALL)
    }
  })

  it('from before the last entries', async () => {
    const disk = image.copy()
    const log = await openOn(disk, { segmentBytes: 0x1_0000 })
    await log.append('more')
    await log.close()
    disk.put(pathOf(index(2)), bytesOf(image, index(2)))
    const { iterated } = await outcomeOf(disk, 0)
    expect(iterated).toEqual([...ENTRIES, 'more'])
  })
})

describe('an index that is whole and lies', () => {
  let bytes: Buffer
  beforeAll(() => {
    bytes = bytesOf(image, index(1))
  })

  it('about where a frame is', async () => {
    const size = bytesOf(image, segment(1)).length
    for (let to = 0; to < 700; to++) {
      for (const number of [0, 1, 2]) {
        const lie = rewritten(bytes, ({ postings }) => postings.writeUInt32LE(to, number * 4))
        const what = `posting ${number} says ${to}`
        expect(await withIndex(1, lie), what).toMatchObject(ALL)
      }
    }
    for (const to of [size - 1, size, size + 1, 0x7fff_ffff, 0xffff_ffff]) {
      const lie = rewritten(bytes, ({ postings }) => postings.writeUInt32LE(to, 4))
      expect(await withIndex(1, lie), `posting 1 says ${to}`).toMatchObject(ALL)
    }
  })

  it('about where a frame is, while another one is damaged', async () => {
    const damaged = bytesOf(image, segment(1))
    damaged[damaged.indexOf('three')]! ^= 1
    for (const by of [1, 2, 3]) {
      const lie = rewritten(bytes, ({ postings }) => {
        postings.writeUInt32LE(postings.readUInt32LE(4) + by, 4)
      })
      const disk = changed(image, index(1), () => lie)
      disk.put(pathOf(segment(1)), damaged)
      const { iterated, each } = await outcomeOf(disk, 2)
      expect(iterated).toEqual(ENTRIES.slice(0, iterated.length))
      for (const [at, entry] of each.entries()) {
        if (typeof entry === 'string') expect(entry).toBe(ENTRIES[at])
        else expect(entry).toMatchObject({ code: 'WALRUS_CORRUPT', index: at + 1 })
      }
    }
  })

  it('about how many entries there are', async () => {
    for (const id of [1, 2]) {
      const honest = bytesOf(image, index(id))
      for (const count of [0, 1, 2, 4, 5, 0xffff_ffff]) {
        const lie = rewritten(honest, ({ rows }) => rows.writeUInt32LE(count, 4))
        expect(await withIndex(id, lie), `segment ${id}: ${count}`).toMatchObject(ALL)
      }
    }
  })

  it('about which positions and streams they are of', async () => {
    for (const id of [1, 2]) {
      const honest = bytesOf(image, index(id))
      for (const [field, value] of [
        [0, 16],
        [0, 1],
        [8, 2],
        [8, 0],
        [16, 1],
        [16, 0xffff_ffff],
      ] as const) {
        const lie = rewritten(honest, ({ rows }) => rows.writeUInt32LE(value, field))
        const what = `segment ${id}: ${value} at byte ${field} of its row`
        expect(await withIndex(id, lie), what).toMatchObject(ALL)
      }
    }
  })

  it('about how large it is', async () => {
    for (const field of [72, 76, 80]) {
      const lie = rewritten(bytes, ({ header }) => header.writeUInt32LE(0xffff_ffff, field))
      expect(await withIndex(1, lie)).toMatchObject(ALL)
    }
  })
})
