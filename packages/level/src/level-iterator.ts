/** Iterating over an abstract-level database, and its explicit snapshots. */

import type { KeyRange, Kv, KvSnapshot, ScanOptions } from '@walrus/kv'
import {
  AbstractIterator,
  type AbstractIteratorOptions,
  type AbstractLevel,
  AbstractSnapshot,
} from 'abstract-level'
import { asBuffer, type Format, type FormatName, inFormat } from './format.ts'

type Bytes = Uint8Array
/** A database whose keys and values have these forms below its encodings. */
export type Database = AbstractLevel<Format, unknown, unknown>

/** Options as abstract-level hands them to an implementation: checked, with keys encoded. */
export interface RangeOptions {
  readonly gt?: Format
  readonly gte?: Format
  readonly lt?: Format
  readonly lte?: Format
  readonly reverse?: boolean
  readonly limit?: number
  readonly snapshot?: LevelSnapshot
}

export interface IteratorOptions extends RangeOptions {
  readonly keys: boolean
  readonly values: boolean
  readonly keyEncoding: FormatName
  readonly valueEncoding: FormatName
  readonly signal?: AbortSignal | null
}

export class LevelSnapshot extends AbstractSnapshot {
  readonly state: KvSnapshot<Bytes, Bytes>

  constructor(options: object, kv: Kv<Bytes, Bytes>) {
    // @ts-expect-error: the types leave the constructor out.
    super(options)
    this.state = kv.snapshot()
  }

  async _close(): Promise<void> {
    this.state.close()
  }
}

/** The range alone. */
export function rangeOf({ gt, gte, lt, lte }: RangeOptions): KeyRange {
  return {
    ...(gt === undefined ? {} : { gt }),
    ...(gte === undefined ? {} : { gte }),
    ...(lt === undefined ? {} : { lt }),
    ...(lte === undefined ? {} : { lte }),
  }
}

export function scanOf(options: RangeOptions): ScanOptions {
  const { reverse = false, limit = -1 } = options
  const bounded = limit >= 0 && limit < Number.POSITIVE_INFINITY
  return { ...rangeOf(options), reverse, ...(bounded ? { limit } : {}) }
}

/** Where the pairs come from: keys alone are in memory. */
type Pairs = (most: number) => Promise<[Bytes, Bytes | undefined][]>

export class LevelIterator extends AbstractIterator<Database, Format, Format> {
  readonly #options: IteratorOptions
  readonly #state: KvSnapshot<Bytes, Bytes>
  /** Made when it is first needed: a snapshot may have been closed, which is told by then. */
  #pairs: Pairs | undefined

  constructor(db: Database, options: IteratorOptions, kv: Kv<Bytes, Bytes>) {
    super(db, options as unknown as AbstractIteratorOptions<Format, Format>)
    this.#options = options
    this.#state = options.snapshot?.state ?? kv.snapshot()
  }

  async _next(): Promise<[Format | undefined, Format | undefined] | undefined> {
    return (await this._nextv(1))[0]
  }

  async _nextv(size: number): Promise<[Format | undefined, Format | undefined][]> {
    this.#pairs ??= this.#scan(scanOf(this.#options))
    const pairs = await this.#pairs(size)
    const { keys, keyEncoding, valueEncoding, signal } = this.#options
    if (signal?.aborted === true) throw new IteratorAbortError(signal.reason)
    return pairs.map(([key, value]) => [
      keys ? inFormat(key, keyEncoding) : undefined,
      value && inFormat(value, valueEncoding),
    ])
  }

  _seek(target: Format): void {
    const { reverse = false, gt, gte, lt, lte, ...rest } = this.#options
    const at = asBuffer(target)
    const isBelow =
      gte === undefined ? gt !== undefined && compare(at, gt) <= 0 : compare(at, gte) < 0
    const isAbove =
      lte === undefined ? lt !== undefined && compare(at, lt) >= 0 : compare(at, lte) > 0
    if (isBelow || isAbove) {
      this.#pairs = async () => []
      return
    }
    const range = reverse
      ? { ...rangeOf({ gt, gte } as RangeOptions), lte: at }
      : { gte: at, ...rangeOf({ lt, lte } as RangeOptions) }
    this.#pairs = this.#scan(scanOf({ ...rest, ...range, reverse }))
  }

  async _close(): Promise<void> {
    if (this.#options.snapshot === undefined) this.#state.close()
  }

  #scan(options: ScanOptions): Pairs {
    if (this.#options.values) {
      const scan = this.#state.entries(options)
      return (most) => scan.nextMany(most)
    }
    const keys = this.#state.keys(options)
    return async (most) => {
      const pairs: [Bytes, undefined][] = []
      while (pairs.length < most) {
        const { done, value } = keys.next()
        if (done === true) break
        pairs.push([value, undefined])
      }
      return pairs
    }
  }
}

/** As abstract-level reports it, whichever implementation is below. */
class IteratorAbortError extends Error {
  readonly code = 'LEVEL_ABORTED'

  constructor(cause: unknown) {
    super('Operation has been aborted', { cause })
    this.name = 'AbortError'
  }
}

function compare(a: Buffer, b: Format): number {
  return a.compare(asBuffer(b))
}
