/** What stands behind the end of the good groups is found, all of it, and told apart. */

import { describe, expect, it } from 'vitest'
import { closingCheck } from '../src/checks.ts'
import { type Remainder, searchRemainder } from '../src/remainder.ts'
import { MemoryFile } from './memory-file.ts'
import { filled, groupOf, groupsOf, joined, SALT, SEED } from './segment-bytes.ts'

const MIB = 2 ** 20
const NOTHING = { firstByte: undefined, mark: 0, groups: [] }

function search(bytes: Uint8Array, from = 0, to = bytes.length): Promise<Remainder> {
  return searchRemainder(new MemoryFile(bytes), from, to, SEED)
}

function zeros(length: number): Uint8Array {
  return new Uint8Array(length)
}

describe('bytes', () => {
  it('that are all zero are nothing', async () => {
    for (const length of [0, 1, 64, 4097, MIB, MIB + 4, 3 * MIB + 60]) {
      expect(await search(zeros(length))).toEqual({ ...NOTHING, lastByte: 0 })
    }
  })

  it('that are not zero are found at either end of what is searched, and nowhere else', async () => {
    const bytes = joined([filled(200), zeros(MIB + 88), filled(100)])
    const [from, to] = [200, 200 + MIB + 88]
    expect(await search(bytes, from, to)).toEqual({ ...NOTHING, lastByte: from })
    expect(await search(bytes, from - 4, to)).toMatchObject({ firstByte: 196, lastByte: 200 })
    expect(await search(bytes, from, to + 4)).toMatchObject({ firstByte: to, lastByte: to + 4 })
    expect(await search(bytes, from, to + 1)).toMatchObject({ firstByte: to, lastByte: to + 1 })
  })

  it('are found to within four, wherever they stand about the border of a chunk', async () => {
    for (let at = MIB - 9; at < MIB + 70; at++) {
      const bytes = zeros(2 * MIB)
      bytes[at] = 1
      const word = at - (at % 4)
      expect(await search(bytes)).toEqual({ ...NOTHING, firstByte: word, lastByte: word + 4 })
    }
  })

  it('of one chunk are not found again in a shorter one behind it', async () => {
    const bytes = zeros(MIB + 6000)
    bytes.set(groupOf([filled(9)]), 8000)
    const found = await search(bytes)
    expect(found).toMatchObject({ firstByte: 8000, lastByte: 8104 })
    expect(found.groups).toHaveLength(1)
  })

  it('that are garbage hold no group', async () => {
    const found = await search(joined([zeros(8), filled(5000), zeros(100)]))
    expect(found).toEqual({ ...NOTHING, firstByte: 8, lastByte: 5008 })
  })
})

describe('a later group', () => {
  const damaged = filled(172)

  it('that is whole is found, with what its header says', async () => {
    const later = groupOf([filled(50), filled(3)], { firstLsn: 9, mark: 4, boot: -77 })
    const found = await search(joined([damaged, later, zeros(500)]))
    expect(found).toMatchObject({ firstByte: 0, lastByte: 172 + later.length, mark: 4 })
    expect(found.groups).toEqual([
      {
        offset: 172,
        header: {
          size: later.length,
          count: 2,
          padding: 0,
          firstLsn: 9,
          time: 1000,
          mark: 4,
          boot: -77,
          epoch: 3,
        },
      },
    ])
  })

  it('of which only the header is whole gives its mark, and no evidence', async () => {
    const torn = groupOf([filled(50)], { firstLsn: 9, mark: 5 })
    torn[100]! ^= 1
    expect(await search(joined([damaged, torn]))).toMatchObject({ mark: 5, groups: [] })
  })

  it('of which the header is damaged gives neither', async () => {
    const torn = groupOf([filled(50)], { firstLsn: 9, mark: 5 })
    torn[40]! ^= 1
    expect(await search(joined([damaged, torn]))).toMatchObject({ mark: 0, groups: [] })
  })

  it('that ends beyond what is searched gives neither', async () => {
    const late = groupOf([filled(50)], { firstLsn: 9, mark: 5 })
    const bytes = joined([damaged, late])
    expect(await search(bytes, 0, bytes.length - 4)).toMatchObject({ mark: 0, groups: [] })
    const short = bytes.subarray(0, bytes.length - 4)
    expect(await search(short, 0, bytes.length)).toMatchObject({ mark: 5, groups: [] })
  })

  it('that is cut short in its padding is no evidence', async () => {
    const padded = joined([damaged, groupOf([filled(50)], { firstLsn: 9, align: 256 })])
    expect((await search(padded)).groups).toHaveLength(1)
    expect((await search(padded.subarray(0, -4), 0, padded.length)).groups).toEqual([])
  })

  it('from another segment gives neither', async () => {
    const foreign = groupOf([filled(50)], { firstLsn: 9, mark: 5, salt: SALT + 1 })
    expect(await search(joined([damaged, foreign]))).toMatchObject({ mark: 0, groups: [] })
  })

  it('is found wherever it stands about the border of a chunk', async () => {
    for (let before = -4; before <= 200; before += 4) {
      const start = MIB - before
      const later = groupOf([filled(100)], { firstLsn: 9, mark: 4 })
      const { groups, mark } = await search(joined([filled(20), zeros(start - 20), later]))
      expect(groups.map(({ offset }) => offset)).toEqual([start])
      expect(mark).toBe(4)
    }
  })

  it('is found behind a start that is not at a multiple of a chunk, and larger than one', async () => {
    const later = groupOf([filled(2 * MIB)], { firstLsn: 9 })
    const bytes = joined([filled(300), zeros(MIB), later, zeros(64)])
    const { groups } = await search(bytes, 300)
    expect(groups.map(({ offset }) => offset)).toEqual([300 + MIB])
  })

  it('and every other one is found, up to sixteen, and the marks of all', async () => {
    const groups = groupsOf(
      Array.from({ length: 20 }, () => [filled(9)]),
      { firstLsn: 9 },
    )
    const last = [28, 20].map((mark) => groupOf([filled(9)], { firstLsn: 29, mark }))
    const found = await search(joined([damaged, ...groups, ...last]))
    expect(found.groups.map(({ header }) => header.firstLsn)).toEqual(
      Array.from({ length: 16 }, (_, number) => 9 + number),
    )
    expect(found.mark).toBe(28)
  })
})

it('headers that each claim all that follows are not each read to the end', async () => {
  const headers = 2000
  const bytes = zeros(headers * 64 + 256)
  const words = new Int32Array(bytes.buffer)
  for (let at = 0; at < headers * 64; at += 64) {
    bytes.set(groupOf([filled(4)]).subarray(0, 60), at)
    words[at / 4 + 1] = bytes.length - at
    words[at / 4 + 15] = closingCheck(bytes, words, at, at + 60, SEED, SALT)
  }
  const file = new MemoryFile(bytes)
  const { groups, mark } = await searchRemainder(file, 0, bytes.length, SEED)
  expect({ groups, mark }).toEqual({ groups: [], mark: 1 })
  expect(file.asked.reduce((sum, length) => sum + length)).toBeLessThanOrEqual(4 * bytes.length)
})
