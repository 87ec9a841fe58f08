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
}

export function cleanReport(): RecoveryReport {
  return {
    clean: true,
    scannedBytes: 0,
    cut: undefined,
    takenOver: { groups: 0, entries: 0 },
    torn: undefined,
    quarantined: [],
  }
}
