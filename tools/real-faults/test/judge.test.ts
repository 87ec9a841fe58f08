import { describe, expect, test } from 'vitest'
import { type Fault, judge } from '../src/eio.ts'
import { follow } from '../src/follow.ts'
import { Oracle } from '../src/oracle.ts'
import type { Unit } from '../src/plan.ts'
import type { Failure, Report } from '../src/protocol.ts'

const EIO: Fault = { call: 'pwrite64', instead: 'error=EIO', code: 'EIO', kind: 'final' }
const HITS = ['pwrite64(20</log/000000000001.seg>, ""..., 100, 192)']

const failure = (cause: number, ...codes: string[]): Failure => ({ codes, cause, message: 'it' })
const FAILED = failure(1, 'WALRUS_FAILED', 'WALRUS_IO', 'EIO')

const began = (unit: number): Report => ({ what: 'began', unit })
const rejected = (unit: number, because: Failure = FAILED): Report => ({
  what: 'rejected',
  unit,
  failure: because,
})
const acknowledged = (unit: number): Report => ({ what: 'acknowledged', unit, indexes: [unit + 1] })

const BEGIN: readonly Report[] = [{ what: 'opening' }, { what: 'opened' }, began(0)]
const CLOSE: readonly Report[] = [{ what: 'closing' }, { what: 'notClosed', failure: FAILED }]

function judged(reports: readonly Report[], fault: Fault = EIO, hits = HITS): string {
  const units = [0, 1, 2, 3].map(
    (serial): Unit => ({ serial, stream: '', batch: false, sizes: [10] }),
  )
  const failed = follow(new Oracle(0), 0, units, reports, false)
  return judge(fault, hits, { reports, how: 0, errors: '', hung: false }, failed).join('; ')
}

describe('a process whose write fails', () => {
  test('is right when everything from then on is refused with the first cause', () => {
    const reports = [
      ...BEGIN,
      ...[acknowledged(0), began(1), began(2), rejected(1), rejected(2), began(3), rejected(3)],
      ...CLOSE,
    ]
    expect(judged(reports)).toBe('')
  })

  test.each<[string, RegExp, Report[]]>([
    ['says nothing', /nobody was told/, [...BEGIN, acknowledged(0), { what: 'closed' }]],
    [
      'takes entries afterwards',
      /took entries after it had failed/,
      [...BEGIN, rejected(0), began(1), acknowledged(1), ...CLOSE],
    ],
    [
      'acknowledges a call behind the one that failed',
      /acknowledged a call behind one that failed/,
      [...BEGIN, began(1), rejected(0), acknowledged(1), ...CLOSE],
    ],
    [
      'tells another cause',
      /not everyone was told the first cause/,
      [...BEGIN, rejected(0), began(1), rejected(1, { ...FAILED, cause: 2 }), ...CLOSE],
    ],
    [
      'tells of something else',
      /append failed with WALRUS_FAILED < WALRUS_IO, which is not EIO/,
      [...BEGIN, rejected(0, failure(1, 'WALRUS_FAILED', 'WALRUS_IO')), ...CLOSE],
    ],
    [
      'fails without failing',
      /append failed with WALRUS_IO < EIO, and not with WALRUS_FAILED/,
      [...BEGIN, rejected(0, failure(1, 'WALRUS_IO', 'EIO')), { what: 'closed' }],
    ],
    [
      'syncs afterwards',
      /sync or close succeeded after it had failed/,
      [...BEGIN, rejected(0), { what: 'synced', units: 1 }, ...CLOSE],
    ],
    [
      'closes as if nothing had happened',
      /sync or close succeeded after it had failed/,
      [...BEGIN, rejected(0), { what: 'closed' }],
    ],
    ['stops in the middle', /the process ended at rejected/, [...BEGIN, rejected(0)]],
  ])('is wrong when it %s', (_, said, reports) => {
    expect(judged(reports)).toMatch(said)
  })

  test('is wrong when it fails with nothing wrong', () => {
    expect(judged([...BEGIN, rejected(0), ...CLOSE], EIO, [])).toMatch(
      /append failed with nothing wrong: it/,
    )
  })

  test('is wrong when a lack of space is taken for more than that', () => {
    const lack: Fault = { ...EIO, instead: 'error=ENOSPC', code: 'ENOSPC', kind: 'lack' }
    const full = failure(1, 'WALRUS_DISK_FULL', 'ENOSPC')
    const refused = [...BEGIN, rejected(0, full), began(1), acknowledged(1)]
    expect(judged([...refused, { what: 'closed' }], lack)).toBe('')
    const because = failure(1, 'WALRUS_FAILED', 'WALRUS_DISK_FULL', 'ENOSPC')
    const failed: Report[] = [
      ...BEGIN,
      rejected(0, because),
      { what: 'notClosed', failure: because },
    ]
    expect(judged(failed, lack)).toMatch(/a lack of space has failed the log/)
  })
})
