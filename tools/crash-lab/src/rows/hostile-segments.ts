/** What is forged in headers and seals of segments, one field at a time. */

import { type Case, type Cases, CORRUPT, SEG, UNSAFE, WHOLE } from './hostile-case.ts'
import { type Encoded, forgeHeader } from './hostile-encode.ts'
import type { Entry } from './hostile-logs.ts'
import type { Expected } from './hostile-look.ts'

export function segmentCases(cases: Cases): void {
  for (const log of ['closed', 'open', 'chain', 'proven', 'large'] as const) {
    const clean = log === 'closed' || log === 'large'
    cases.set(`${log}.whole`, { log, expected: { ...WHOLE, clean } })
  }
  const impossible: readonly (readonly [string, number | bigint])[] = [
    ['magic', 1],
    ['align', 0],
    ['align', 2],
    ['align', 12],
    ['align', 1024],
    ['firstGroup', 191],
    ['firstGroup', 196],
    ['firstGroup', 0xffff_fffc],
    ['begun', 0],
    ['begun', 4],
    ['begun', 5],
    ['commitEnd', UNSAFE],
    ['catalogSegment', UNSAFE],
    ['id', 9],
    ['predecessor', 9],
    ['predecessor', 3],
    ...['firstLsn', 'plainNext', 'baseTime', 'mark', 'predecessor', 'predecessorEnd', 'id'].map(
      (field) => [field, UNSAFE] as const,
    ),
  ]
  for (const id of [1, 2, 3]) {
    for (const [field, value] of impossible) {
      const spot = { file: SEG(id), offset: field === 'id' && value === 9 ? 32 : 0 }
      cases.set(`header${id}.${field}=${value}`, {
        log: 'closed',
        forge: ({ log }) => void (log.segments[id - 1]!.forged[field] = value),
        expected: {
          ...(id === 3 && { reads: CORRUPT }),
          bad: [{ file: SEG(id), offset: 0 }],
          ...(id === 1 && { damage: [{ ...spot, code: 'WALRUS_CORRUPT' }] }),
        },
      })
    }
  }
  cases.set('header3.version=2.0', {
    log: 'closed',
    forge: ({ log }) => void (log.segments[2]!.forged['version'] = 0x2_0000),
    expected: { reads: { refused: ['WALRUS_UNSUPPORTED_FORMAT'] }, bad: [{ file: SEG(3) }] },
  })
  cases.set('header3.version=1.1', {
    log: 'closed',
    forge: ({ log }) => void (log.segments[2]!.forged['version'] = 0x1_0001),
    expected: { ...WHOLE, clean: true },
  })
  cases.set('header3.logId', {
    log: 'closed',
    forge: ({ log }) => void (log.segments[2]!.forged['logId'] = 1n),
    expected: { reads: { refused: ['WALRUS_FOREIGN_FILE'] } },
  })
  const links: readonly (readonly [string, number])[] = [
    ['predecessor', 0],
    ['predecessor', 2],
    ['predecessorSalt', 1],
    ['predecessorEnd', 192],
    ['predecessorEnd', 2 ** 40],
    ['firstLsn', 1],
    ['firstLsn', 99],
    ['plainNext', 1],
    ['plainNext', 99],
    ['generation', 1],
    ['mark', 1],
    ['mark', 2 ** 40],
    ['begun', 3],
    ['catalogSegment', 9],
    ['catalogSegment', 0],
    ['catalogFrames', 7],
  ]
  for (const id of [2, 3]) {
    for (const [field, value] of links) {
      cases.set(`link${id}.${field}=${value}`, {
        log: 'closed',
        forge: ({ log }) => void (log.segments[id - 1]!.forged[field] = value),
        expected:
          field === 'predecessorSalt'
            ? { reads: unlinked(id), damage: [{ file: SEG(id), offset: 80 }] }
            : field === 'predecessorEnd'
              ? { damage: [{ file: SEG(id - 1) }] }
              : field === 'firstLsn'
                ? id === 3
                  ? { damage: value === 1 ? undefined : [{ file: SEG(2) }] }
                  : { damage: [{ file: SEG(id - 1) }, { file: SEG(id), offset: 192 }] }
                : field === 'predecessor' && value === 0
                  ? { reads: unlinked(id) }
                  : {},
      })
    }
  }
  // The link says where a segment ends, and with which LSN: both must be so.
  for (const [name, end] of [
    ['early', ({ placed }: Encoded) => placed[0]!.groups.at(-1)!],
    ['late', ({ placed }: Encoded) => placed[0]!.end + 64],
  ] as const) {
    cases.set(`link2.predecessorEnd.${name}`, {
      log: 'closed',
      files: (files, encoded) => forgeHeader(files.get(SEG(2))!, { predecessorEnd: end(encoded) }),
      expected: { reads: { allBut: ({ segment }) => segment === 0 }, damage: [{ file: SEG(1) }] },
    })
  }
  // What never was durable ends where a link is not as it must be.
  for (const [field, value] of [
    ['predecessorSalt', 1],
    ['predecessorEnd', 4096],
    ['firstLsn', 99],
  ] as const) {
    cases.set(`chain2.${field}=${value}`, {
      log: 'chain',
      forge: ({ log }) => void (log.segments[1]!.forged[field] = value),
      expected: (_, entries) => ({ reads: { first: inSegments(entries, 1) }, clean: false }),
    })
  }
  cases.set('chain2.predecessorEnd+4', {
    log: 'chain',
    forge: ({ log }) => void (log.segments[0]!.behind = Buffer.alloc(64)),
    files: forgeLink(2, 4),
    expected: (_, entries) => ({ reads: { first: inSegments(entries, 1) }, clean: false }),
  })
  // The rest of a commit that never happened, behind the segment that has the place of its first one now.
  const rest = { begun: 4, commitEnd: 11, mark: 11 }
  for (const [name, second, third] of [
    ['salt', { commitEnd: 11 }, { ...rest, predecessorSalt: 1 }],
    ['commitEnd', {}, rest],
  ] as const) {
    cases.set(`chain3.continues.${name}`, {
      log: 'chain',
      forge: ({ log }) => {
        Object.assign(log.segments[1]!.forged, second)
        Object.assign(log.segments[2]!.forged, third)
      },
      expected: (_, entries) => ({ reads: { first: inSegments(entries, 2) }, clean: false }),
    })
  }
}

/** What can be read when a segment does not follow the one before: of the second one the catalog is needed. */
function unlinked(id: number): NonNullable<Expected['reads']> {
  return id === 3 ? CORRUPT : { allBut: ({ segment }) => segment === 0 }
}

/** The link of a segment says that the one before ends some bytes later. */
function forgeLink(id: number, more: number): NonNullable<Case['files']> {
  return (files, { placed }) => {
    forgeHeader(files.get(SEG(id))!, { predecessorEnd: placed[id - 2]!.end + more })
  }
}

function inSegments(entries: readonly Entry[], segments: number): number {
  return entries.filter(({ segment }) => segment < segments).length
}

export function sealCases(cases: Cases): void {
  for (const [field, value] of [
    ['magic', 1],
    ['size', 60],
    ['id', 2],
    ['end', 4],
    ['end', UNSAFE],
  ] as const) {
    cases.set(`seal.${field}=${value}`, {
      log: 'closed',
      forge: ({ log }) => void (log.segments[0]!.sealForged[field] = value),
      expected: ({ placed }) => ({
        ...WHOLE,
        bad: [{ file: SEG(1), offset: placed[0]!.end }],
      }),
    })
  }
  for (const field of ['endLsn', 'successor', 'time', 'plainNext', 'reserved']) {
    cases.set(`seal.${field}`, {
      log: 'closed',
      forge: ({ log }) => void (log.segments[0]!.sealForged[field] = 99),
      expected: WHOLE,
    })
  }
  cases.set('seal.flip', {
    log: 'closed',
    files: (files, { placed }) => void (files.get(SEG(1))![placed[0]!.end + 40]! ^= 1),
    expected: ({ placed }) => ({ ...WHOLE, bad: [{ file: SEG(1), offset: placed[0]!.end }] }),
  })
}
