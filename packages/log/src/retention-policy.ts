/** What a log is told of retention, and what it says it did: the public shapes beside the policy. */

import { checkInteger, checkNames, invalid, type RetentionPolicy } from './options.ts'

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
