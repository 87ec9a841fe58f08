/** A site: one place in the sources where a promise is kept, and how to leave that place out. */

/**
 * - `sync`, `directory sync`: makes durable what is written, or named
 * - `durable write`: a write that is durable when it returns
 * - `wait`: for one of these
 * - `checksum`: a checksum compared, or the answer of a function that compared one
 * - `check`: anything else that comes from disk compared, where the outcome decides what counts
 */
export const KINDS = [
  'sync',
  'directory sync',
  'durable write',
  'wait',
  'checksum',
  'check',
] as const
export type SiteKind = (typeof KINDS)[number]

/** Replaces the characters from `start` up to `end` of a source. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface Site {
  /** `log/maintenance.ts Maintenance.#end sync#2`: unique, and the same after edits elsewhere. */
  readonly name: string
  readonly kind: SiteKind
  /** The package's directory in `packages/`. */
  readonly package: string
  /** The file, relative to the package's `src`. */
  readonly file: string
  /** The function or method, with its class; `(module)` for the file's own level. */
  readonly function: string
  /** Counted from 1. */
  readonly line: number
  /** What stands there, on one line. */
  readonly text: string
  /** Whether its file is of the storage on `node:fs`, which `storage-sim` takes the place of (simulated-fs.ts). */
  readonly usesFs: boolean
  /** What leaves it out. */
  readonly edits: readonly Edit[]
}

/** A site before it has a name. */
export interface Found {
  readonly kind: SiteKind
  /** Where it stands, in characters. */
  readonly start: number
  readonly end: number
  readonly edits: readonly Edit[]
}
