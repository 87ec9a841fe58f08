/** What is forged in the tail file; and files that are missing, or others than they should be. */

import { type Case, type Cases, CORRUPT, IDX, MISSING, SEG, UNSAFE } from './hostile-case.ts'
import { encodeLog, forgeHeader } from './hostile-encode.ts'
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
    ['oldest', 0, NOT_CLOSED],
    ['oldest', 99, NOT_CLOSED],
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
  set('closed.missing3.flip', {
    log: 'closed',
    forge: ({ log }) => void (log.segments[1]!.groups[2]!.flipped = 90),
    files: remove(SEG(3)),
    expected: ({ placed }) => ({
      reads: MISSING,
      damage: [
        { file: SEG(3), code: 'WALRUS_SEGMENT_MISSING' },
        { file: SEG(2), offset: placed[1]!.groups[2] },
      ],
    }),
  })
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
  for (const running of [true, false]) {
    // The last group before a border is bad, and others stand behind it.
    set(`chain.torn2.${running ? 'running' : 'before'}`, {
      log: 'chain',
      forge: (made) => {
        if (running) thisBoot(made)
        made.log.segments[1]!.groups[1]!.flipped = 90
      },
      expected: (_, entries) => ({
        reads: running
          ? CORRUPT
          : { first: entries.findIndex(({ segment, group }) => segment === 1 && group === 1) },
      }),
    })
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
