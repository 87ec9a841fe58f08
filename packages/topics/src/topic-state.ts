/** What is known of one topic besides its entries. Kept small: there may be a hundred thousand. */

import type { GroupState } from './group-state.ts'
import type { Producers } from './producer-state.ts'

export class CursorState {
  readonly number: number
  readonly name: string
  /** Whether the log says that it is there. */
  created = false
  /** Everything before has been consumed. */
  position: number
  /** Bytes of data of all entries before, from the beginning of the topic on, if known. */
  bytes: number | undefined
  group: GroupState | undefined

  constructor(number: number, name: string, position: number, bytes: number | undefined) {
    this.number = number
    this.name = name
    this.position = position
    this.bytes = bytes
  }
}

export class TopicState {
  readonly number: number
  readonly name: string
  /** Whether the log says that this name has this number. */
  declared = false
  /** Up to where it was deleted; 0 when it never was. */
  deletedAt = 0
  /** Where it begins, and how many bytes of data all entries before had. */
  front = 0
  frontBytes: number | undefined = 0
  /** A position, and how many bytes of data all entries before it have or had. */
  counted = 0
  countedBytes = 0
  /** It is clean as long as its next position is this one. */
  cleanAt: number | undefined = 0
  /** Few as a rule: looked through from the beginning. */
  cursors: readonly CursorState[] = []
  producers: Producers | undefined
  #nextCursor = 0

  constructor(number: number, name: string) {
    this.number = number
    this.name = name
  }

  /** A cursor that was created. */
  cursor(name: string): CursorState | undefined {
    return this.cursors.find((cursor) => cursor.name === name)
  }

  cursorByNumber(number: number): CursorState | undefined {
    return this.cursors.find((cursor) => cursor.number === number)
  }

  /** A cursor that is to be created. */
  newCursor(name: string, position: number, bytes: number | undefined): CursorState {
    return new CursorState(this.#nextCursor++, name, position, bytes)
  }

  addCursor(cursor: CursorState): void {
    // Not a spread: that leaves room for more, and there are many of these.
    this.cursors = this.cursors.filter(({ name }) => name !== cursor.name).concat(cursor)
    this.#nextCursor = Math.max(this.#nextCursor, cursor.number + 1)
  }

  /** The cursor that is furthest behind; `undefined` without cursors. */
  get lowest(): CursorState | undefined {
    return this.cursors.reduce<CursorState | undefined>(
      (lowest, cursor) =>
        lowest === undefined || cursor.position < lowest.position ? cursor : lowest,
      undefined,
    )
  }
}
