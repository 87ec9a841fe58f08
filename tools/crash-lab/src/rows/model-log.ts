/** The log as it should be, in memory: what row 7 compares the real one with. */

import type { EntryAttributes, Log, LogEntry, Stream } from '@walrus/log'
import { firstIndex } from '../oracle.ts'

export interface ModelEntry extends EntryAttributes {
  readonly data: Uint8Array
}

/** One stream: the plain log, or a named one. */
export class ModelStream {
  readonly name: string
  readonly entries: ModelEntry[] = []
  /** How many of the entries have been acknowledged. */
  acknowledged = 0

  constructor(name: string) {
    this.name = name
  }

  get first(): number {
    return firstIndex(this.name)
  }

  get next(): number {
    return this.first + this.entries.length
  }
}

export class Model {
  readonly streams: Map<string, ModelStream> = new Map()
  /** What was not as it should be, in words. */
  readonly found: string[] = []
  readonly #pending: Promise<void>[] = []
  #created = 0

  stream(name: string): ModelStream {
    let stream = this.streams.get(name)
    if (stream === undefined) this.streams.set(name, (stream = new ModelStream(name)))
    return stream
  }

  check(holds: boolean, what: string): void {
    if (!holds) this.found.push(what)
  }

  /** New entries of these sizes, each with other bytes. */
  create(sizes: readonly number[], attributes: EntryAttributes): ModelEntry[] {
    return sizes.map((size) => {
      const start = (++this.#created * 4_099) % (POOL.length - size)
      return { data: POOL.subarray(start, start + size), ...attributes }
    })
  }

  /** Notes entries that have been handed over, and the promise of their indexes. */
  append(stream: ModelStream, entries: ModelEntry[], given: Promise<number | number[]>): void {
    const first = stream.next
    stream.entries.push(...entries)
    const { next, name } = stream
    const settled = given.then(
      (indexes) => {
        const wanted = entries.map((_, at) => first + at)
        this.check(
          [indexes].flat().join() === wanted.join(),
          `${name}: acknowledged as ${[indexes].flat().join()}, not ${wanted.join()}`,
        )
        // An empty batch is acknowledged at once, and says nothing of what came before it.
        const reached = entries.length === 0 ? 0 : next - stream.first
        stream.acknowledged = Math.max(stream.acknowledged, reached)
      },
      (error: unknown) => this.check(false, `${name}: an append gave ${String(error)}`),
    )
    this.#pending.push(settled)
  }

  /** Notes an entry whose index `appendSync` has returned: everything before it is there too. */
  appended(stream: ModelStream, entry: ModelEntry, index: number): void {
    this.check(index === stream.next, `${stream.name}: appendSync gave ${index}`)
    stream.entries.push(entry)
    stream.acknowledged = stream.entries.length
  }

  /** Waits for everything that was handed over. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0))
  }

  /** Compares entries that were read with those that should have been, from an index on. */
  compare(stream: ModelStream, from: number, read: readonly LogEntry[]): void {
    let time = 0
    for (const [at, entry] of read.entries()) {
      const index = Math.max(from, stream.first) + at
      const expected = stream.entries[index - stream.first]
      const where = `${stream.name}[${index}]`
      if (expected === undefined) {
        this.check(false, `${where} was never appended`)
        return
      }
      const { term = 0n, transactionId = '', timestamp = entry.timestamp } = expected
      this.check(entry.index === index, `${where} says that it is ${entry.index}`)
      this.check(Buffer.compare(entry.data, expected.data) === 0, `${where} has other data`)
      this.check(
        entry.term === term &&
          entry.transactionId === transactionId &&
          entry.timestamp === timestamp,
        `${where} has other attributes`,
      )
      this.check(entry.time >= time, `${where} is older than the one before`)
      time = entry.time
    }
  }

  /** What can be read is never less than what was acknowledged, nor more than what was handed over. */
  visible(stream: ModelStream, real: Log | Stream, least: number = stream.acknowledged): number {
    const next = nextOf(real)
    this.check(next - stream.first >= least, `${stream.name} can be read up to ${next} only`)
    this.check(next <= stream.next, `${stream.name} can be read up to ${next}`)
    return next
  }

  /** Everything, with nothing outstanding. */
  async checkAll(log: Log, who: string): Promise<void> {
    const written = [...this.streams.values()].filter(({ entries }) => entries.length > 0)
    const names = written.map(({ name }) => name).filter((name) => name !== '')
    this.check(
      log.streams().toSorted().join() === names.toSorted().join(),
      `${who} has the streams ${log.streams().join()}`,
    )
    for (const stream of written) {
      const real = streamOf(log, stream.name)
      const next = nextOf(real)
      this.check(next === stream.next, `${who} ends ${stream.name} at ${next}, not ${stream.next}`)
      const read = await real.range(0, stream.next)
      this.check(
        read.length === stream.entries.length,
        `${who} reads ${read.length} of ${stream.name}`,
      )
      this.compare(stream, 0, read)
    }
  }
}

export function streamOf(log: Log, name: string): Log | Stream {
  return name === '' ? log : log.stream(name)
}

export function nextOf(real: Log | Stream): number {
  return 'next' in real ? real.next : real.lastIndex + 1
}

/** What payloads are cut from, each in another place: nothing in it repeats soon. */
const POOL = Buffer.alloc(0x4_0000)
for (let at = 0, state = 7; at < POOL.length; at += 4) {
  state = Math.imul(state ^ (state >>> 13), 0x5bd1e995) + at
  POOL.writeInt32LE(state | 0, at)
}
