/** Which records of the stream still count, so that the log's rewriting can let the others go. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { Record } from '../src/record.ts'
import { State } from '../src/state.ts'

let now = 0
let records: Record[] = []
let state = new State(() => now)

beforeEach(() => {
  now = 0
  records = []
  state = new State(() => now)
})

function apply(record: Record): void {
  state.apply(record, records.push(record) - 1)
}

function set(key: string, expiresAt = 0): void {
  apply({ type: 'set', key, expiresAt, valueAt: 0 })
}

function live(): number[] {
  return records.flatMap((_, at) => (state.isLive(at) ? [at] : []))
}

/** Key and version of all there is. */
function contents(of: State): [string, number][] {
  const all: [string, number][] = []
  const keys = of.ordered().range('', undefined, false)
  while (keys.next()) all.push([keys.key, keys.entry.position])
  return all
}

/** What replaying comes to when only the records that count are left, but those of old segments all still are. */
function replayed(left: (at: number) => boolean): [string, number][] {
  const other = new State(() => now)
  records.forEach((record, at) => {
    if (left(at)) other.apply(record, at)
  })
  return contents(other)
}

it('the oldest record that counts is known', () => {
  expect(state.firstLive).toBe(0)
  for (let n = 0; n < 70_000; n++) set(`${n}`)
  for (const gone of [0, 1, 33, 65_535]) {
    for (let n = state.firstLive; n <= gone; n++) apply({ type: 'delete', key: `${n}` })
    state.forget(records.length)
    expect(state.firstLive).toBe(gone + 1)
  }
  apply({ type: 'clear', from: '', until: undefined })
  state.forget(records.length)
  expect(state.firstLive).toBe(records.length)
})

describe('a record counts', () => {
  it('while it is the newest of its key, or says that the key is not there', () => {
    set('a')
    set('a')
    set('b')
    apply({ type: 'delete', key: 'b' })
    set('c')
    apply({ type: 'clear', from: 'c', until: undefined })
    expect(live()).toEqual([1, 3, 5])
    set('b')
    expect(live()).toEqual([1, 5, 6])
    apply({ type: 'delete', key: 'b' })
    apply({ type: 'delete', key: 'b' })
    expect(live()).toEqual([1, 5, 8])
  })

  it('when it was not taken yet: nobody knows better', () => {
    set('a')
    expect(state.isLive(1)).toBe(true)
  })

  it('as a deletion until a snapshot speaks of it', () => {
    set('a')
    apply({ type: 'delete', key: 'a' })
    apply({ type: 'clear', from: '', until: 'b' })
    apply({ type: 'delete', key: 'c' })
    state.forget(3)
    expect(live()).toEqual([3])
    state.forget(4)
    expect(live()).toEqual([])
  })

  it('when it has expired, since it hides what the key was before', () => {
    set('a')
    set('a', 10)
    now = 10
    expect(state.size).toBe(0)
    expect(live()).toEqual([1])
    set('a')
    expect(live()).toEqual([2])
  })

  it('while a snapshot that is held can read it', () => {
    set('a')
    set('b')
    state.hold()
    set('a')
    state.hold()
    apply({ type: 'delete', key: 'b' })
    expect(live()).toEqual([0, 1, 2, 3])
    state.release()
    expect(live()).toEqual([0, 1, 2, 3])
    state.release()
    expect(live()).toEqual([2, 3])
  })

  it('if replaying without it could come to another state, whichever others are left', () => {
    const random = pseudoRandom(7)
    for (let n = 0; n < 400; n++) {
      const key = 'abcdef'[random(6)]!
      const kind = random(10)
      if (kind < 6) set(key, random(4) === 0 ? now + random(20) + 1 : 0)
      else if (kind < 9) apply({ type: 'delete', key })
      else apply({ type: 'clear', from: key, until: 'f' })
      now += random(3)
      const expected = (state.expire(), contents(state))
      const isLive = records.map((_, at) => state.isLive(at))
      expect(replayed((at) => isLive[at]!)).toEqual(expected)
      expect(replayed((at) => isLive[at]! || (at * 31 + n) % 3 === 0)).toEqual(expected)
    }
    // One for each key or deletion, and the clears.
    const clears = records.filter(({ type }) => type === 'clear').length
    expect(live().length).toBeLessThanOrEqual(6 + clears)
  })

  it('one of many thousand, without the memory of all the others', () => {
    for (let n = 0; n < 300_000; n++) set(`${n % 10}`)
    expect(live()).toEqual(Array.from({ length: 10 }, (_, at) => 299_990 + at))
  })
})

function pseudoRandom(seed: number): (below: number) => number {
  let state32 = seed
  return (below) => {
    state32 = (Math.imul(state32, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state32 / 2 ** 32) * below)
  }
}
