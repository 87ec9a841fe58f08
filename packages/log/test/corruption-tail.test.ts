/** A tail file that is missing, damaged, old, of another log or too new: it is asked, and never believed over the segments. */

import { crc32 } from '@walrus/codec'
import { SimulatedDisk } from '@walrus/storage-sim'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, outcomeOf } from './outcome.ts'
import { pick, randomFrom } from './random.ts'
import { bytesOf, changed, cut, filesIn, openOn, pathOf, segment } from './simulated.ts'

/** Three segments. */
const ENTRIES = Array.from({ length: 8 }, (_, at) => `${at}`.repeat(20_000))
const ALL = { refused: undefined, iterated: ENTRIES, stopped: undefined }

async function threeSegments(seed: number): Promise<{ disk: SimulatedDisk; old: Buffer }> {
  const disk = new SimulatedDisk({ seed })
  const first = await openOn(disk, { segmentBytes: 0x1_0000 })
  for (const entry of ENTRIES.slice(0, 4)) await first.append(entry)
  await first.close()
  const old = bytesOf(disk, 'TAIL')
  const second = await openOn(disk, { segmentBytes: 0x1_0000 })
  for (const entry of ENTRIES.slice(4)) await second.append(entry)
  await second.close()
  return { disk, old }
}

let image: SimulatedDisk
let old: Buffer
let other: SimulatedDisk

beforeAll(async () => {
  ;({ disk: image, old } = await threeSegments(1))
  ;({ disk: other } = await threeSegments(2))
})

interface WithTail {
  readonly disk: SimulatedDisk
  readonly before: Record<string, string>
  readonly outcome: Outcome
}

async function withTail(bytes: Uint8Array | undefined): Promise<WithTail> {
  const disk = changed(image, 'TAIL', () => bytes)
  const before = filesIn(disk)
  const outcome = await outcomeOf(disk, 0)
  return { disk, before, outcome }
}

/** A tail file of which both slots have been changed, their checks right. */
function rewritten(change: (slot: Buffer) => void): Buffer {
  const bytes = bytesOf(image, 'TAIL')
  for (const at of [0, 512]) {
    const slot = bytes.subarray(at, at + 128)
    change(slot)
    slot.writeUInt32LE(crc32(slot, 0, 0, 124), 124)
  }
  return bytes
}

describe('a tail file', () => {
  it('missing', async () => {
    expect((await withTail(undefined)).outcome).toMatchObject(ALL)
  })

  it('cut at any byte', async () => {
    const bytes = bytesOf(image, 'TAIL')
    for (let length = 0; length < bytes.length; length += 9) {
      const { outcome } = await withTail(bytes.subarray(0, length))
      expect(outcome, `cut to ${length}`).toMatchObject(ALL)
    }
  })

  it('of nothing but chance', async () => {
    const random = randomFrom(5)
    for (let time = 0; time < 20; time++) {
      const bytes = Buffer.from(Array.from({ length: 1024 }, () => pick(random, 256)))
      expect((await withTail(bytes)).outcome).toMatchObject(ALL)
    }
  })

  it('from before the last entries', async () => {
    expect((await withTail(old)).outcome).toMatchObject(ALL)
  })

  it('of a newer version', async () => {
    const newer = rewritten((slot) => slot.writeUInt32LE(0x0002_0000, 4))
    expect((await withTail(newer)).outcome).toMatchObject(ALL)
  })

  it('of another log is refused, and nothing is changed', async () => {
    const { disk, before, outcome } = await withTail(bytesOf(other, 'TAIL'))
    expect(outcome.refused?.code).toBe('WALRUS_FOREIGN_FILE')
    expect(filesIn(disk)).toEqual(before)
  })

  it('that knows of more than there is: what is missing is named, and nothing is changed', async () => {
    const more = rewritten((slot) => slot.writeBigUInt64LE(1000n, 56))
    const { disk, before, outcome } = await withTail(more)
    expect(outcome.refused).toMatchObject({ code: 'WALRUS_CORRUPT', index: ENTRIES.length + 1 })
    expect(filesIn(disk)).toEqual(before)
    const further = rewritten((slot) => slot.writeBigUInt64LE(9n, 40))
    expect((await withTail(further)).outcome.refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
    })
  })

  it('with a number beyond what there can be', async () => {
    for (const field of [8, 32, 40, 48, 56, 64]) {
      const huge = rewritten((slot) => slot.writeBigUInt64LE(2n ** 64n - 1n, field))
      const { outcome } = await withTail(huge)
      if (outcome.refused === undefined) expect(outcome, `field ${field}`).toMatchObject(ALL)
      else expect(outcome.refused.code, `field ${field}`).toMatch(/CORRUPT|SEGMENT_MISSING/)
    }
  })

  it('with a mark in the middle of a group, of a log that was not closed', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('one')
    await log.appendBatch(['two', 'three', 'four'])
    const left = changed(disk, 'TAIL', (bytes) => {
      for (const at of [0, 512]) {
        bytes.writeBigUInt64LE(3n, at + 56)
        bytes.writeUInt32LE(crc32(bytes, 0, at, at + 124), at + 124)
      }
      return bytes
    })
    expect((await outcomeOf(left, 0)).iterated).toEqual(['one', 'two', 'three', 'four'])
  })

  it('is the last to know of entries that were cut off with a clean border', async () => {
    const left = cut(image, segment(3), 192 + 64 + 20_028)
    expect((await outcomeOf(left, 0)).refused).toMatchObject({
      code: 'WALRUS_CORRUPT',
      file: pathOf(segment(3)),
      offset: 192 + 64 + 20_028,
      index: 8,
    })
  })
})
