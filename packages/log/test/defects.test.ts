/** What earlier logs did wrong, each by its number; each of these tests fails on a log with the same fault. */

import { type Call, type CallKind, SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { LogOptions } from '../src/index.ts'
import { recordLargestBuffer } from './largest-buffer.ts'
import {
  callsOn,
  changed,
  cut,
  entriesOf,
  flipped,
  index,
  openOn,
  pathOf,
  segment,
  text,
} from './simulated.ts'

const FIRST = segment(1)
/** Bytes before the first group, of a group's header, and of a frame around its body. */
const [HEAD, GROUP, FRAME] = [192, 64, 28]

/** A log of three segments of three entries, closed. */
async function threeSegments(): Promise<{ disk: SimulatedDisk; entries: string[] }> {
  const disk = new SimulatedDisk()
  const entries = 'abcdefghi'.split('').map((letter) => letter.repeat(20_000))
  const log = await openOn(disk, { segmentBytes: 0x1_0000 })
  for (const entry of entries) await log.append(entry)
  await log.close()
  return { disk, entries }
}

describe('L1: a torn tail taken for the clean end', () => {
  it('what is synced after it is there at every later opening', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('one')
    const left = changed(disk, FIRST, (bytes) => {
      const half = bytes.subarray(HEAD, HEAD + 50)
      return Buffer.concat([bytes.subarray(0, HEAD + GROUP + FRAME + 4), half])
    })
    const expected = ['one']
    for (let opening = 0; opening < 3; opening++) {
      const again = await openOn(left)
      expect(await entriesOf(again)).toEqual(expected)
      await again.append(`synced ${opening}`)
      await again.sync()
      expected.push(`synced ${opening}`)
      await again.close()
    }
  })
})

describe('L2: a length that no checksum covers', () => {
  it('no bit of any length opens without an error, or takes more memory than there is file', async () => {
    const image = new SimulatedDisk()
    const log = await openOn(image)
    await log.appendBatch(['one', 'two'])
    await log.append('three')
    await log.close()
    image.remove(pathOf(index(1)))
    const sizeOfGroup = HEAD + 4
    const framesOfGroup = HEAD + 8
    const lengthOfFrame = HEAD + GROUP
    const largest = recordLargestBuffer()
    for (const field of [sizeOfGroup, framesOfGroup, lengthOfFrame, lengthOfFrame + FRAME + 4]) {
      for (let bit = 0; bit < 32; bit++) {
        const disk = flipped(image, FIRST, field + (bit >>> 3), 1 << (bit & 7))
        await expect(openOn(disk), `bit ${bit} at ${field}`).rejects.toMatchObject({
          code: 'WALRUS_CORRUPT',
        })
      }
    }
    expect(largest()).toBeLessThan(2 ** 20)
  })
})

describe('L3: a middle segment that is cut without a word', () => {
  it('a range over a flipped byte is an error that names the entry, never fewer entries', async () => {
    const { disk } = await threeSegments()
    const offset = HEAD + GROUP + FRAME + 20_000 + GROUP
    const log = await openOn(flipped(disk, segment(2), offset + 5000, 0x40))
    const damaged = { code: 'WALRUS_CORRUPT', file: pathOf(segment(2)), offset, index: 5 }
    await expect(log.range(1, 9)).rejects.toMatchObject(damaged)
    await expect(log.get(5)).rejects.toMatchObject(damaged)
    await expect(entriesOf(log)).rejects.toMatchObject(damaged)
    expect((await log.range(6, 9)).length).toBe(4)
    await log.close()
  })
})

describe('L4: an append behind a cut, where it cannot be read', () => {
  it('what follows a cut tail is read at once, and after every kill', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('one')
    await log.append('lost with the tail')
    const left = cut(disk, FIRST, HEAD + 2 * (GROUP + FRAME) + 4 + 3)
    const again = await openOn(left)
    expect(await again.append('two')).toBe(2)
    expect(text((await again.get(2)).data)).toBe('two')
    const afterKill = await openOn(left.copy())
    expect(await entriesOf(afterKill)).toEqual(['one', 'two'])
  })
})

describe('L5: a transaction that comes back in part', () => {
  it('a batch of five is there as five or not at all, wherever its write was stopped', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('before')
    await log.appendBatch(['1', '2', '3', '4', '5'])
    const from = HEAD + GROUP + FRAME + 8
    const to = from + GROUP + 5 * (FRAME + 4)
    for (let length = from; length <= to; length++) {
      const again = await openOn(cut(disk, FIRST, length))
      expect(again.lastIndex, `cut to ${length}`).toBe(length < to ? 1 : 6)
      await again.close()
    }
  })
})

describe('L6: an append that failed, read as the one after it', () => {
  it('what was refused is nowhere, and what comes next reads as it was written', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.append('one')
    disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
    await expect(log.append('refused')).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    disk.fault = undefined
    expect(await log.append('two')).toBe(2)
    expect(text((await log.get(2)).data)).toBe('two')
    const afterKill = await openOn(disk.copy())
    expect(await entriesOf(afterKill)).toEqual(['one', 'two'])
    await log.close()
    const reopened = await openOn(disk)
    expect(await entriesOf(reopened)).toEqual(['one', 'two'])
    await reopened.close()
  })
})

describe('L7: a view whose memory goes away under its reader', () => {
  it('what was read stays as it was: after more reads and appends, close, and the end of the files', async () => {
    const { disk, entries } = await threeSegments()
    const log = await openOn(disk, { segmentBytes: 0x1_0000 })
    const read = [...(await log.range(1, 9)), log.getSync(5), await log.get(7)]
    for (let more = 0; more < 6; more++) await log.append(Buffer.alloc(20_000, more))
    await log.range(1, 15)
    await log.close()
    for (const path of disk.files().keys()) disk.remove(path)
    const expected = [...entries, entries[4]!, entries[6]!]
    expect(read.map(({ data }) => text(data))).toEqual(expected)
  })
})

describe('L8: entries that go before they were read, and an index given out twice', () => {
  it('nothing goes, however many segments there are', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { segmentBytes: 0x1_0000 })
    for (let entry = 1; entry <= 120; entry++) await log.append(Buffer.alloc(40_000, entry))
    expect(log.stats().segments).toBe(120)
    await log.close()
    const again = await openOn(disk)
    expect(again.firstIndex).toBe(1)
    expect((await again.range(1, 120)).map(({ data }) => data[0])).toEqual(
      Array.from({ length: 120 }, (_, at) => at + 1),
    )
    await again.close()
  })

  it('a second writer is refused', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'WALRUS_LOCKED' })
    await log.close()
  })
})

describe('L9: names that were never synced, errors that were dropped, a close that cannot be repeated', () => {
  it('with nothing but what was synced, every acknowledged entry of every segment is there', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { segmentBytes: 0x1_0000 })
    for (let entry = 1; entry <= 6; entry++) {
      await log.append(Buffer.alloc(40_000, entry))
      const left = disk.copy()
      left.losePower('lost')
      const again = await openOn(left)
      expect(again.lastIndex).toBe(entry)
      await again.close()
    }
    await log.close()
  })

  it.for<CallKind>(['truncate', 'remove', 'rename', 'sync directory'])(
    'an error of %s is told',
    async (kind) => {
      const disk = new SimulatedDisk()
      const log = await openOn(disk, { segmentBytes: 0x1_0000 })
      await log.append(Buffer.alloc(40_000))
      disk.fault = (call) => (call.kind === kind ? 'EIO' : undefined)
      const told = log.append(Buffer.alloc(40_000)).then(() => log.close())
      await expect(told).rejects.toMatchObject({
        code: 'WALRUS_FAILED',
        cause: { message: expect.stringContaining(kind) },
      })
      await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    },
  )

  it('close can be called again, and from several places at once', async () => {
    const log = await openOn(new SimulatedDisk())
    await Promise.all([log.close(), log.close()])
    await log.close()
    await log[Symbol.asyncDispose]()
  })
})

describe('L10: options that do nothing', () => {
  const kinds = (calls: readonly Call[]): Set<CallKind> => new Set(calls.map(({ kind }) => kind))

  it('durability decides what is synced before an append returns', async () => {
    for (const [durability, kind] of [
      ['commit', 'durable write'],
      ['none', 'write'],
    ] as const) {
      const disk = new SimulatedDisk()
      const log = await openOn(disk, { durability })
      const calls = callsOn(disk)
      await log.append('entry')
      expect(kinds(calls)).toEqual(new Set([kind]))
      await log.close()
    }
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { durability: { everyMs: 20 } })
    const calls = callsOn(disk)
    const before = disk.now
    await log.append('entry')
    await disk.pass(before + 19 - disk.now)
    expect(kinds(calls)).not.toContain('sync')
    // As long as an append takes at most, and a sync.
    await disk.pass(1 + 5 + 5)
    expect(kinds(calls)).toContain('sync')
    await log.close()
  })

  it('segmentBytes, maxEntryBytes, verifyReads and readOnly do what they say', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { segmentBytes: 0x1_0000, maxEntryBytes: 50_000 })
    for (let entry = 0; entry < 4; entry++) await log.append(Buffer.alloc(50_000))
    expect(log.stats().segments).toBe(4)
    await expect(log.append(Buffer.alloc(50_001))).rejects.toMatchObject({
      code: 'WALRUS_ENTRY_TOO_LARGE',
    })
    await log.close()
    const damaged = flipped(disk, FIRST, HEAD + GROUP + 5000, 1)
    const verifying = await openOn(damaged, { readOnly: true })
    await expect(verifying.get(1)).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
    await verifying.close()
    const trusting = await openOn(damaged, { readOnly: true, verifyReads: false })
    expect((await trusting.get(1)).data.length).toBe(50_000)
    await expect(trusting.append('entry')).rejects.toMatchObject({ code: 'WALRUS_READ_ONLY' })
    await trusting.close()
  })

  it('one that does not exist is refused by name', async () => {
    const options = { segmentByte: 0x1_0000 } as LogOptions
    await expect(openOn(new SimulatedDisk(), options)).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
      message: expect.stringContaining('"segmentByte"'),
    })
  })
})
