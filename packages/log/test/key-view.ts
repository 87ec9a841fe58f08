/** A view for tests: the last position of each key, of a stream whose entries are keys. */

import type { CommitPart, Log, LogEntry, View, WriteSet } from '../src/index.ts'
import { text } from './simulated.ts'

export class KeyView implements View {
  readonly stream: string
  readonly positions = new Map<string, number>()
  /** How many entries it was given. */
  restored = 0
  applied = 0
  /** Called before a row of a snapshot is given. */
  onRow: (row: number) => void = () => {}
  readonly #rowBytes: number

  /** @param rowBytes about how large a row of its snapshot is */
  constructor(stream = 'keys', rowBytes = 0) {
    this.stream = stream
    this.#rowBytes = rowBytes
  }

  restore(data: Uint8Array): void {
    const [key, position] = JSON.parse(text(data)) as [string, number]
    if (this.applied > 0) throw new Error('a row was restored behind an entry')
    this.restored++
    this.positions.set(key, position)
  }

  apply({ index, data }: LogEntry): void {
    this.applied++
    this.positions.set(text(data), index)
  }

  *snapshot(): Generator<Uint8Array, void> {
    let row = 0
    for (const each of [...this.positions]) {
      this.onRow(row++)
      yield Buffer.from(JSON.stringify(each).padEnd(this.#rowBytes))
    }
  }

  isLive(position: number): boolean {
    return [...this.positions.values()].includes(position)
  }

  /** Puts a key into what is to be committed. */
  add(set: WriteSet, key: string): void {
    const number = set.append(this.stream, key)
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

  /** Appends keys, each in a commit of its own. */
  async put(log: Log, ...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const batch = log.batch()
      this.add(batch, key)
      await log.commit(batch)
    }
  }

  get state(): Record<string, number> {
    return Object.fromEntries([...this.positions].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
}

/** What a stream of keys comes to when all of it is read. */
export async function replayed(log: Log, stream = 'keys'): Promise<Record<string, number>> {
  const view = new KeyView(stream)
  for await (const entry of log.stream(stream).entries()) view.apply(entry)
  return view.state
}

export function keys(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => `key ${from + at}`)
}
