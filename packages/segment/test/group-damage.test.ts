/** A damaged group is not handed out, nothing before it is lost, and nothing behind it is taken for the log. */

import { describe, expect, it } from 'vitest'
import {
  filled,
  groupOf,
  groupsOf,
  joined,
  SALT,
  type Scanned,
  scanned,
  scannedSync,
} from './segment-bytes.ts'

const BODIES = [[filled(5)], [filled(3, 9), filled(0), filled(16, 40)], [filled(1, 80)]]

const LAYOUTS = [
  { name: 'close together', align: 4 },
  { name: 'aligned to 256 bytes', align: 256 },
]

for (const { name, align } of LAYOUTS) {
  const groups = groupsOf(BODIES, { align })
  const whole = joined(groups)
  const starts = groups.map((_, number) => joined(groups.slice(0, number)).length)
  /** What must come of a segment whose first bad byte is at `at`. */
  const before = (at: number) => starts.findLast((start) => start <= at)!
  const firstLsns = [1, 2, 5]

  const expectCutAt = (result: Scanned, end: number) => {
    const kept = starts.indexOf(end)
    expect(result.seen.map(({ offset }) => offset)).toEqual(starts.slice(0, kept))
    expect(result).toMatchObject({ end, nextLsn: firstLsns[kept], stop: 'bad', seal: undefined })
  }

  describe(`in groups ${name}`, () => {
    it('undamaged, all are handed out as they were written', async () => {
      for (const result of [await scanned(whole), scannedSync(whole)]) {
        expect(result).toMatchObject({ end: whole.length, nextLsn: 6, stop: 'end' })
        expect(result.seen.map(({ bytes }) => bytes)).toEqual(groups)
      }
    })

    it('any one bit flipped ends the log before its group', async () => {
      for (let at = 0; at < whole.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = whole.slice()
          damaged[at]! ^= 1 << bit
          expectCutAt(await scanned(damaged), before(at))
          expectCutAt(scannedSync(damaged), before(at))
        }
      }
    })

    it('any four bytes zeroed, or set, end the log before their group', async () => {
      for (let at = 0; at < whole.length; at += 4) {
        for (const value of [0x00, 0xff]) {
          const damaged = whole.slice().fill(value, at, at + 4)
          if (Buffer.compare(damaged, whole) === 0) continue
          expectCutAt(await scanned(damaged), before(at))
          expectCutAt(scannedSync(damaged), before(at))
        }
      }
    })

    it('a file that ends at any byte keeps the groups that are whole', async () => {
      for (let length = 0; length < whole.length; length++) {
        const cut = whole.slice(0, length)
        const end = before(length)
        const expected = { end, stop: end === length ? 'end' : 'bad' }
        for (const result of [await scanned(cut), scannedSync(cut)]) {
          expect(result).toMatchObject(expected)
          expect(result.seen).toHaveLength(starts.indexOf(end))
        }
      }
    })

    it('a file that ends before the range does keeps the groups that are whole', async () => {
      for (let length = 0; length < whole.length; length++) {
        const cut = whole.slice(0, length)
        expectCutAt(await scanned(cut, { to: whole.length }), before(length))
        expectCutAt(scannedSync(cut, { to: whole.length }), before(length))
      }
    })
  })
}

describe('a whole group is not taken', () => {
  const first = groupOf([filled(20)])
  const next = { firstLsn: 2, time: 1000 }
  const rejected = (second: Uint8Array) => async () => {
    const bytes = joined([first, second, groupOf([filled(8)], { firstLsn: 3 })])
    for (const result of [await scanned(bytes), scannedSync(bytes)]) {
      expect(result).toMatchObject({ end: first.length, nextLsn: 2, stop: 'bad' })
      expect(result.seen).toHaveLength(1)
    }
  }

  it('unless it continues the log', async () => {
    const bytes = joined([first, groupOf([filled(8)], next)])
    expect(await scanned(bytes)).toMatchObject({ end: bytes.length, nextLsn: 3, stop: 'end' })
    expect(scannedSync(bytes)).toMatchObject({ end: bytes.length, nextLsn: 3, stop: 'end' })
  })

  it('from another segment', rejected(groupOf([filled(8)], { ...next, salt: SALT + 1 })))
  it('behind a gap in the LSNs', rejected(groupOf([filled(8)], { ...next, firstLsn: 3 })))
  it('that repeats an LSN', rejected(groupOf([filled(8)], { ...next, firstLsn: 1 })))
  it('from before the one it follows', rejected(groupOf([filled(8)], { ...next, time: 999 })))
})

it('of the marks only those of good groups count, and the highest of them', async () => {
  const groups = [
    groupOf([filled(8)], { firstLsn: 1, mark: 1, time: 1000 }),
    groupOf([filled(8)], { firstLsn: 2, mark: 2, time: 1001 }),
    groupOf([filled(8)], { firstLsn: 3, mark: 1, time: 1001 }),
    groupOf([filled(8)], { firstLsn: 5, mark: 5, time: 1002 }),
  ]
  const bytes = joined(groups)
  for (const result of [await scanned(bytes), scannedSync(bytes)]) {
    expect(result).toMatchObject({ mark: 2, nextLsn: 4, time: 1001, stop: 'bad' })
  }
})
