/** What is forged in the tail file, in indexes and in the catalog; and files that are others than they should be. */

import {
  CATALOG_STREAM,
  declaration,
  encodeLog,
  forgeHeader,
  type IndexOf,
  snapshotRecord,
} from './hostile-encode.ts'
import {
  type Case,
  type Cases,
  type CatalogBody,
  CORRUPT,
  IDX,
  MISSING,
  SEG,
  UNSAFE,
} from './hostile-cases.ts'
import { BOOT_BEFORE, type Entry, type ForgedLog, LOGS, SALTS, THIS_BOOT } from './hostile-logs.ts'
import type { Expected } from './hostile-look.ts'

/** All is there, and the log counts as one that was not closed. */
const NOT_CLOSED: Expected = { reads: 'all', clean: false }

export function tailCases(cases: Cases): void {
  const forged: readonly (readonly [string, number | bigint, Expected])[] = [
    ['magic', 0, NOT_CLOSED],
    ['version', 0x2_0000, NOT_CLOSED],
    ['version', 0x1_0001, { reads: 'all', clean: true }],
    ...['sequence', 'oldest', 'segment', 'offset', 'lsn', 'plainNext', 'time'].map(
      (field) => [field, UNSAFE, NOT_CLOSED] as const,
    ),
    ['sequence', 1, NOT_CLOSED],
    ['state', 0, NOT_CLOSED],
    ['state', 2, NOT_CLOSED],
    ['segment', 1, NOT_CLOSED],
    ['segment', 2, NOT_CLOSED],
    ['segment', 99, { reads: MISSING }],
    ['salt', 1, NOT_CLOSED],
    ['offset', 0, NOT_CLOSED],
    ['offset', 2 ** 40, NOT_CLOSED],
    ['lsn', 1, NOT_CLOSED],
    ['lsn', 99, { reads: CORRUPT }],
    ['plainNext', 1, NOT_CLOSED],
    ['plainNext', 99, NOT_CLOSED],
    ['oldest', 0, { reads: 'all' }],
    ['oldest', 99, { reads: 'all' }],
    ['logId', 1, { reads: { refused: ['WALRUS_FOREIGN_FILE'] } }],
    ['time', 0, { reads: 'all' }],
  ]
  for (const [field, value, expected] of forged) {
    const forge = ({ log }: ForgedLog): void => void (log.tail!.newer[field] = value)
    cases.set(`tail.${field}=${value}`, { log: 'closed', forge, expected })
    const unindexed = (made: ForgedLog): void => {
      for (const segment of made.log.segments) segment.indexed = false
      forge(made)
    }
    cases.set(`tail.unindexed.${field}=${value}`, { log: 'closed', forge: unindexed, expected })
  }
  cases.set('tail.early', {
    // As it was when the log was closed, a segment ago.
    log: 'closed',
    files: (files) => {
      const made = LOGS.closed()
      made.log.segments.pop()
      files.set('TAIL', encodeLog(made.log).files.get('TAIL')!)
    },
    expected: NOT_CLOSED,
  })
  cases.set('tail.flip', {
    log: 'closed',
    files: (files) => void (files.get('TAIL')![512 + 72]! ^= 1),
    expected: NOT_CLOSED,
  })
  cases.set('tail.cut', {
    log: 'closed',
    files: (files) => void files.set('TAIL', files.get('TAIL')!.subarray(0, 600)),
    expected: NOT_CLOSED,
  })
  cases.set('tail.running', {
    log: 'closed',
    forge: ({ log }) => Object.assign(log.tail!.newer, { sequence: 1 }),
    expected: NOT_CLOSED,
  })
}

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

const BODIES: readonly CatalogBody[] = [
  { name: 'declared.short', kind: 2, body: declaration(17, '').subarray(0, 10) },
  { name: 'declared.empty', kind: 2, body: Buffer.alloc(0) },
  { name: 'declared.unnamed', kind: 2, body: declaration(17, '') },
  { name: 'declared.long', kind: 2, body: declaration(17, 'n'.repeat(1025)) },
  { name: 'declared.plain', kind: 2, body: declaration(0, 'orders') },
  { name: 'declared.catalog', kind: 2, body: declaration(1, 'orders') },
  { name: 'declared.reserved', kind: 2, body: declaration(15, 'payments') },
  { name: 'declared.twice', kind: 2, body: declaration(16, 'another') },
  { name: 'declared.renumbered', kind: 2, body: declaration(18, 'orders') },
  { name: 'declared.first', kind: 2, body: declaration(17, 'payments', UNSAFE) },
  { name: 'declared.text', kind: 2, body: notText(declaration(17, 'payments'), 16) },
  { name: 'snapshot.short', kind: 3, body: snapshotRecord(16, '', 5n).subarray(0, 20) },
  { name: 'snapshot.tiny', kind: 3, body: Buffer.alloc(4) },
  { name: 'snapshot.cut', kind: 3, body: snapshotRecord(16, 'orders', 3n, 7) },
  { name: 'snapshot.huge', kind: 3, body: snapshotRecord(16, 'orders', 3n, 0xffff_fff0) },
  { name: 'snapshot.unnamed', kind: 3, body: snapshotRecord(16, '', 3n) },
  { name: 'snapshot.plain', kind: 3, body: snapshotRecord(0, 'orders', 3n) },
  {
    name: 'snapshot.twice',
    kind: 3,
    body: Buffer.concat([snapshotRecord(16, 'orders', 3n), snapshotRecord(16, 'payments', 1n)]),
  },
  { name: 'snapshot.next', kind: 3, body: snapshotRecord(16, 'orders', UNSAFE) },
  { name: 'snapshot.text', kind: 3, body: notText(snapshotRecord(16, 'orders', 3n), 24) },
]

function notText(body: Buffer, at: number): Buffer {
  body[at] = 0xff
  return body
}

export function bodies(): readonly CatalogBody[] {
  return BODIES
}

/** Files missing, of another name, of another log, of another time. */
export function fileCases(cases: Cases): void {
  const set = (name: string, given: Case): void => void cases.set(`files.${name}`, given)
  const remove = (...names: string[]): NonNullable<Case['files']> => {
    return (files) => names.forEach((each) => files.delete(each))
  }
  set('closed.cut', {
    log: 'closed',
    files: (files) => void files.set(SEG(3), files.get(SEG(3))!.subarray(0, 100)),
    expected: { reads: CORRUPT },
  })
  for (const id of [1, 2, 3]) {
    set(`closed.missing${id}`, {
      log: 'closed',
      files: remove(SEG(id)),
      expected: {
        reads: MISSING,
        damage: [{ file: SEG(id), code: 'WALRUS_SEGMENT_MISSING' }],
      },
    })
  }
  set('closed.sealed', {
    log: 'closed',
    files: remove('TAIL', SEG(3), IDX(3)),
    expected: { reads: MISSING },
  })
  const first = (segments: number) => (_: unknown, entries: readonly Entry[]) => ({
    reads: { first: entries.filter(({ segment }) => segment < segments).length },
    clean: false,
  })
  const thisBoot = ({ log }: ForgedLog): void => void (log.boot = THIS_BOOT)
  const damage = (file: string, at: number): NonNullable<Case['files']> => {
    return (files) => void (files.get(file)![at]! ^= 1)
  }
  const both =
    (...all: readonly NonNullable<Case['files']>[]): NonNullable<Case['files']> =>
    (...given) =>
      all.forEach((each) => each(...given))
  for (const id of [2, 3]) {
    for (const [what, change, refused] of [
      ['missing', remove(SEG(id)), MISSING],
      ['damaged', damage(SEG(id), 100), CORRUPT],
    ] as const) {
      set(`chain.${what}${id}`, { log: 'chain', files: change, expected: first(id - 1) })
      if (id === 2 || what === 'damaged') {
        for (const tail of ['', '.tail']) {
          set(`chain.${what}${id}.running${tail}`, {
            log: 'chain',
            forge: thisBoot,
            files: tail === '' ? change : both(change, remove('TAIL')),
            expected: id === 3 && tail !== '' ? {} : { reads: refused },
          })
        }
      }
      set(`chain.${what}${id}.durable`, {
        log: 'chain',
        forge: ({ log }) => {
          log.tail!.newer = { state: 0, lsn: 1 }
        },
        files: change,
        expected: { reads: refused },
      })
    }
  }
  set('chain.damaged3.sealed', {
    log: 'chain',
    forge: ({ log }) => void (log.segments[1]!.sealed = true),
    files: damage(SEG(3), 100),
    expected: { reads: CORRUPT },
  })
  for (const tail of [true, false]) {
    set(`chain.missing1.${tail ? 'tail' : 'alone'}`, {
      log: 'chain',
      files: tail ? remove(SEG(1)) : remove(SEG(1), 'TAIL'),
      expected: tail ? { reads: MISSING } : {},
    })
  }
  set('closed.begins2', {
    // Without a tail file the log begins with the oldest segment that there is.
    log: 'closed',
    forge: ({ log }) => {
      log.boot = BOOT_BEFORE
      for (const segment of log.segments) {
        segment.forged['mark'] = 1
        segment.sealed = false
      }
    },
    files: remove('TAIL', SEG(1), IDX(1)),
    expected: { reads: { allBut: ({ segment }) => segment === 0 }, clean: false },
  })
  // What is proven to be durable is not read again to open the log.
  for (const how of ['marks', 'seals'] as const) {
    set(`chain.bounded.${how}`, {
      log: 'chain',
      forge: ({ log }) => {
        for (const segment of log.segments.slice(0, 2)) segment.sealed = how === 'seals'
        if (how === 'marks') for (const segment of log.segments) delete segment.forged['mark']
      },
      expected: ({ placed }) => ({ reads: 'all', clean: false, scanned: placed[2]!.end }),
    })
  }
  set('renamed', {
    log: 'closed',
    files: (files) => void files.set(SEG(5), files.get(SEG(2))!),
    expected: { reads: CORRUPT, bad: [{ file: SEG(5), offset: 0 }] },
  })
  set('repeated', {
    log: 'closed',
    files: (files, { placed }) => {
      const again = Buffer.from(files.get(SEG(3))!)
      forgeHeader(again, { id: 4, predecessor: 3, predecessorEnd: placed[2]!.end })
      files.set(SEG(4), again)
    },
    expected: {},
  })
  const other = (change: (made: ForgedLog) => void): Map<string, Buffer> => {
    const made = LOGS.closed()
    change(made)
    return encodeLog(made.log).files
  }
  const ofAnotherLog = (made: ForgedLog): void => {
    made.log.logId = 99n
    for (const [at, segment] of made.log.segments.entries()) segment.salt = SALTS[at]! ^ 0x55
  }
  for (const file of [SEG(1), SEG(2), SEG(3), IDX(1), IDX(3), 'TAIL']) {
    set(`foreign.${file}`, {
      log: 'closed',
      files: (files) => void files.set(file, other(ofAnotherLog).get(file)!),
      expected:
        file === 'TAIL' || file === SEG(3)
          ? { reads: { refused: ['WALRUS_FOREIGN_FILE'] } }
          : file.endsWith('.idx')
            ? { reads: 'all', stale: [file] }
            : {},
    })
  }
  set('foreign.middle.unclean', {
    log: 'chain',
    files: (files) => {
      const made = LOGS.chain()
      made.log.logId = 99n
      files.set(SEG(2), encodeLog(made.log).files.get(SEG(2))!)
    },
    expected: { reads: { refused: ['WALRUS_FOREIGN_FILE'] } },
  })
  set('index.early', {
    // The index as it was made when the segment had less in it.
    log: 'closed',
    files: (files) => {
      const early = other((made) => void made.log.segments[2]!.groups.pop())
      files.set(IDX(3), early.get(IDX(3))!)
    },
    expected: { reads: 'all', clean: true, stale: [IDX(3)] },
  })
}
