/** Groups whose checks pass and whose lengths and counts lie: refused, without reading or allocating what they claim. */

import { describe, expect, it } from 'vitest'
import { closingCheck } from '../src/checks.ts'
import { MAX_GROUP_BYTES, readGroupHeader } from '../src/group.ts'
import { filled, groupOf, joined, SALT, scanned, scannedSync, SEED } from './segment-bytes.ts'

/** Sets `u32` fields of a group, then closes the unit from `start` to `end` over them. */
function forge(
  group: Uint8Array,
  fields: Readonly<Record<number, number>>,
  start = 0,
  end = 64,
): Uint8Array {
  const bytes = group.slice()
  const words = new Int32Array(bytes.buffer)
  for (const [at, value] of Object.entries(fields)) words[Number(at) / 4] = value
  words[end / 4 - 1] = closingCheck(bytes, words, start, end - 4, SEED, SALT)
  return bytes
}

const first = groupOf([filled(20)])
/** Its frames begin at 64, 100 and 132, and it ends at 168. */
const second = groupOf([filled(5), filled(4), filled(6)], { firstLsn: 2 })
const third = groupOf([filled(8)], { firstLsn: 5 })

async function expectRefused(forged: Uint8Array): Promise<void> {
  const bytes = joined([first, forged, third])
  for (const to of [bytes.length, Number.MAX_SAFE_INTEGER]) {
    for (const result of [await scanned(bytes, { to }), scannedSync(bytes, { to })]) {
      expect(result).toMatchObject({ end: first.length, nextLsn: 2, stop: 'bad', seal: undefined })
      expect(result.seen).toHaveLength(1)
    }
  }
}

it('forging a group without changing it changes nothing', () => {
  expect(second).toHaveLength(168)
  expect(forge(second, {})).toEqual(second)
  expect(forge(second, {}, 100, 132)).toEqual(second)
})

describe('a group is refused that', () => {
  for (const size of [
    0, 4, 60, 64, 68, 100, 164, 167, 172, 0x7fff_fffc, 0x8000_0000, 0xffff_fffc, 0xffff_ffff,
  ]) {
    it(`says it has ${size} bytes`, () => expectRefused(forge(second, { 4: size })))
  }
  it('says it is as long as all that follows', () =>
    expectRefused(forge(second, { 4: second.length + third.length })))

  for (const count of [0, 1, 2, 4, 5, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    it(`says it has ${count} frames`, () => expectRefused(forge(second, { 8: count })))
  }

  for (const padding of [1, 4, 36, 104, 108, 168, 0x7fff_fffc, 0x8000_0000, 0xffff_ffff]) {
    it(`says it has ${padding} bytes of padding`, () =>
      expectRefused(forge(second, { 48: padding })))
  }

  it('has no frames', async () => {
    await expectRefused(forge(second.slice(0, 64), { 4: 64, 8: 0 }))
    await expectRefused(
      forge(joined([second.slice(0, 64), new Uint8Array(64)]), { 4: 128, 8: 0, 48: 64 }),
    )
  })
  it('would make what follows stand askew', () =>
    expectRefused(forge(joined([second, new Uint8Array(4)]), { 4: 170, 48: 2 })))
  it('says its last frames are padding', () => expectRefused(forge(second, { 8: 2, 48: 36 })))
  it('is of another kind', () => expectRefused(forge(second, { 12: 2 })))
  it('has flags of a later version', () => expectRefused(forge(second, { 12: 1 | (1 << 16) })))
  it('has something in its reserved bytes', async () => {
    await expectRefused(forge(second, { 52: 1 }))
    await expectRefused(forge(second, { 56: 0x8000_0000 }))
  })
  it('says its frames have LSNs beyond all numbers', () =>
    expectRefused(forge(second, { 16: -1, 20: -1 })))
})

describe('a group is refused with a frame that', () => {
  const LONG = [
    37, 0x3fff_ffff, 0x7fff_ffe4, 0x7fff_ffff, 0x8000_0000, 0x8000_0004, 0xffff_ffe0, 0xffff_fff8,
    0xffff_fffc, 0xffff_ffff,
  ]
  for (const length of [0, 8, 32, 36, ...LONG]) {
    it(`says it has ${length} bytes, in the middle`, () =>
      expectRefused(forge(second, { 100: length }, 100, 132)))
  }
  for (const length of [0, 4, 9, 32, ...LONG]) {
    it(`says it has ${length} bytes, at the end`, () =>
      expectRefused(forge(second, { 132: length }, 132, 168)))
  }

  it('says it has 2^32 - 1 bytes, where an empty one would fit', async () => {
    const group = groupOf([filled(5), filled(0)], { firstLsn: 2 })
    await expectRefused(forge(group, { 100: 0xffff_ffff }, 100, 128))
    await expectRefused(forge(group, { 100: 0xffff_fffd }, 100, 128))
  })
})

describe('padding', () => {
  const padded = groupOf([filled(5)], { firstLsn: 2, align: 256 })

  it('of any zeros is fine', async () => {
    expect(padded).toHaveLength(256)
    const bytes = joined([first, padded, groupOf([filled(8)], { firstLsn: 3 })])
    expect((await scanned(bytes)).seen).toHaveLength(3)
    expect(scannedSync(bytes).seen).toHaveLength(3)
  })

  it('must be all the header says', async () => {
    await expectRefused(forge(padded, { 48: padded.length - 104 }))
    await expectRefused(forge(padded, { 48: padded.length - 96 }))
  })

  it('must not hide anything', async () => {
    for (const at of [100, 101, 103, 128, 255]) {
      await expectRefused(Object.assign(padded.slice(), { [at]: 1 }))
    }
  })
})

describe('reading and memory stay within the file, whatever is claimed', () => {
  const MIB = 2 ** 20
  /** Larger than a window, so that its group must be read by itself. */
  const large = groupOf([filled(20), new Uint8Array(3 * MIB)], { firstLsn: 2 })

  for (const size of [4 * MIB, 2 ** 30, MAX_GROUP_BYTES, 0xffff_fffc]) {
    it(`a header that claims ${size} bytes of a file of 3 MiB`, async () => {
      const bytes = joined([first, forge(large, { 4: size })])
      for (const to of [bytes.length, 2 ** 40]) {
        for (const result of [await scanned(bytes, { to }), scannedSync(bytes, { to })]) {
          expect(result).toMatchObject({ end: first.length, nextLsn: 2, stop: 'bad' })
          expect(result.file.longestRead).toBeLessThan(bytes.length)
        }
      }
    })
  }

  it('no group is larger than the largest that can be written', () => {
    const words = (size: number) => new Int32Array(forge(large, { 4: size }).buffer)
    const room = 2 ** 33
    expect(readGroupHeader(words(MAX_GROUP_BYTES), 0, room, SEED)?.size).toBe(MAX_GROUP_BYTES)
    expect(readGroupHeader(words(MAX_GROUP_BYTES + 4), 0, room, SEED)).toBeUndefined()
    expect(readGroupHeader(words(0xffff_fffc), 0, room, SEED)).toBeUndefined()
  })
})
