/**
 * What is wrong with a source, and what becomes of it: a torn last entry is left out with a warning; any other damage
 * ends the import, unless it was asked to salvage, and then it is left out, too, and told.
 */

import { WalrusError } from '@walrus/codec'

/** Something that could not be imported. */
export interface Finding {
  readonly kind: 'torn' | 'damaged'
  readonly file: string
  /** Where it begins in the file. */
  readonly offset: number
  /** How many bytes of the file it takes; 0 where nothing is left out. */
  readonly bytes: number
  readonly what: string
}

/** Findings beyond this number are counted only. */
const MOST_KEPT = 1_000

export class Findings {
  readonly salvage: boolean
  readonly list: Finding[] = []
  /** All, also those not kept. */
  count = 0
  readonly #tell: (finding: Finding) => void

  /** @param tell called with each, as it is found */
  constructor(salvage: boolean, tell: (finding: Finding) => void = () => {}) {
    this.salvage = salvage
    this.#tell = tell
  }

  /** The end of what was written last is missing. */
  torn(file: string, offset: number, bytes: number, what: string): void {
    this.#note({ kind: 'torn', file, offset, bytes, what })
  }

  /**
   * Something else is wrong.
   * @throws `WALRUS_CORRUPT` naming file and offset, unless it is to salvage
   */
  damaged(file: string, offset: number, bytes: number, what: string, cause?: unknown): void {
    if (!this.salvage) {
      throw new WalrusError(
        'WALRUS_CORRUPT',
        `${file}: ${what} at byte ${offset}; nothing behind it was imported. With salvage it is left out, and the rest imported`,
        { cause, file, offset },
      )
    }
    this.#note({ kind: 'damaged', file, offset, bytes, what })
  }

  #note(finding: Finding): void {
    this.count++
    if (this.list.length < MOST_KEPT) this.list.push(finding)
    this.#tell(finding)
  }
}
