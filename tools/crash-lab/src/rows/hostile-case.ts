/** A forged log, and what must come of it. */

import type { SimulatedDisk } from '@walrus/storage-sim'
import type { Encoded } from './hostile-encode.ts'
import type { Entry, ForgedLog, LogName } from './hostile-logs.ts'
import type { Expected } from './hostile-look.ts'

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

/** Nothing wrong with it. */
export const WHOLE: Expected = { reads: 'all', torn: 'whole', damage: [], stale: [], bad: [] }
