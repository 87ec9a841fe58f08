/** Segments cut, missing, renamed, swapped, foreign or too new: an error that says where, or the right data. */

import { isDeepStrictEqual } from 'node:util'
import { crc32 } from '@walrus/codec'
import { SimulatedDisk } from '@walrus/storage-sim'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, outcomeOf } from './outcome.ts'
import { pick, randomFrom } from './random.ts'
import {
  bytesOf,
  changed,
  cut,
  filesIn,
  index,
  openOn,
  pathOf,
  segment,
  without,
} from './simulated.ts'

/** Four segments of three entries. */
const ENTRIES = Array.from({ length: 12 }, (_, at) => String.fromCharCode(97 + at).repeat(20_000))
const COUNT = ENTRIES.length
const SEGMENTS = [1, 2, 3, 4]

async function bigLog(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed })
  const log = await openOn(disk, { segmentBytes: 0x1_0000 })
  for (const entry of ENTRIES) await log.append(entry)
  await log.close()
  // What a writer was preparing when it was killed, which only an opening that succeeds may remove.
  disk.put(pathOf(`${segment(5)}.1.new`), Buffer.from('never finished'))
  return disk
}

let image: SimulatedDisk
let other: SimulatedDisk

beforeAll(async () => {
  image = await bigLog(1)
  other = await bigLog(2)
})

/** The image with a segment in the place of another. */
function replaced(id: number, from: SimulatedDisk, by: number): SimulatedDisk {
  const disk = image.copy()
  disk.put(pathOf(segment(id)), bytesOf(from, segment(by)))
  return disk
}

/** What is wrong with an outcome, in words: an answer may be an error that says where, or the right data. */
function faults(outcome: Outcome): string[] {
  const { refused, iterated, stopped, each } = outcome
  if (refused !== undefined) return refused.file === undefined ? ['refused, not where'] : []
  const found: string[] = []
  if (iterated.some((entry, at) => entry !== ENTRIES[at])) found.push('iterated other data')
  if (stopped === undefined && iterated.length < COUNT) {
    found.push(`${iterated.length} entries and no error`)
  }
  if (stopped !== undefined && stopped.file === undefined) found.push('stopped, not where')
  each.forEach((entry, at) => {
    if (typeof entry !== 'string') {
      if (entry.file === undefined || entry.offset === undefined) found.push(`${at + 1}: not where`)
    } else if (entry !== ENTRIES[at]) found.push(`index ${at + 1} reads other data`)
  })
  return found
}

/** As `faults`; whatever is refused must be left as it was. */
async function faultsOf(disk: SimulatedDisk): Promise<string[]> {
  const before = disk.files()
  const outcome = await outcomeOf(disk, COUNT)
  const found = faults(outcome)
  if (outcome.refused !== undefined && !isDeepStrictEqual(disk.files(), before)) {
    found.push('files were changed')
  }
  const readOnly = await outcomeOf(disk, COUNT, true)
  found.push(...faults(readOnly).map((fault) => `read-only: ${fault}`))
  return found
}

/** The error by which opening or reading it ends. */
async function refusalOf(disk: SimulatedDisk): Promise<unknown> {
  const { refused, stopped } = await outcomeOf(disk.copy(), COUNT)
  return refused ?? stopped
}

describe('a segment that was cut', () => {
  it.for(SEGMENTS)('anywhere (segment %i)', async (id) => {
    const size = bytesOf(image, segment(id)).length
    const random = randomFrom(id)
    const lengths = new Set([0, 1, 191, 192, 193, 255, 256, size - 65, size - 64, size - 1])
    for (let more = 0; more < 40; more++) lengths.add(pick(random, size))
    const found: string[] = []
    for (const length of lengths) {
      for (const withIndex of [true, false]) {
        const disk = cut(image, segment(id), length)
        if (!withIndex) disk.remove(pathOf(index(id)))
        const what = `cut to ${length}, with index: ${withIndex}`
        found.push(...(await faultsOf(disk)).map((fault) => `${what}: ${fault}`))
      }
    }
    expect(found).toEqual([])
  })

  it('names the segment, the place and the index', async () => {
    expect(await refusalOf(cut(image, segment(2), 30_000))).toEqual({
      code: 'WALRUS_CORRUPT',
      file: pathOf(segment(2)),
      offset: 192 + 64 + 20_028 + 64,
      index: 5,
    })
  })
})

describe('a segment that is missing', () => {
  it.for(SEGMENTS)('is named (segment %i)', async (id) => {
    const disk = without(image, segment(id))
    const before = filesIn(disk)
    expect((await outcomeOf(disk, COUNT)).refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
      file: pathOf(segment(id)),
    })
    expect(filesIn(disk)).toEqual(before)
  })

  it('is named when all are', async () => {
    const disk = without(image, ...SEGMENTS.map(segment))
    expect((await outcomeOf(disk, COUNT)).refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
    })
  })

  it.for([2, 3, 4])('is noticed without a tail file too (segment %i)', async (id) => {
    const disk = without(image, segment(id), 'TAIL')
    expect((await outcomeOf(disk, COUNT)).refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
      file: pathOf(segment(id)),
    })
  })
})

describe('a segment under another name', () => {
  it('swapped with another', async () => {
    const found: string[] = []
    for (const a of SEGMENTS) {
      for (const b of SEGMENTS.filter((id) => id > a)) {
        const disk = replaced(a, image, b)
        disk.put(pathOf(segment(b)), bytesOf(image, segment(a)))
        expect(await refusalOf(disk)).toMatchObject({ code: 'WALRUS_CORRUPT' })
        found.push(...(await faultsOf(disk)).map((fault) => `${a} and ${b}: ${fault}`))
      }
    }
    expect(found).toEqual([])
  })

  it.for(SEGMENTS)('over another (segment %i over the others)', async (id) => {
    const found: string[] = []
    for (const target of SEGMENTS.filter((each) => each !== id)) {
      const disk = replaced(target, image, id)
      expect(await refusalOf(disk)).toMatchObject({ code: 'WALRUS_CORRUPT' })
      found.push(...(await faultsOf(disk)).map((fault) => `over ${target}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('as one more at the end', async () => {
    const { refused } = await outcomeOf(replaced(5, image, 2), COUNT)
    expect(refused).toMatchObject({ code: 'WALRUS_CORRUPT' })
  })
})

describe('a segment of another log', () => {
  it.for(SEGMENTS)('in the place of segment %i', async (id) => {
    const found: string[] = []
    for (const from of SEGMENTS) {
      const disk = replaced(id, other, from)
      expect(await refusalOf(disk)).toMatchObject({
        code: expect.stringMatching(/^WALRUS_(CORRUPT|FOREIGN_FILE)$/),
      })
      found.push(...(await faultsOf(disk)).map((fault) => `its segment ${from}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('as the last one is named as foreign', async () => {
    expect((await outcomeOf(replaced(4, other, 4), COUNT)).refused).toMatchObject({
      code: 'WALRUS_FOREIGN_FILE',
      file: pathOf(segment(4)),
      offset: 16,
    })
  })
})

describe('a segment of a newer version', () => {
  it.for(SEGMENTS)('is refused as that (segment %i)', async (id) => {
    const disk = changed(image, segment(id), (bytes) => {
      bytes.writeUInt32LE(0x0002_0000, 8)
      bytes.writeUInt32LE(crc32(bytes, 0, 0, 188), 188)
      return bytes
    })
    expect(await refusalOf(disk)).toMatchObject({
      code: 'WALRUS_UNSUPPORTED_FORMAT',
      file: pathOf(segment(id)),
    })
  })
})
