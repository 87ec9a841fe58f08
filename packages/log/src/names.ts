/** The names of a log's files (docs/format.md). */

import { join } from 'node:path'

export const TAIL_NAME = 'TAIL'
export const QUARANTINE_NAME = 'quarantine'

const DIGITS = 12
const SEGMENT = /^(\d{12})\.seg$/
const INDEX = /^(\d{12})\.idx$/
const UNFINISHED = /^(\d{12}\.(seg|idx)(\.\d+)?\.new|tx-[0-9a-f]{32}\.tmp)$/

export function segmentPath(dir: string, id: number): string {
  return join(dir, `${String(id).padStart(DIGITS, '0')}.seg`)
}

/** The temporary name under which a segment is prepared; `attempt` keeps abandoned ones apart. */
export function unfinishedSegmentPath(dir: string, id: number, attempt: number): string {
  return `${segmentPath(dir, id)}.${attempt}.new`
}

export function indexPath(dir: string, id: number): string {
  return join(dir, `${String(id).padStart(DIGITS, '0')}.idx`)
}

/** The temporary name of an index; `attempt` keeps abandoned ones apart. */
export function unfinishedIndexPath(dir: string, id: number, attempt: number): string {
  return `${indexPath(dir, id)}.${attempt}.new`
}

/** Where a transaction keeps what does not stay in memory; `id` is 32 hexadecimal digits. */
export function transactionPath(dir: string, id: string): string {
  return join(dir, `tx-${id}.tmp`)
}

/** The segment numbers among the names in a directory, ascending. */
export function segmentIds(names: readonly string[]): number[] {
  return names
    .map((name) => SEGMENT.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** The numbers of the segments that have an index among the names in a directory. */
export function indexIds(names: readonly string[]): number[] {
  return names
    .map((name) => INDEX.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
}

/** Whether a name is that of a segment or index that was never finished, or of a transaction's file. */
export function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name)
}
