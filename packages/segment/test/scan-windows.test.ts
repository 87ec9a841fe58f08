/** Groups of any size are found wherever the borders of the chunks fall in which a segment is read. */

import { describe, expect, it, vi } from 'vitest'
import { encodeSeal } from '../src/seal.ts'
import { scanGroups, scanGroupsSync } from '../src/scan.ts'
import { MemoryFile } from './memory-file.ts'
import { naiveScan } from './naive-scan.ts'
import {
  filled,
  groupOf,
  groupsOf,
  joined,
  SALT,
  scanned,
  scannedSync,
  SEED,
  SEGMENT,
  type Scanned,
} from './segment-bytes.ts'

const MIB = 2 ** 20

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What both scans make of the bytes. */
async function both(bytes: Uint8Array, range = {}): Promise<Scanned[]> {
  return [await scanned(bytes, range), scannedSync(bytes, range)]
}

describe('a group is handed out whole', () => {
  for (const size of [MIB - 192, MIB, 2 * MIB, 2 * MIB + 64, 5 * MIB]) {
    it(`with an entry of ${size} bytes, between small ones`, async () => {
      const groups = groupsOf([[filled(9)], [filled(size)], [filled(70)], [filled(size, 5)]])
      const bytes = joined(groups)
      for (const result of await both(bytes)) {
        expect(result).toMatchObject({ end: bytes.length, nextLsn: 5, stop: 'end' })
        expect(
          result.seen.map((group) => Buffer.compare(group.bytes, groups[group.firstLsn - 1]!)),
        ).toEqual([0, 0, 0, 0])
      }
    })
  }

  it('with its header at any place across the border of a chunk', async () => {
    for (const chunks of [1, 2]) {
      for (let before = -4; before <= 72; before += 4) {
        const start = chunks * MIB - before
        const groups = groupsOf([[new Uint8Array(start - 92)], [filled(300)], [filled(2)]])
        expect(groups[0]).toHaveLength(start)
        const bytes = joined(groups)
        for (const result of await both(bytes)) {
          expect(result).toMatchObject({ end: bytes.length, nextLsn: 4, stop: 'end' })
          expect(result.seen[1]).toEqual({ offset: start, firstLsn: 2, bytes: groups[1] })
        }
      }
    }
  })

  it('with its end at any place across the border of a chunk', async () => {
    for (let behind = -4; behind <= 68; behind += 4) {
      const groups = groupsOf([[filled(11)], [new Uint8Array(MIB + behind - 196)], [filled(12)]])
      const bytes = joined(groups)
      for (const result of await both(bytes)) {
        expect(result).toMatchObject({ end: bytes.length, nextLsn: 4, stop: 'end' })
        expect(result.seen[2]!.bytes).toEqual(groups[2])
      }
    }
  })

  it('from wherever the scan begins', async () => {
    const bytes = joined([filled(192), ...groupsOf([[filled(MIB)], [filled(10)]])])
    for (const result of await both(bytes, { from: 192 })) {
      expect(result).toMatchObject({ end: bytes.length, nextLsn: 3, stop: 'end' })
      expect(result.seen[0]!.offset).toBe(192)
    }
  })
})

describe('a group too large for a chunk is refused', () => {
  const small = groupOf([filled(9)])
  const large = groupOf([filled(5), filled(3 * MIB)], { firstLsn: 2 })
  const after = groupOf([filled(9)], { firstLsn: 4 })

  const expectRefused = async (refused: Uint8Array) => {
    for (const result of await both(joined([small, refused, after]))) {
      expect(result).toMatchObject({ end: small.length, nextLsn: 2, stop: 'bad' })
      expect(result.seen).toHaveLength(1)
    }
  }

  it('with a byte changed, in its header, its frames or its end', async () => {
    for (const at of [
      0,
      20,
      63,
      64,
      90,
      130,
      MIB,
      2 * MIB + 1,
      large.length - 4,
      large.length - 1,
    ]) {
      const damaged = large.slice()
      damaged[at]! ^= 0x10
      await expectRefused(damaged)
    }
  })

  it('that does not continue the log, or is from another segment', async () => {
    await expectRefused(groupOf([filled(5), filled(3 * MIB)], { firstLsn: 3 }))
    await expectRefused(groupOf([filled(5), filled(3 * MIB)], { firstLsn: 2, time: 999 }))
    await expectRefused(groupOf([filled(5), filled(3 * MIB)], { firstLsn: 2, salt: SALT + 1 }))
  })

  it('not when it is whole', async () => {
    const bytes = joined([small, large, after])
    for (const result of await both(bytes))
      expect(result).toMatchObject({ nextLsn: 5, stop: 'end' })
  })
})

for (const align of [4, 512, 4096]) {
  /** Most groups small, some larger than a chunk. */
  const randomSegment = (random: () => number, length: number) => {
    const groups: Uint8Array[] = []
    for (let at = 0, firstLsn = 1; at < length; at += groups.at(-1)!.length) {
      const frames = 1 + Math.floor(random() * 6)
      const bodies = Array.from({ length: frames }, () => {
        const most = random() < 0.01 ? 1.5 * MIB : random() < 0.3 ? 60_000 : 300
        return filled(Math.floor(random() * most), firstLsn)
      })
      groups.push(groupOf(bodies, { align, firstLsn }))
      firstLsn += frames
    }
    return joined(groups)
  }

  describe(`groups of random sizes, aligned to ${align}, are read as a plain reading of the format does`, () => {
    for (const seed of [1, 2, 3]) {
      it(`whole and damaged, ${seed}`, async () => {
        const random = randomNumbers(seed)
        const whole = randomSegment(random, 4 * MIB)
        expect(naiveScan(whole, SALT, 0, 1).end).toBe(whole.length)
        for (let trial = 0; trial < 4; trial++) {
          const bytes = whole.slice()
          if (trial > 0) bytes[Math.floor(random() * bytes.length)]! ^= 1 << (random() * 8)
          const { offsets, end, nextLsn } = naiveScan(bytes, SALT, 0, 1)
          for (const result of await both(bytes)) {
            expect(result).toMatchObject({ end, nextLsn, stop: trial === 0 ? 'end' : 'bad' })
            expect(result.seen.map(({ offset }) => offset)).toEqual(offsets)
            const read = joined(result.seen.map((group) => group.bytes))
            expect(Buffer.compare(read, whole.subarray(0, end))).toBe(0)
          }
        }
      })
    }
  })
}

describe('a seal', () => {
  const seal = (end: number, id = SEGMENT) =>
    encodeSeal({ id, endLsn: 4, end, successor: id + 1, time: 9, plainNext: 4 }, SEED, SALT)

  it('ends the scan wherever it stands about the border of a chunk', async () => {
    for (let before = -4; before <= 72; before += 4) {
      const end = MIB - before
      const bytes = joined([groupOf([new Uint8Array(end - 92)]), seal(end)])
      for (const result of await both(bytes)) {
        expect(result).toMatchObject({ end, nextLsn: 2, stop: 'seal', seal: { successor: 8 } })
      }
    }
  })

  it('of another segment, or copied from elsewhere in this one, is none', async () => {
    const group = groupOf([filled(40)])
    for (const other of [seal(group.length, SEGMENT + 1), seal(group.length + 4)]) {
      for (const result of await both(joined([group, other]))) {
        expect(result).toMatchObject({ end: group.length, stop: 'bad', seal: undefined })
      }
    }
  })

  it('that is cut short is none', async () => {
    const group = groupOf([filled(40)])
    const bytes = joined([group, seal(group.length).subarray(0, 60)])
    for (const result of await both(bytes)) {
      expect(result).toMatchObject({ end: group.length, stop: 'bad', seal: undefined })
    }
  })

  it('is not looked for behind bad bytes', async () => {
    const group = groupOf([filled(40)])
    const bytes = joined([group, filled(64), seal(group.length + 64)])
    for (const result of await both(bytes)) {
      expect(result).toMatchObject({ end: group.length, stop: 'bad', seal: undefined })
    }
  })
})

describe('a file shorter than what it is said to hold', () => {
  for (const length of [0, 63, 64, 1000, MIB - 4, MIB, MIB + 4, 2 * MIB, 3 * MIB - 1]) {
    it(`ends the scan, at ${length} bytes`, async () => {
      const bytes = joined(groupsOf([[filled(500)], [filled(2 * MIB)], [filled(2 * MIB)]]))
      const cut = bytes.subarray(0, length)
      const { end, nextLsn } = naiveScan(cut, SALT, 0, 1)
      for (const to of [bytes.length, Number.MAX_SAFE_INTEGER]) {
        for (const result of await both(cut, { to })) {
          expect(result).toMatchObject({ end, nextLsn, stop: 'bad' })
        }
      }
    })
  }
})

describe('what goes wrong reaches the caller', () => {
  const bytes = joined(groupsOf([[filled(500)], [filled(2 * MIB)], [filled(10)]]))
  const range = { id: SEGMENT, seed: SEED, from: 0, to: bytes.length, firstLsn: 1 }

  it.each([
    ['the first group', 0],
    ['a group larger than a window', 2 * MIB],
    ['the last group', bytes.length - 1],
  ])('when %s cannot be read', async (_what, place) => {
    const failing = () => {
      const file = new MemoryFile(bytes)
      file.beforeRead = (at, length) => {
        if (at <= place && place < at + length) throw new Error('bad sector')
      }
      return { ...range, file }
    }
    await expect(scanGroups(failing(), () => {})).rejects.toThrow('bad sector')
    expect(() => scanGroupsSync(failing(), () => {})).toThrow('bad sector')
  })

  it('once, when the visitor throws and then the chunks read ahead fail', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>()
    process.on('unhandledRejection', unhandled)
    try {
      const file = new MemoryFile(bytes)
      file.beforeRead = () => {
        if (file.asked.length > 1) throw new Error('read ahead')
      }
      const visit = () => {
        throw new Error('visitor')
      }
      await expect(scanGroups({ ...range, file }, visit)).rejects.toThrow('visitor')
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(file.asked).toHaveLength(3)
      expect(unhandled).not.toHaveBeenCalled()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })
})
