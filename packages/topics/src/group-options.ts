/** What a group of consumers is told, and the checks of it. */

import { checkInteger, checkNames, LATEST_MS } from './checks.ts'
import type { TopicEntry } from './cursor-options.ts'
import { invalid } from './errors.ts'
import { checkName } from './names.ts'
import type { WaitOptions } from './waiting.ts'

/** Where entries go that come back too often. */
export interface DeadLetter {
  readonly topic: string
  /** How often an entry is delivered before: 1 to 1,000,000. */
  readonly after: number
}

export interface GroupOptions {
  /** How long a member has to acknowledge an entry, in milliseconds: 1 to 2^31 - 1, default 30,000. */
  readonly deadlineMs?: number
  /** How many entries may be handed out and not acknowledged: 1 to 100,000, default 1,000. Members wait beyond. */
  readonly maxPending?: number
  /** An entry that comes back after so many deliveries goes to another topic, and is acknowledged, in one commit. */
  readonly deadLetter?: DeadLetter
  /** Entries with the same key are handed out in order, each when those before it are acknowledged. */
  readonly key?: (entry: TopicEntry) => string
}

export interface GroupNextOptions extends WaitOptions {
  /** Whether to wait for an entry where there is none to be had. Default: only when `timeoutMs` is given. */
  readonly follow?: boolean
}

export interface GroupReadOptions {
  /** At most this many entries: 1 to 10,000, default 100. */
  readonly maxEntries?: number
}

export interface GroupConsumeOptions {
  /** Where there is nothing to be had, wait for more. Default false. */
  readonly follow?: boolean
  /** Ends it with `AbortError`. */
  readonly signal?: AbortSignal
}

export interface ResolvedGroupOptions {
  readonly deadlineMs: number
  readonly maxPending: number
  readonly deadLetter: DeadLetter | undefined
  readonly key: GroupOptions['key']
}

export function resolveGroupOptions(options: GroupOptions): ResolvedGroupOptions {
  checkNames('group', options, ['deadlineMs', 'maxPending', 'deadLetter', 'key'])
  const { deadlineMs = 30_000, maxPending = 1_000, deadLetter, key } = options
  checkInteger('deadlineMs', deadlineMs, 1, LATEST_MS)
  checkInteger('maxPending', maxPending, 1, 100_000)
  if (key !== undefined && typeof key !== 'function') throw invalid('key must be a function')
  if (deadLetter !== undefined) {
    checkNames('deadLetter', deadLetter, ['topic', 'after'])
    checkName('a topic', deadLetter.topic)
    checkInteger('deadLetter.after', deadLetter.after, 1, 1_000_000)
  }
  return { deadlineMs, maxPending, deadLetter, key }
}

/** Whether two say the same. */
export function sameOptions(a: ResolvedGroupOptions, b: ResolvedGroupOptions): boolean {
  return (
    a.deadlineMs === b.deadlineMs &&
    a.maxPending === b.maxPending &&
    a.key === b.key &&
    a.deadLetter?.topic === b.deadLetter?.topic &&
    a.deadLetter?.after === b.deadLetter?.after
  )
}
