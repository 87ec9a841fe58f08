/** A view that is easily checked: the last position of each key, of a stream whose entries are keys. */

import type { CommitPart, LogEntry, View, WriteSet } from '@walrus/log'

export const STREAM = 'keys'
/** The stream of its snapshots (docs/format.md). */
export const SNAPSHOTS: string = `${STREAM}\0snapshots`

export class KeyView implements View {
  readonly stream: string = STREAM
  readonly positions: Map<string, number> = new Map()
  /** How many entries it was given. */
  restored = 0
  applied = 0
  /** Whether a snapshot is being taken. */
  giving = false
  /** Called before a row of a snapshot is given. */
  onRow: (row: number) => void = () => {}
  readonly #rowBytes: number

  /** @param rowBytes about how large a row of its snapshot is */
  constructor(rowBytes: number) {
    this.#rowBytes = rowBytes
  }

  restore(data: Uint8Array): void {
    const [key, position] = JSON.parse(Buffer.from(data).toString()) as [string, number]
    this.restored++
    this.positions.set(key, position)
  }

  apply({ index, data }: LogEntry): void {
    this.applied++
    this.positions.set(Buffer.from(data).toString(), index)
  }

  *snapshot(): Generator<Uint8Array, void> {
    this.giving = true
    try {
      for (const [row, each] of [...this.positions].entries()) {
        this.onRow(row)
        yield Buffer.from(JSON.stringify(each).padEnd(this.#rowBytes))
      }
    } finally {
      this.giving = false
    }
  }

  /** Puts a key into what is to be committed. */
  add(set: WriteSet, key: string): void {
    const number = set.append(STREAM, key)
    let before: number | undefined
    const part: CommitPart = {
      sequenced: (positions) => {
        before = this.positions.get(key)
        this.positions.set(key, positions[number]!)
      },
      failed: () => {
        if (before === undefined) this.positions.delete(key)
        else this.positions.set(key, before)
      },
    }
    set.join(part)
  }

  get told(): string {
    return told(this.positions)
  }
}

/** The state that entries come to, the first of which has position 0. */
export function stateOf(keys: readonly string[]): string {
  return told(new Map(keys.map((key, position) => [key, position])))
}

function told(positions: ReadonlyMap<string, number>): string {
  const sorted = [...positions].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, position]) => `${key}=${position}`).join(' ')}}`
}
