/**
 * Changes on their way into the log, and the state as it will be when they are acknowledged.
 *
 * A change takes part in the commit it is in. It is applied when that is acknowledged: nobody reads what a crash could
 * still take back. Until then it is pending, for those to look at who make theirs depend on what was sequenced
 * before. Since the log tells all of this in commit order, the order of its records and that of the state are one.
 */

import type { CommitPart } from '@walrus/log'
import type { ByteString } from './byte-string.ts'

interface Common {
  /** Its record's number in the batch or transaction. */
  readonly number: number
}

export interface SetChange extends Common {
  readonly type: 'set'
  readonly key: ByteString
  readonly expiresAt: number
  /** Place of the value in the cache, or -1. */
  readonly cachedAt: number
  readonly length: number
}

export interface DeleteChange extends Common {
  readonly type: 'delete'
  readonly key: ByteString
  /** Whether the key was there; once it is applied. */
  wasThere: boolean
}

export interface ClearChange extends Common {
  readonly type: 'clear'
  readonly from: ByteString
  readonly until: ByteString | undefined
}

export type Change = SetChange | DeleteChange | ClearChange

/** The changes of one commit, with the positions it has got. */
interface Unit {
  readonly positions: readonly number[]
  readonly changes: Change[]
  /** Which of them changed a key last; made when somebody asks. */
  byKey: Map<ByteString, Change> | undefined
  clears: boolean
}

/** What is known of a key before a commit: where its newest record is, or that it has none. */
export type Version = number | undefined

export class Changes {
  /** Sequenced and not acknowledged, in commit order. */
  #units: Unit[] = []
  readonly #apply: (change: Change, position: number) => void

  /** @param apply takes an acknowledged change */
  constructor(apply: (change: Change, position: number) => void) {
    this.#apply = apply
  }

  get pending(): boolean {
    return this.#units.length > 0
  }

  /** The part that some changes take in a commit. They come in the order of their numbers. */
  part(changes: readonly Change[]): CommitPart {
    // A batch can be committed more than once.
    const units: Unit[] = []
    return {
      sequenced: (positions) => {
        if (changes.length > 0) units.push(this.#take(changes, positions))
      },
      acknowledged: () => {
        const unit = units.shift()
        if (unit !== undefined) this.#acknowledged(unit)
      },
      failed: () => {
        const unit = units.pop()
        if (unit !== undefined) this.#units = this.#units.filter((each) => each !== unit)
      },
    }
  }

  /** What is pending of a key: its version after that, or `null` when nothing of what is pending concerns it. */
  versionOf(key: ByteString): Version | null {
    for (let at = this.#units.length - 1; at >= 0; at--) {
      const unit = this.#units[at]!
      const change = unit.clears ? lastOf(unit, key) : indexed(unit).get(key)
      if (change === undefined) continue
      return change.type === 'set' ? unit.positions[change.number] : undefined
    }
    return null
  }

  #take(changes: readonly Change[], positions: readonly number[]): Unit {
    const last = this.#units.at(-1)
    const clears = changes.some(({ type }) => type === 'clear')
    if (last !== undefined && last.positions === positions) {
      // Several parts of one commit: one by one they would not be applied in the order of their records.
      for (const change of changes) last.changes.push(change)
      last.byKey = undefined
      last.clears ||= clears
      return last
    }
    const unit = { positions, changes: changes.slice(), byKey: undefined, clears }
    this.#units.push(unit)
    return unit
  }

  #acknowledged(unit: Unit): void {
    // Another part of the same commit may have been told first.
    if (this.#units[0] !== unit) return
    this.#units.shift()
    for (const change of unit.changes) this.#apply(change, unit.positions[change.number]!)
  }
}

function indexed(unit: Unit): Map<ByteString, Change> {
  unit.byKey ??= new Map(
    unit.changes.flatMap((change) => (change.type === 'clear' ? [] : [[change.key, change]])),
  )
  return unit.byKey
}

function lastOf(unit: Unit, key: ByteString): Change | undefined {
  return unit.changes.findLast((change) =>
    change.type === 'clear'
      ? change.from <= key && (change.until === undefined || key < change.until)
      : change.key === key,
  )
}
