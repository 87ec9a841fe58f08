/** What is forged in groups and frames: a field, or a bit that no check covers any more. */

import { type Cases, CORRUPT, SEG, UNSAFE, WHOLE } from './hostile-case.ts'
import { type Encoded, forgeTail } from './hostile-encode.ts'
import type { Forged } from './hostile-layout.ts'
import { type Entry, type ForgedLog, THIS_BOOT } from './hostile-logs.ts'
import type { Expected } from './hostile-look.ts'

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
    // What is proven ends where the mark does; the rest is written anew.
    cases.set(`group${group}.proven`, {
      log: 'open',
      files: (files, { placed }) => {
        const { groups, id } = placed[0]!
        const before = [0, 1, 4, 6][group]!
        const plainNext = [1, 2, 3, 5][group]!
        const tail = { segment: id, offset: groups[group]!, lsn: 1 + before, plainNext }
        forgeTail(files.get('TAIL')!, tail)
      },
      expected: ({ placed }) => ({
        reads: 'all',
        clean: false,
        ...(group > 0 && { cut: { file: SEG(1), offset: placed[0]!.groups[group] } }),
      }),
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
  cases.set('frame.id.attributes', {
    log: 'closed',
    forge: ({ log }) => void (log.segments[0]!.groups[1]!.frames[2]!.forged['attributes'] = 0xffff),
    expected: { reads: { allBut: isOfId } },
  })
  cases.set('frame.transactionId', {
    log: 'closed',
    forge: ({ log }) => {
      log.segments[0]!.groups[1]!.frames[2]!.attributes = Buffer.from([0xff, 0xfe, 0xfd, 0xfc])
    },
    expected: { reads: { allBut: isOfId } },
  })
}
