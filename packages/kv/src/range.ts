/** Ranges of keys: what a caller gives, checked and turned into two bounds. */

import { type ByteString, behind, behindPrefix } from './byte-string.ts'
import { encodeKey, type KeyInput } from './encoding.ts'
import { checkBoolean, checkInteger, checkNames } from './options.ts'

/** Which keys; all of them when nothing is given. Where both `gte` and `gt` are given, `gte` counts; so with `lte`. */
export interface KeyRange {
  readonly gt?: KeyInput
  readonly gte?: KeyInput
  readonly lt?: KeyInput
  readonly lte?: KeyInput
  /** Only keys that begin so. */
  readonly prefix?: KeyInput
}

export interface ScanOptions extends KeyRange {
  /** From the last key to the first. Default false. */
  readonly reverse?: boolean
  /** At most so many: 0 or more. Default: all. */
  readonly limit?: number
}

/** Keys with `from <= key`, and `key < until` unless that is `undefined`. */
export interface Bounds {
  readonly from: ByteString
  readonly until: ByteString | undefined
}

export interface Scan extends Bounds {
  readonly reverse: boolean
  readonly limit: number
}

const RANGE_NAMES = ['gt', 'gte', 'lt', 'lte', 'prefix'] as const

export function boundsOf(what: string, range: KeyRange): Bounds {
  checkNames(what, range, RANGE_NAMES)
  return bounds(range)
}

export function scanOf(what: string, options: ScanOptions): Scan {
  checkNames(what, options, [...RANGE_NAMES, 'reverse', 'limit'])
  const { reverse = false, limit = Number.MAX_SAFE_INTEGER } = options
  checkBoolean('reverse', reverse)
  checkInteger('limit', limit, 0, Number.MAX_SAFE_INTEGER)
  return { ...bounds(options), reverse, limit }
}

function bounds({ gt, gte, lt, lte, prefix }: KeyRange): Bounds {
  let from = ''
  if (gte !== undefined) from = encodeKey(gte)
  else if (gt !== undefined) from = behind(encodeKey(gt))
  let until: ByteString | undefined
  if (lte !== undefined) until = behind(encodeKey(lte))
  else if (lt !== undefined) until = encodeKey(lt)
  if (prefix !== undefined) {
    const first = encodeKey(prefix)
    const end = behindPrefix(first)
    if (first > from) from = first
    if (end !== undefined && (until === undefined || end < until)) until = end
  }
  return { from, until }
}
