/**
 * What a power loss takes of that which was not synced: a finite list, and anything by seed.
 *
 * After ALICE (Pillai et al., OSDI 2014) and CrashMonkey (Mohan et al., OSDI 2018): data, sizes and names reach the
 * disk each in its own time, a write in parts, and two writes in any order.
 */

/**
 * Which unsynced sectors reached the disk: all; none; of each file the first half, the second half, or every other
 * one; those of the newest write alone; all but those of the newest write; none, and what was never synced holds
 * garbage; any, by seed.
 */
export type DataLoss =
  | 'kept'
  | 'lost'
  | 'head'
  | 'tail'
  | 'alternate'
  | 'newest'
  | 'older'
  | 'garbage'
  | 'any'

/** Which unsynced sizes reached the disk: the newest; none; any that the file had, by seed. */
export type SizeLoss = 'kept' | 'lost' | 'any'

/** Which unsynced names reached the disk: all; none; some, by seed: mostly the first few of a directory. */
export type NameLoss = 'kept' | 'lost' | 'any'

export interface Loss {
  readonly data: DataLoss
  readonly sizes: SizeLoss
  readonly names: NameLoss
}

export type LossName =
  | 'kept'
  | 'lost'
  | 'zeros'
  | 'garbage'
  | 'names only'
  | 'data only'
  | 'head'
  | 'tail'
  | 'alternate'
  | 'newest'
  | 'older'
  | 'any'

/** Every power loss that is tried one by one; `any` is the only one that depends on the seed. */
export const LOSSES: Readonly<Record<LossName, Loss>> = {
  /** Everything had reached the disk. */
  kept: { data: 'kept', sizes: 'kept', names: 'kept' },
  /** Nothing had that was not synced. */
  lost: { data: 'lost', sizes: 'lost', names: 'lost' },
  /** Files have their new sizes, and zeros where the data did not come. */
  zeros: { data: 'lost', sizes: 'kept', names: 'kept' },
  /** As `zeros`, but what was never synced holds whatever was there before. */
  garbage: { data: 'garbage', sizes: 'kept', names: 'kept' },
  /** The files are there, and have no new bytes. */
  'names only': { data: 'lost', sizes: 'lost', names: 'kept' },
  /** The bytes are there, and the names not. */
  'data only': { data: 'kept', sizes: 'kept', names: 'lost' },
  /** Writes torn in the middle. */
  head: { data: 'head', sizes: 'kept', names: 'kept' },
  tail: { data: 'tail', sizes: 'kept', names: 'kept' },
  alternate: { data: 'alternate', sizes: 'kept', names: 'kept' },
  /** Writes that overtook one another. */
  newest: { data: 'newest', sizes: 'kept', names: 'kept' },
  older: { data: 'older', sizes: 'kept', names: 'kept' },
  /** Any of all this, by seed. */
  any: { data: 'any', sizes: 'any', names: 'any' },
}
