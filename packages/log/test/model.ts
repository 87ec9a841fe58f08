/** The log as it should be, in memory: what the model test compares the real one with. */

import { expect } from 'vitest'
import type { EntryAttributes, Log, LogEntry, Stream } from '../src/index.ts'
import { numbered } from './payloads.ts'

export interface ModelEntry extends EntryAttributes {
  readonly data: Uint8Array
}

/** One stream: the plain log counts from 1, the others from 0. */
export class ModelStream {
  /** Index of `entries[0]`, also when that was truncated away. */
  readonly base: number
  first: number
  readonly entries: ModelEntry[] = []
  /** How many of the entries have been acknowledged. */
  acknowledged = 0
  /** Whether it ever had an entry. */
  written = false
  /** How often its end was cut: what was acknowledged before may be gone. */
  cuts = 0

  constructor(first: number) {
    this.base = first
    this.first = first
  }

  get next(): number {
    return this.base + this.entries.length
  }

  truncate(lastKept: number): void {
    this.cuts++
    this.entries.length = Math.min(this.entries.length, lastKept + 1 - this.base)
    this.acknowledged = Math.min(this.acknowledged, this.entries.length)
  }
}

export class Model {
  readonly plain: ModelStream = new ModelStream(1)
  readonly named = new Map<string, ModelStream>()
  /** Checks that appends not waited for so far are acknowledged with the right index. */
  readonly #pending: Promise<void>[] = []
  #appended = 0

  stream(name: string | undefined): ModelStream {
    if (name === undefined) return this.plain
    let stream = this.named.get(name)
    if (stream === undefined) {
      stream = new ModelStream(0)
      this.named.set(name, stream)
    }
    return stream
  }

  /** New entries of these sizes, each with other bytes. */
  create(sizes: readonly number[], attributes: EntryAttributes): ModelEntry[] {
    return sizes.map((size) => ({ data: numbered(this.#appended++, size), ...attributes }))
  }

  /** Notes entries that have been appended, and the promise of their indexes. */
  append(stream: ModelStream, entries: ModelEntry[], indexes: Promise<number | number[]>): void {
    const first = stream.next
    stream.entries.push(...entries)
    const { next, cuts } = stream
    if (entries.length > 0) stream.written = true
    this.#pending.push(
      indexes.then((given) => {
        expect([given].flat()).toEqual(entries.map((_, at) => first + at))
        // An empty batch is acknowledged at once, and says nothing of what came before it.
        const reached = entries.length === 0 || stream.cuts > cuts ? 0 : next - stream.base
        stream.acknowledged = Math.max(stream.acknowledged, reached)
      }),
    )
  }

  /** Notes entries that have been committed as one, each to its stream, and the promise of their positions. */
  commit(
    entries: readonly (readonly [ModelStream, ModelEntry])[],
    positions: Promise<number[]>,
  ): void {
    const expected = entries.map(([stream, entry]) => {
      stream.entries.push(entry)
      stream.written = true
      return stream.next - 1
    })
    const reached = new Map(
      entries.map(([stream]) => [stream, { count: stream.entries.length, cuts: stream.cuts }]),
    )
    this.#pending.push(
      positions.then((given) => {
        expect(given).toEqual(expected)
        for (const [stream, { count, cuts }] of reached) {
          if (stream.cuts === cuts) stream.acknowledged = Math.max(stream.acknowledged, count)
        }
      }),
    )
  }

  /** Notes a call that must be refused with this code. */
  refuse(call: Promise<unknown>, code: string): void {
    this.#pending.push(expect(call).rejects.toMatchObject({ code }))
  }

  /** Notes an entry whose index `appendSync` has returned: everything before it is there too. */
  appended(stream: ModelStream, entry: ModelEntry): void {
    stream.entries.push(entry)
    stream.written = true
    stream.acknowledged = stream.entries.length
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0))
  }

  /** Compares entries that were read with those that should have been, from an index on. */
  compare(stream: ModelStream, from: number, read: readonly LogEntry[]): void {
    read.forEach((entry, at) => {
      const index = Math.max(from, stream.first) + at
      const expected = stream.entries[index - stream.base]!
      expect(entry.index).toBe(index)
      expect(Buffer.compare(entry.data, expected.data)).toBe(0)
      expect(entry.term).toBe(expected.term ?? 0n)
      expect(entry.transactionId).toBe(expected.transactionId ?? '')
      if (expected.timestamp !== undefined) expect(entry.timestamp).toBe(expected.timestamp)
    })
  }

  /** What can be read is never less than what was acknowledged, nor more than what was appended. */
  checkEnd(stream: ModelStream, real: Log | Stream): number {
    const next = 'next' in real ? real.next : real.nextIndex
    expect(next - stream.base).toBeGreaterThanOrEqual(stream.acknowledged)
    expect(next).toBeLessThanOrEqual(Math.max(stream.first, stream.next))
    return next
  }
}
