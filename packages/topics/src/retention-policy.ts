/** What of a topic may go by name, and what is said of it: the public shapes of retention. */

import { checkBoolean, checkInteger, checkNames } from './checks.ts'

/** What may go of a topic; each limit alone is reason enough. */
export interface TopicRetention {
  /** Keep entries from the end on that have at most this many bytes of data: 0 or more. */
  readonly maxBytes?: number
  /** Keep at most this many entries: 0 or more. */
  readonly maxEntries?: number
  /** Let entries go that were committed more than this many milliseconds ago: 1 or more. */
  readonly maxAgeMs?: number
  /** Whether what a cursor has not read may go, too. Default false. */
  readonly dropUnread?: boolean
}

export interface RetainOptions extends TopicRetention {
  /** Only say what would go. Default false. */
  readonly dryRun?: boolean
}

export interface TopicRetentionReport {
  readonly topic: string
  readonly dryRun: boolean
  /** The positions that go: from `first` on, up to before `end`. */
  readonly first: number
  readonly end: number
  readonly entries: number
  /** Bytes of their data. */
  readonly bytes: number
  /** Cursors that have not read all of what goes, and how many entries of it. Empty unless `dropUnread`. */
  readonly unread: readonly { readonly cursor: string; readonly entries: number }[]
  /** Cursors because of which more stays than the limits ask for. Empty with `dropUnread`. */
  readonly heldBy: readonly string[]
}

const LIMITS = ['maxBytes', 'maxEntries', 'maxAgeMs'] as const

/** Refuses what is no policy; `what` names it. */
export function checkTopicRetention(
  what: string,
  policy: unknown,
  more: readonly string[] = [],
): RetainOptions {
  checkNames(what, policy, [...LIMITS, 'dropUnread', ...more])
  const given = policy as RetainOptions
  for (const name of LIMITS) {
    const { [name]: value } = given
    const least = name === 'maxAgeMs' ? 1 : 0
    if (value !== undefined) checkInteger(`${what}.${name}`, value, least, Number.MAX_SAFE_INTEGER)
  }
  if (given.dropUnread !== undefined) checkBoolean(`${what}.dropUnread`, given.dropUnread)
  if (given.dryRun !== undefined) checkBoolean(`${what}.dryRun`, given.dryRun)
  return given
}
