/** What a log that is put together by hand is made of. */

import type { Forged } from './hostile-layout.ts'

export interface FrameOf {
  readonly stream: number
  readonly kind: number
  readonly position: number
  readonly flags: number
  attributes: Buffer
  data: Buffer
  /** What is read of it, where that is not what stands there. */
  shown?: { readonly flags: number; readonly data: Buffer }
  readonly forged: Forged
}

export interface GroupOf {
  frames: FrameOf[]
  /** Bytes behind the frames; zeros, unless forged. */
  padding: Buffer
  readonly forged: Forged
  /** A bit of it is flipped after all checks were made: that of this byte, counted from the group's first. */
  flipped?: number
}

export interface RowOf {
  stream: number
  first: number
  count: number
  start: number
}

export interface IndexOf {
  rows: RowOf[]
  postings: number[]
  samples: { offset: number; time: number; lsn: number }[]
}

export interface SegmentOf {
  id: number
  salt: number
  readonly groups: GroupOf[]
  readonly forged: Forged
  sealed: boolean
  readonly sealForged: Forged
  /** Behind all else. */
  behind: Buffer
  indexed: boolean
  readonly indexForged: Forged
  /** Changes what the index says before its checks are made. */
  lie: ((index: IndexOf) => void) | undefined
  /** This byte of the index is flipped after its checks were made. */
  indexFlipped?: number
  /** Bytes put behind the index. */
  indexBehind: Buffer
}

export interface LogOf {
  logId: bigint
  boot: string
  readonly segments: SegmentOf[]
  /** The tail file; the newer slot is the second. */
  readonly tail: { older: Forged; newer: Forged } | undefined
}

/** Where things came to stand. */
export interface Placed {
  readonly id: number
  readonly firstLsn: number
  readonly plainNext: number
  /** Offsets of the groups. */
  readonly groups: readonly number[]
  /** Behind the last one: the seal's offset, if it is sealed. */
  readonly end: number
  readonly endLsn: number
  readonly endPlain: number
}
