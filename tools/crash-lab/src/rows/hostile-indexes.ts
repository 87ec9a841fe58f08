/** What is forged in indexes: fields, rows, and lies about where entries are. */

import { type Cases, IDX } from './hostile-case.ts'
import { CATALOG_STREAM } from './hostile-encode.ts'
import type { IndexOf } from './hostile-shape.ts'
import type { Entry, ForgedLog } from './hostile-logs.ts'
import type { Expected } from './hostile-look.ts'

type Lie = (index: IndexOf) => void

/** Lies about what is in a segment, told by an index that is whole. */
export const LIES: Readonly<Record<string, Lie>> = {
  swapped: ({ postings }) => postings.splice(0, 2, postings[1]!, postings[0]!),
  'other stream': ({ postings }) => void (postings[0] = postings.at(-1)!),
  'off by one': ({ postings }) => postings.forEach((each, at) => void (postings[at] = each + at)),
  'off by four': ({ postings }) => postings.forEach((each, at) => void (postings[at] = each + 4)),
  descending: ({ postings }) => void postings.splice(1, postings.length, ...zeros(postings)),
  equal: ({ postings }) => void postings.fill(postings[0]!),
  huge: ({ postings }) => void postings.fill(0xffff_fffc),
  'beyond the end': ({ postings }) => postings.forEach((_, at) => void (postings[at] = 1 << 20)),
}

function zeros(postings: readonly number[]): number[] {
  return postings.slice(1).map(() => 0)
}

/** Rows that cannot be. */
const BAD_ROWS: Readonly<Record<string, Lie>> = {
  descending: (index) => {
    index.rows.reverse()
    let start = 0
    for (const row of index.rows) {
      row.start = start
      start += row.count
    }
  },
  overlapping: ({ rows }) => {
    const at = rows.findLastIndex(({ stream, count }) => stream > 1 && count > 1)
    const row = rows[at]!
    row.count--
    const { stream, first, count, start } = row
    rows.splice(at + 1, 0, { stream, first: first + count - 1, count: 1, start: start + count })
  },
  'start elsewhere': ({ rows }) => rows.forEach((row) => void (row.start += 3)),
  'too many': ({ rows }) => void rows.at(-1)!.count++,
  'too few': ({ rows }) => void rows.at(-1)!.count--,
  'left over': ({ postings }) => void postings.push(postings[0]!),
  'none in a row': ({ rows, postings }) => {
    const { stream, first, count } = rows.at(-1)!
    rows.push({ stream, first: first + count + 5, count: 0, start: postings.length })
  },
  'other streams first': (index) => {
    const [plain] = index.rows
    const named = index.rows.at(-1)!
    index.rows = [
      { ...named, start: 0, count: 1, first: 0 },
      { ...plain!, start: 1 },
    ]
    index.postings = index.postings.slice(0, 1 + plain!.count)
  },
}

/** Drops the last entry of a stream, or the first of the plain log, or gives that to another stream. */
const HIDDEN: Readonly<Record<string, Lie>> = {
  last: ({ rows, postings }) => {
    rows.at(-1)!.count--
    postings.pop()
  },
  moved: ({ rows, postings }) => {
    rows[0]!.first++
    rows[0]!.count--
    for (const row of rows.slice(1)) row.start--
    rows.at(-1)!.count++
    postings.push(postings.shift()!)
  },
  first: ({ rows, postings }) => {
    rows[0]!.first++
    rows[0]!.count--
    postings.shift()
    for (const row of rows.slice(1)) row.start--
  },
}

export function indexCases(cases: Cases): void {
  for (const id of [1, 2, 3]) {
    const stale: Expected = { reads: 'all', clean: true, damage: [], stale: [IDX(id)] }
    const set = (name: string, forge: (made: ForgedLog) => void, expected = stale): void => {
      cases.set(`index${id}.${name}`, { log: 'closed', forge, expected })
    }
    const fields = {
      magic: 0,
      version: 0x2_0000,
      headerSize: 132,
      salt: 1,
      segment: 9,
      endLsn: 99,
      end: 4,
      rows: 99,
      postings: 99,
      samples: 0xffff_ffff,
    }
    for (const [field, value] of Object.entries(fields)) {
      const forge = ({ log }: ForgedLog): void => {
        log.segments[id - 1]!.indexForged[field] = value
      }
      set(field, forge, field === 'segment' ? { reads: 'all' } : stale)
      if (field === 'rows' || field === 'postings' || field === 'samples') continue
      // An index of something else may say anything.
      for (const [name, lie] of Object.entries({ ...HIDDEN, swapped: LIES['swapped']! })) {
        const both = (made: ForgedLog): void => {
          forge(made)
          made.log.segments[id - 1]!.lie = lie
        }
        set(`${field}.${name}`, both, field === 'segment' ? {} : stale)
      }
    }
    for (const [name, lie] of Object.entries(BAD_ROWS)) {
      set(`rows.${name}`, ({ log }) => void (log.segments[id - 1]!.lie = lie))
    }
    for (const [name, lie] of Object.entries(HIDDEN)) {
      set(`hidden.${name}`, ({ log }) => void (log.segments[id - 1]!.lie = lie))
    }
    for (const [name, lie] of Object.entries(LIES)) {
      // The one in memory is believed as far as its checks go.
      const expected = id === 3 ? {} : stale
      set(`postings.${name}`, ({ log }) => void (log.segments[id - 1]!.lie = lie), expected)
    }
    if (id === 1) {
      // All of the plain log is given to the last stream.
      const given: Lie = (index) => {
        const [plain, ...others] = index.rows
        index.postings.push(...index.postings.splice(0, plain!.count))
        for (const row of others) row.start -= plain!.count
        others.at(-1)!.count += plain!.count
        index.rows = others
      }
      set('hidden.given', ({ log }) => void (log.segments[0]!.lie = given))
      const same: Lie = ({ rows, postings }) => {
        const orders = rows.find(({ stream }) => stream === 16)!
        postings[0] = postings[orders.start + 1]!
      }
      set('postings.same-position', ({ log }) => void (log.segments[0]!.lie = same))
    }
    if (id === 2) {
      const taken: Lie = ({ rows, postings }) => {
        const start = (stream: number): number => rows.find((row) => row.stream === stream)!.start
        postings[start(CATALOG_STREAM)] = postings[start(16)]!
      }
      set('postings.entry-for-catalog', ({ log }) => void (log.segments[1]!.lie = taken))
      const twice: Lie = ({ rows, postings }) => {
        const { start } = rows.find(({ stream }) => stream === CATALOG_STREAM)!
        postings[start + 1] = postings[start]!
      }
      set('postings.catalog-twice', ({ log }) => void (log.segments[1]!.lie = twice))
    }
    set('behind', ({ log }) => void (log.segments[id - 1]!.indexBehind = Buffer.alloc(16)))
    for (const at of [0, 9, 40, 64, 84, 125, 132, 152, 177, 181, 205]) {
      set(`flip${at}`, ({ log }) => void (log.segments[id - 1]!.indexFlipped = at))
    }
    cases.set(`index${id}.samples`, {
      log: 'closed',
      files: (files) => void (files.get(IDX(id))![files.get(IDX(id))!.length - 3]! ^= 1),
      expected: stale,
    })
  }
  cases.set('index.swapped', {
    log: 'closed',
    files: (files) => {
      const first = files.get(IDX(1))!
      files.set(IDX(1), files.get(IDX(2))!)
      files.set(IDX(2), first)
    },
    expected: { reads: 'all', stale: [IDX(1), IDX(2)] },
  })
  const damaged = ({ segment, index, stream }: Entry): boolean =>
    segment === 0 && index === 1 && stream === ''
  cases.set('index.spares', {
    // With an index, one bad entry is just that.
    log: 'closed',
    forge: ({ log }) => void (log.segments[0]!.groups[0]!.flipped = 90),
    expected: { reads: { allBut: damaged }, clean: true },
  })
}
