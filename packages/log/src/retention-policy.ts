/** What a log is asked to let go, and what it says it did: the public shapes of retention, and their checks. */

import { checkBoolean, checkInteger, checkNames, invalid } from './options.ts'

/** What may go, by name. Nothing goes without one of the limits; each alone is reason enough. */
export interface RetentionPolicy {
  /** Keep at most this many segments, the one being written included: 1 or more. */
  readonly maxSegments?: number
  /** Keep at most this many bytes of segments, but always the one being written: 1 or more. */
  readonly maxBytes?: number
  /** Let segments go whose newest entry was committed more than this many milliseconds ago: 1 or more. */
  readonly maxAgeMs?: number
  /** Whether what a claim still needs may go, too. Default false. */
  readonly dropClaimed?: boolean
}

export interface RetainOptions extends RetentionPolicy {
  /** Only say what would go. Default false. */
  readonly dryRun?: boolean
}

/** A position of a stream from which on everything is needed. */
export interface Need {
  /** Name of the stream; the plain log when left out. */
  readonly stream?: string
  readonly from: number
}

/** Holds back retention until it is released. */
export interface Claim {
  readonly name: string
  release(): void
}

/** Positions of a stream that go. */
export interface RetiredRange {
  /** Its name; empty for the plain log. */
  readonly stream: string
  readonly first: number
  readonly last: number
}

/** A claim to something in the oldest segments that the policy would let go. */
export interface ClaimInTheWay {
  readonly name: string
  readonly stream: string
  /** The position it needs. */
  readonly from: number
  /** Whether it goes all the same: the policy says `dropClaimed`. */
  readonly dropped: boolean
}

export interface RetentionReport {
  readonly dryRun: boolean
  /** The segments that go, oldest first. */
  readonly segments: readonly { readonly file: string; readonly bytes: number }[]
  /** Bytes of them together, without their indexes. */
  readonly bytes: number
  /** The entries in them that could be read until now. */
  readonly streams: readonly RetiredRange[]
  readonly claims: readonly ClaimInTheWay[]
  /** Segments and bytes that stay. */
  readonly kept: { readonly segments: number; readonly bytes: number }
}

const LIMITS = ['maxSegments', 'maxBytes', 'maxAgeMs'] as const
export const POLICY_NAMES: readonly string[] = [...LIMITS, 'dropClaimed']

/** Refuses what is no policy; `what` names it. */
export function checkPolicy(
  what: string,
  policy: unknown,
  names: readonly string[] = POLICY_NAMES,
): RetentionPolicy {
  checkNames(what, policy, names)
  const given = policy as RetentionPolicy
  for (const name of LIMITS) {
    const { [name]: value } = given
    if (value !== undefined) checkInteger(`${what}.${name}`, value, 1, Number.MAX_SAFE_INTEGER)
  }
  if (given.dropClaimed !== undefined) checkBoolean(`${what}.dropClaimed`, given.dropClaimed)
  return given
}

/** What a view says it needs. */
export function checkNeeds(claim: string, needs: Iterable<Need>): Need[] {
  return [...needs].map((need) => {
    checkNames(`the claim ${JSON.stringify(claim)}`, need, ['stream', 'from'])
    const { stream, from } = need
    if (stream !== undefined && typeof stream !== 'string') {
      throw invalid(`the claim ${JSON.stringify(claim)}: stream must be a name`)
    }
    checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
    return need
  })
}
