/** What opening a log found, and what it left behind. */

import type { TornTail } from './verdict.ts'

export interface RecoveryReport {
  /** Whether the log had been closed cleanly; then nothing else was looked at. */
  readonly clean: boolean
  /** Bytes of segments that were read to find the end. */
  readonly scannedBytes: number
  /** Where the log was cut: a new segment goes on from there. `undefined` when nothing before it was kept. */
  readonly cut: { readonly file: string; readonly offset: number } | undefined
  /** Commit groups and entries that were whole but not proven durable, and were written anew. */
  readonly takenOver: { readonly groups: number; readonly entries: number }
  /** Bytes behind the end of the log that are no whole commit group, and where they are now: a write that never finished. */
  readonly torn: TornTail | undefined
  /** Files that were moved to the quarantine folder. */
  readonly quarantined: readonly string[]
  /** What was damaged and left out, where the log was opened with `salvage` and was not whole. */
  readonly salvaged: SalvageReport | undefined
}

/** What was cut from a damaged log. */
export interface SalvageReport {
  /** The code that opening or reading the log throws because of it: `WALRUS_CORRUPT`, say. */
  readonly code: string
  readonly message: string
  /** Where the log ends now: everything before is whole. */
  readonly file: string
  readonly offset: number
  /** LSN of the first frame that is lost; new ones have these numbers again. */
  readonly lsn: number
  /** The first index of the plain log that is lost, and the last that is known to have been there. */
  readonly firstLost: number
  readonly lastLost: number | undefined
}

export function cleanReport(): RecoveryReport {
  return {
    clean: true,
    scannedBytes: 0,
    cut: undefined,
    takenOver: { groups: 0, entries: 0 },
    torn: undefined,
    quarantined: [],
    salvaged: undefined,
  }
}
