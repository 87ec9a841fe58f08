import { describe, expect, test } from 'vitest'
import type { Contents } from '../src/contents.ts'
import { Oracle } from '../src/oracle.ts'
import { payloadOf } from '../src/payload.ts'
import type { Unit } from '../src/plan.ts'

const SEED = 5

type Entries = { index: number; data: Uint8Array }[]

const unit = (serial: number, stream: string, ...sizes: number[]): Unit => ({
  serial,
  stream,
  sizes,
  batch: sizes.length > 1,
})

/** Two streams, a batch in each, and sizes that are hard to tell apart. */
const UNITS = [
  unit(0, '', 100),
  unit(1, 'orders', 0),
  unit(2, '', 20, 300, 7),
  unit(3, 'orders', 5000),
  unit(4, '', 1),
  unit(5, 'orders', 8, 8),
  unit(6, '', 64),
]

function entryOf({ serial, sizes }: Unit, at: number, life = 0): Uint8Array {
  return payloadOf(SEED, { life, unit: serial, at, size: sizes[at]! })
}

/** What a log holds to which these calls were made and nothing went wrong. */
function honest(units: readonly Unit[]): Map<string, Entries> {
  const contents = new Map<string, Entries>([['', []]])
  for (const one of units) {
    const entries = contents.get(one.stream) ?? []
    contents.set(one.stream, entries)
    one.sizes.forEach((_, at) => {
      const index = entries.length + (one.stream === '' ? 1 : 0)
      entries.push({ index, data: entryOf(one, at) })
    })
  }
  return contents
}

/** One that was told of every call, and that all were acknowledged where they belong. */
function oracleOf(units: readonly Unit[], acknowledged: number = units.length): Oracle {
  const oracle = new Oracle(SEED)
  const next = new Map<string, number>()
  for (const [at, one] of units.entries()) {
    oracle.began(one)
    const first = next.get(one.stream) ?? (one.stream === '' ? 1 : 0)
    next.set(one.stream, first + one.sizes.length)
    if (at < acknowledged) {
      oracle.acknowledged(
        one.serial,
        one.sizes.map((_, place) => first + place),
      )
    }
  }
  return oracle
}

/** Numbers a stream's entries anew, as a log that had lost or doubled one would. */
function renumber(entries: Entries, first = 1): Entries {
  return entries.map(({ data }, at) => ({ index: first + at, data }))
}

describe('a log that keeps its promises', () => {
  test('is found to hold everything', () => {
    expect(oracleOf(UNITS).check(honest(UNITS))).toEqual([])
  })

  test('may hold any beginning of what was not acknowledged', () => {
    for (let kept = 3; kept <= UNITS.length; kept++) {
      expect(oracleOf(UNITS, 3).check(honest(UNITS.slice(0, kept)))).toEqual([])
    }
  })

  test('does not hold what it refused, and numbers on without it', () => {
    const oracle = new Oracle(SEED)
    for (const one of UNITS.slice(0, 3)) oracle.began(one)
    oracle.acknowledged(0, [1])
    oracle.refused(1)
    oracle.acknowledged(2, [2, 3, 4])
    expect(oracle.check(honest([UNITS[0]!, UNITS[2]!]))).toEqual([])
    expect(oracle.check(honest(UNITS.slice(0, 3)))).toEqual([
      '"orders" has 0 bytes at 0, where nothing was appended',
    ])
  })

  test('goes on in another life from what was there', () => {
    const oracle = oracleOf(UNITS, 2)
    const kept = honest(UNITS.slice(0, 3))
    oracle.settle(kept)
    expect(oracle.settledEntries).toBe(5)
    oracle.begin(1)
    oracle.began(unit(0, '', 33))
    const data = entryOf(unit(0, '', 33), 0, 1)
    kept.get('')!.push({ index: 5, data })
    oracle.acknowledged(0, [5])
    expect(oracle.check(kept)).toEqual([])
  })
})

/** What a log may do that it must not, and what must be said of it. */
const LIES: readonly (readonly [string, (contents: Map<string, Entries>) => void, RegExp])[] = [
  [
    'drops the last entry',
    (contents) => void contents.get('')!.pop(),
    /call 0\.6 on the plain log was acknowledged and is lost/,
  ],
  [
    'drops an entry in the middle, and numbers on',
    (contents) => contents.set('', renumber(contents.get('')!.toSpliced(2, 1))),
    /has 7 bytes at 3, where entry 0\.2\.1 \(300 bytes\) must be/,
  ],
  [
    'drops an entry in the middle, and leaves a gap',
    (contents) => contents.set('', contents.get('')!.toSpliced(2, 1)),
    /has index 4 where 3 must be/,
  ],
  [
    'drops an empty entry',
    (contents) => contents.set('orders', renumber(contents.get('orders')!.slice(1), 0)),
    /"orders" has entry 0\.3\.0 \(5000 bytes\) at 0, where entry 0\.1\.0 \(0 bytes\) must be/,
  ],
  ['drops a stream', (contents) => void contents.delete('orders'), /call 0\.1 on "orders" was/],
  [
    'changes a byte',
    (contents) => void (contents.get('')![2]!.data[299]! ^= 1),
    /has entry 0\.2\.1 \(300 bytes\), changed at 3/,
  ],
  [
    'changes an entry of one byte',
    (contents) => void (contents.get('')![4]!.data[0]! ^= 0x80),
    /has 1 bytes at 5, where entry 0\.4\.0 \(1 bytes\) must be/,
  ],
  [
    'changes the length of an entry',
    (contents) => {
      const entry = contents.get('')![0]!
      entry.data = entry.data.subarray(0, 99)
    },
    /has entry 0\.0\.0 \(99 bytes\), changed at 1/,
  ],
  [
    'doubles an entry',
    (contents) => {
      const entries = contents.get('')!
      contents.set('', renumber(entries.toSpliced(1, 0, entries[0]!)))
    },
    /has entry 0\.0\.0 \(100 bytes\) at 2/,
  ],
  [
    'doubles the last entry',
    (contents) => {
      const entries = contents.get('')!
      entries.push({ index: entries.length + 1, data: entries.at(-1)!.data })
    },
    /at 7, where nothing was appended/,
  ],
  [
    'gives an index twice',
    (contents) => {
      const entries = contents.get('')!
      entries.push({ index: entries.length, data: entries.at(-1)!.data })
    },
    /has index 6 where 7 must be/,
  ],
  [
    'swaps two entries',
    (contents) => {
      const [first, second, ...rest] = contents.get('')!
      contents.set('', [{ index: 1, data: second!.data }, { index: 2, data: first!.data }, ...rest])
    },
    /has entry 0\.2\.0 \(20 bytes\) at 1/,
  ],
  [
    'moves an entry to another stream',
    (contents) => {
      contents.get('orders')!.push({ index: 4, data: contents.get('')!.pop()!.data })
    },
    /"orders" has entry 0\.6\.0 \(64 bytes\) at 4, where nothing was appended/,
  ],
  [
    'keeps part of a batch',
    (contents) => void contents.get('orders')!.pop(),
    /1 of the 2 entries of call 0\.5 on "orders" are there/,
  ],
  [
    'makes up an entry',
    (contents) => void contents.get('')!.push({ index: 7, data: new Uint8Array(40) }),
    /has 40 bytes of nobody at 7, where nothing was appended/,
  ],
]

describe('a log that lies', () => {
  test.each(LIES)('%s: found', (_, lie, said) => {
    const contents = honest(UNITS)
    lie(contents)
    expect(oracleOf(UNITS).check(contents).join('; ')).toMatch(said)
  })

  test('keeps a later call without an earlier one: found, though neither was acknowledged', () => {
    const contents: Contents = new Map([
      ['', honest(UNITS).get('')!],
      ['orders', honest(UNITS).get('orders')!.slice(0, 1)],
    ])
    expect(oracleOf(UNITS, 2).check(contents)).toEqual([
      'call 0.4 on the plain log is there, though call 0.3 on "orders" before it is not',
      'call 0.6 on the plain log is there, though call 0.3 on "orders" before it is not',
    ])
  })

  test('told a wrong index: found', () => {
    const oracle = new Oracle(SEED)
    oracle.began(UNITS[0]!)
    oracle.acknowledged(0, [2])
    const contents = honest(UNITS.slice(0, 1))
    expect(oracle.check(contents)).toEqual([
      'call 0.0 on the plain log was told index 2, and belongs at 1',
    ])
  })

  test('loses what had been there: found, also for a reader that may be behind what came later', () => {
    const oracle = oracleOf(UNITS)
    oracle.settle(honest(UNITS))
    const contents = honest(UNITS)
    contents.get('')!.pop()
    expect(oracle.check(contents)).toEqual(['the plain log has 5 entries; it had 6 before'])
  })

  test('brings back what was lost: found', () => {
    const oracle = oracleOf(UNITS, 3)
    oracle.settle(honest(UNITS.slice(0, 3)))
    expect(oracle.check(honest(UNITS)).join()).toMatch(/at 5, where nothing was appended/)
  })
})

describe('what appendSync returned under none', () => {
  const large = Array.from({ length: 4 }, (_, serial) => unit(serial, '', 100_000))
  const returned = (): Oracle => {
    const oracle = new Oracle(SEED)
    for (const one of large) {
      oracle.began(one)
      oracle.returned(one.serial, one.serial + 1)
    }
    return oracle
  }

  test('may be lost up to 256 KiB, and not beyond', () => {
    expect(returned().check(honest(large.slice(0, 2)))).toEqual([])
    expect(returned().check(honest(large.slice(0, 1)))).toEqual([
      '300000 bytes that were returned are lost; at most 262144 may be',
    ])
  })

  test('may not be lost once it was synced', () => {
    const oracle = returned()
    oracle.written(3)
    expect(oracle.check(honest(large.slice(0, 2)))).toEqual([
      'call 0.2 on the plain log was acknowledged and is lost',
    ])
  })
})
