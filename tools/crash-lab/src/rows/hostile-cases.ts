/**
 * What is forged in segments, groups, frames and seals, and what docs/format.md says must come of it: one field, or
 * one piece, at a time.
 */

import type { SimulatedDisk } from '@walrus/storage-sim'
import {
  CATALOG_STREAM,
  type Encoded,
  type Forged,
  forgeHeader,
  type FrameOf,
} from './hostile-encode.ts'
import type { Expected } from './hostile-look.ts'
import { type Entry, type ForgedLog, type LogName, THIS_BOOT } from './hostile-logs.ts'

export interface Case {
  readonly log: LogName
  /** Changes the log before it is put into bytes. */
  readonly forge?: (made: ForgedLog) => void
  /** What was forged, in words. */
  readonly told?: readonly string[]
  /** Changes the files. */
  readonly files?: (files: Map<string, Buffer>, encoded: Encoded) => void
  /** Looks at it in a way of its own. */
  readonly look?: (disk: SimulatedDisk, made: ForgedLog) => Promise<string[]>
  readonly expected: Expected | ((encoded: Encoded, entries: readonly Entry[]) => Expected)
}

export type Cases = Map<string, Case>

export const SEG = (id: number): string => `${String(id).padStart(12, '0')}.seg`
export const IDX = (id: number): string => `${String(id).padStart(12, '0')}.idx`
export const CORRUPT: { readonly refused: readonly string[] } = { refused: ['WALRUS_CORRUPT'] }
export const MISSING: { readonly refused: readonly string[] } = {
  refused: ['WALRUS_SEGMENT_MISSING'],
}
/** Larger than a number can hold exactly. */
export const UNSAFE: bigint = 2n ** 60n
const HIGH_MARK = 2 ** 40

/** Cut before a group of the log `open`. */
function cutAt(group: number) {
  return ({ placed }: Encoded, entries: readonly Entry[]): Expected => {
    const spot = { file: SEG(1), offset: placed[0]!.groups[group] }
    const first = entries.findIndex((entry) => entry.group >= group)
    return {
      reads: { first: first < 0 ? entries.length : first },
      clean: false,
      torn: spot,
      damage: [],
      bad: [spot],
    }
  }
}

/** Nothing wrong with it. */
const WHOLE: Expected = { reads: 'all', torn: 'whole', damage: [], stale: [], bad: [] }

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

/** Fields of a group's header that cannot be as they are, whatever else it holds. */
const NO_HEADER: readonly (readonly [string, number | bigint])[] = [
  ['magic', 1],
  ['kind', 0],
  ['kind', 2],
  ['flags', 1],
  ['reserved', 1],
  ['reserved2', 1],
  ['count', 0],
  ['count', 1000],
  ['count', 0xffff_ffff],
  ['firstLsn', UNSAFE],
  ['time', UNSAFE],
  ['size', 0],
  ['size', 63],
  ['size', 0x6fff_fffc],
  ['size', 0x7000_0004],
  ['size', 0xffff_fffc],
  ['padding', 2],
  ['padding', 0xffff_fffc],
]

export function groupCases(cases: Cases): void {
  for (const group of [0, 1, 2, 3]) {
    const forging = (forged: Forged) => (made: ForgedLog) => {
      Object.assign(made.log.segments[0]!.groups[group]!.forged, forged)
    }
    for (const [field, value] of NO_HEADER) {
      const expected = cutAt(group)
      const name = `group${group}.${field}=${value}`
      cases.set(name, { log: 'open', forge: forging({ [field]: value }), expected })
      // A header that is none says nothing of what was durable, either.
      const forge = forging({ [field]: value, mark: HIGH_MARK })
      cases.set(`${name}.mark`, { log: 'open', forge, expected })
    }
    for (const [field, value] of [
      ['count', 1],
      ['count', 2],
      ['count', 3],
      ['padding', 4],
      ['firstLsn', 99],
      ['time', 0],
    ] as const) {
      const sameCount = [1, 3, 2, 4][group]
      if ((field === 'count' && value === sameCount) || (field === 'time' && group === 0)) continue
      cases.set(`group${group}.${field}=${value}`, {
        log: 'open',
        forge: forging({ [field]: value }),
        expected: (encoded, entries) => {
          const { bad: _, ...expected } = cutAt(group)(encoded, entries)
          // `inspect` judges no order.
          return field === 'firstLsn' || field === 'time'
            ? expected
            : { ...expected, bad: cutAt(group)(encoded, entries).bad! }
        },
      })
    }
    // Sizes that are too small, or too large by less than there is room for.
    for (const more of [-4, 1, 4, 40]) {
      const forge = ({ log }: ForgedLog): void => {
        const { frames, forged } = log.segments[0]!.groups[group]!
        const size = frames.reduce(
          (sum, { attributes, data }) => sum + 28 + ((attributes.length + data.length + 3) & ~3),
          64,
        )
        forged['size'] = size + more
        if (more === 1) forged['padding'] = 1
      }
      cases.set(`group${group}.size${more}`, { log: 'open', forge, expected: cutAt(group) })
    }
    cases.set(`group${group}.mark`, {
      log: 'open',
      forge: forging({ mark: HIGH_MARK }),
      expected: { reads: CORRUPT },
    })
    cases.set(`group${group}.none`, {
      log: 'open',
      forge: ({ log }) => {
        const none = { frames: [], padding: Buffer.alloc(0), forged: {} }
        log.segments[0]!.groups.splice(group, 0, none)
      },
      expected: cutAt(group),
    })
    for (const [name, padding] of [
      ['zeros', [0, 0, 0, 0]],
      ['one', [0, 0, 0, 1]],
    ] as const) {
      const forge = ({ log }: ForgedLog): void => {
        log.segments[0]!.groups[group]!.padding = Buffer.from(padding)
      }
      const expected = name === 'zeros' ? WHOLE : cutAt(group)
      cases.set(`group${group}.padding.${name}`, { log: 'open', forge, expected })
    }
    flipCases(cases, group)
  }
  largeCases(cases)
}

/** A bit that is not what it was: torn where nothing is proven, rot where something is, or nothing can be torn. */
function flipCases(cases: Cases, group: number): void {
  for (const at of [4, 30, 37, 60, 64, 70, 90]) {
    for (const padding of [0, 8]) {
      const forge = ({ log }: ForgedLog): void => {
        const forged = log.segments[0]!.groups[group]!
        forged.flipped = at
        forged.padding = Buffer.alloc(padding)
      }
      cases.set(`group${group}.flip${at}.padding${padding}`, {
        log: 'open',
        forge,
        expected: cutAt(group),
      })
      const spot = ({ placed }: Encoded) => ({ file: SEG(1), offset: placed[0]!.groups[group] })
      cases.set(`proven${group}.flip${at}.padding${padding}`, {
        log: 'proven',
        forge,
        expected: (encoded) => ({
          reads: CORRUPT,
          damage: [{ ...spot(encoded), code: 'WALRUS_CORRUPT' }],
          bad: [spot(encoded)],
        }),
      })
      cases.set(`running${group}.flip${at}.padding${padding}`, {
        log: 'open',
        forge: (made) => {
          made.log.boot = THIS_BOOT
          forge(made)
        },
        expected: (encoded, entries) =>
          group === 3 ? cutAt(group)(encoded, entries) : { reads: CORRUPT },
      })
    }
  }
  cases.set(`echo${group}`, {
    // A copy of the first group stands in the torn one: it does not follow it.
    log: 'open',
    forge: ({ log }) => {
      log.boot = THIS_BOOT
      log.segments[0]!.groups.splice(group + 1)
      const torn = log.segments[0]!.groups[group]!
      torn.padding = Buffer.alloc(200)
      torn.flipped = 70
    },
    files: (files, { placed }) => {
      const [first, second] = placed[0]!.groups
      const file = files.get(SEG(1))!
      if (group > 0) file.copy(file, placed[0]!.end - 200, first, second)
    },
    expected: (encoded, entries) => {
      const { bad: _, ...expected } = cutAt(group)(encoded, entries)
      return expected
    },
  })
}

function largeCases(cases: Cases): void {
  for (const group of [0, 20, 41, 42]) {
    for (const [field, value] of [
      ['count', 2],
      ['firstLsn', 99],
      ['time', 0],
      ['size', 0x6fff_fffc],
    ] as const) {
      cases.set(`large${group}.${field}`, {
        log: 'large',
        forge: ({ log }) => {
          Object.assign(log.segments[0]!.groups[group]!.forged, { [field]: value })
        },
        expected: ({ placed }) =>
          field === 'time' && group === 0
            ? {}
            : {
                reads: { allBut: ({ segment }) => segment === 0 },
                damage: [{ file: SEG(1), offset: placed[0]!.groups[group] }],
              },
      })
    }
    cases.set(`large${group}.flip`, {
      log: 'large',
      forge: ({ log }) => void (log.segments[0]!.groups[group]!.flipped = 90),
      expected: ({ placed }) => {
        const spot = { file: SEG(1), offset: placed[0]!.groups[group] }
        return {
          reads: { allBut: ({ segment }) => segment === 0 },
          damage: [spot],
          bad: [spot],
        }
      },
    })
  }
}

export function frameCases(cases: Cases): void {
  for (const [field, value] of [
    ['kindAndFlags', 0],
    ['kindAndFlags', 2],
    ['kindAndFlags', 4],
    ['kindAndFlags', 0xff],
    ['kindAndFlags', 0x801],
    ['kindAndFlags', 0x8001],
    ['kindAndFlags', 0x301],
    ['kindAndFlags', 0x001],
    ['attributes', 7],
    ['attributes', 9],
    ['attributes', 0xffff],
  ] as const) {
    const isIt = ({ segment, group, index }: Entry): boolean =>
      segment === 0 && group === 1 && index === 2
    cases.set(`frame.${field}=${value}`, {
      log: 'closed',
      forge: ({ log }) => void (log.segments[0]!.groups[1]!.frames[0]!.forged[field] = value),
      expected: { reads: { allBut: isIt } },
    })
  }
  cases.set('frame.plain.kind', {
    log: 'closed',
    forge: ({ log }) => void (log.segments[0]!.groups[0]!.frames[0]!.forged['kindAndFlags'] = 2),
    expected: { reads: { allBut: ({ stream, index }) => stream === '' && index === 1 } },
  })
  for (const [field, value] of [
    ['stream', 99],
    ['stream', 1],
    ['stream', 16],
    ['position', 99],
    ['position', 3],
    ['position', UNSAFE],
  ] as const) {
    cases.set(`frame.${field}=${value}`, {
      log: 'closed',
      forge: ({ log }) => void (log.segments[0]!.groups[1]!.frames[0]!.forged[field] = value),
      expected: {},
    })
  }
  const isOfId = ({ segment, index, stream }: Entry): boolean =>
    segment === 0 && stream === '' && index === 4
  cases.set('frame.transactionId', {
    log: 'closed',
    forge: ({ log }) => {
      log.segments[0]!.groups[1]!.frames[2]!.attributes = Buffer.from([0xff, 0xfe, 0xfd, 0xfc])
    },
    expected: { reads: { allBut: isOfId } },
  })
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

/** Bodies of catalog frames that are none. */
export function catalogCases(cases: Cases, bodies: readonly CatalogBody[]): void {
  for (const { name, kind, body } of bodies) {
    cases.set(`catalog.${name}`, {
      log: kind === 3 ? 'closed' : 'open',
      forge: ({ log }) => {
        const frames = log.segments.flatMap(({ groups }) => groups.flatMap((group) => group.frames))
        const isIt = (frame: FrameOf): boolean =>
          frame.stream === CATALOG_STREAM && frame.kind === kind
        frames.findLast(isIt)!.data = body
      },
      expected: { reads: CORRUPT },
    })
  }
}

export interface CatalogBody {
  readonly name: string
  readonly kind: number
  readonly body: Buffer
}
