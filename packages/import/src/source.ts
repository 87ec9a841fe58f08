/** What all sources have in common: where in them one is, so that an import can go on there. */

/** A place between two records of a source: a file by its number, and a byte in it. */
export interface SourcePlace {
  readonly file: number
  readonly offset: number
}

/** A record, and the place behind it. */
export interface SourceEntry<T> {
  readonly record: T
  readonly place: SourcePlace
}
