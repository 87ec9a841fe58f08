/** Tells the oracle what a process reported. */

import type { Oracle } from './oracle.ts'
import type { Unit } from './plan.ts'
import type { Failure, Report } from './protocol.ts'

/** Something that failed in a process. */
export interface Failed {
  readonly what: string
  /** Position of the report. */
  readonly at: number
  readonly unit: number | undefined
  readonly failure: Failure
}

/**
 * @param units the calls of the process's plan, in order
 * @param unwritten whether `appendSync` returns before the entry is written
 * @returns what failed, in order
 */
export function follow(
  oracle: Oracle,
  life: number,
  units: readonly Unit[],
  reports: readonly Report[],
  unwritten: boolean,
): Failed[] {
  const failed: Failed[] = []
  oracle.begin(life)
  for (const [at, report] of reports.entries()) {
    switch (report.what) {
      case 'began':
        oracle.began(units[report.unit]!)
        break
      case 'acknowledged':
        oracle.acknowledged(report.unit, report.indexes)
        break
      case 'returned':
        if (unwritten) oracle.returned(report.unit, report.index)
        else oracle.acknowledged(report.unit, [report.index])
        break
      case 'rejected':
        // It was handed back; after any other failure only the log can tell.
        if (report.failure.codes[0] === 'WALRUS_DISK_FULL') oracle.refused(report.unit)
        failed.push({ what: 'append', at, unit: report.unit, failure: report.failure })
        break
      case 'synced':
        oracle.written(report.units)
        break
      case 'closed':
        oracle.written()
        break
      case 'notOpened':
      case 'notSynced':
      case 'notClosed':
        failed.push({ what: DOING[report.what], at, unit: undefined, failure: report.failure })
        break
      case 'opening':
      case 'opened':
      case 'closing':
        break
    }
  }
  return failed
}

const DOING = { notOpened: 'open', notSynced: 'sync', notClosed: 'close' } as const
