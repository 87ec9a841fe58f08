/** Appending to a topic: its limits, its count of bytes, and those who wait for entries. */

import {
  type EntryAttributes,
  type EntryInput,
  type Payload,
  type Stream,
  Transaction,
  type WaitOptions,
  type WriteSet,
} from '@walrus/log'
import { checkInteger, checkNames, LATEST_MS } from './checks.ts'
import { type Counted, Counter } from './counter.ts'
import type { Engine } from './engine.ts'
import { batchTooLarge, invalid } from './errors.ts'
import { checkName } from './names.ts'
import { type ProducerOptions, Producing } from './producing.ts'
import { Waiters } from './waiting.ts'

export interface AppendOptions extends EntryAttributes, WaitOptions, Partial<ProducerOptions> {}
export interface BatchAppendOptions extends WaitOptions, Partial<ProducerOptions> {}

type BatchEntry = Payload | EntryInput

/** More than this goes into the log as a transaction, which need not be in memory as a whole. */
const MAX_BATCH_IN_MEMORY = 2 ** 26

export class Appends {
  readonly counter: Counter
  readonly waiters: Waiters = new Waiters()
  /** Whether what was appended has to be written down. */
  #uncounted = false
  readonly #engine: Engine
  readonly stream: Stream
  readonly #name: string
  /** The position after the last entry that is acknowledged, and how many entries are on their way. */
  #acknowledged: number
  #underWay = 0
  #producing: Producing | undefined

  constructor(engine: Engine, name: string, stream: Stream) {
    this.#engine = engine
    this.#name = name
    this.stream = stream
    const { next } = stream
    this.#acknowledged = next
    const { counted = 0, countedBytes = 0 } = engine.state.find(name) ?? {}
    this.counter = new Counter(stream, { position: counted, bytes: countedBytes }, next)
  }

  /** The position the next entry gets, if everything on its way arrives. */
  get expected(): number {
    return this.#acknowledged + this.#underWay
  }

  /** How far it has counted, to be written down, if that needs no reading. */
  takeCount(): Counted | undefined {
    this.#uncounted = false
    return this.counter.counted
  }

  /** Whether nothing is lost without it, once that is written down. */
  get idle(): boolean {
    const { waiting } = this.waiters
    return !this.#uncounted && this.#underWay === 0 && this.#producing === undefined && !waiting
  }

  append(data: Payload, options?: AppendOptions): Promise<number> {
    return options === undefined ? this.#appendPlain(data) : this.#appendWith(data, options)
  }

  async appendBatch(
    entries: readonly BatchEntry[],
    options: BatchAppendOptions = {},
  ): Promise<readonly number[]> {
    checkNames('appendBatch', options, ['signal', 'timeoutMs', 'producer', 'sequence'])
    const { producer, sequence, ...waiting } = options
    const bytes = this.#checkBatch(entries)
    if (entries.length === 0) return []
    return await this.#commit(entries, bytes, producer, sequence, waiting)
  }

  /** Puts an entry into a commit of somebody else's; its number there. */
  put(set: WriteSet, entry: BatchEntry): number {
    return this.#put(set, [entry], bytesOfEntry(entry), () => {})
  }

  /** The topic was deleted up to a position. */
  deleted(position: number): void {
    this.counter.begin(position)
  }

  async #appendPlain(data: Payload): Promise<number> {
    this.#engine.checkOpen()
    this.#underWay++
    // Once the call has returned the bytes are the caller's again.
    const bytes = bytesOfEntry(data)
    let index: number
    try {
      index = await this.stream.append(data)
    } finally {
      this.#underWay--
    }
    this.#arrived(index, 1, bytes)
    return index
  }

  async #appendWith(data: Payload, options: AppendOptions): Promise<number> {
    checkNames('append', options, [
      ...['term', 'timestamp', 'transactionId', 'signal', 'timeoutMs', 'producer', 'sequence'],
    ])
    const { producer, sequence, signal, timeoutMs, ...attributes } = options
    const waiting = {
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    }
    const entry = { data, ...attributes }
    const [index] = await this.#commit([entry], bytesOfEntry(entry), producer, sequence, waiting)
    return index!
  }

  async #commit(
    entries: readonly BatchEntry[],
    bytes: number,
    producer: string | undefined,
    sequence: number | undefined,
    waiting: WaitOptions,
  ): Promise<readonly number[]> {
    const { log } = this.#engine
    this.#engine.checkOpen()
    const { length } = entries
    if (producer !== undefined || sequence !== undefined) {
      const by = checkProducer(producer, sequence)
      // They may have to be put into a commit again, when the caller has changed them.
      const kept = entries.map(copyOf)
      const put = (set: WriteSet): void => void this.#put(set, kept, bytes, () => {})
      return await this.#producers().append(by, length, put, waiting)
    }
    const transaction =
      bytes > MAX_BATCH_IN_MEMORY ? log.begin({ timeoutMs: LATEST_MS }) : undefined
    const batch = transaction ?? log.batch()
    this.#underWay += length
    let isUnderWay = true
    const arrived = (): void => {
      if (isUnderWay) this.#underWay -= length
      isUnderWay = false
    }
    try {
      this.#put(batch, entries, bytes, arrived)
      return await (batch instanceof Transaction
        ? batch.commit(waiting)
        : log.commit(batch, waiting))
    } finally {
      arrived()
      if (transaction?.state === 'pending') transaction.rollback()
    }
  }

  #put(set: WriteSet, entries: readonly BatchEntry[], bytes: number, arrived: () => void): number {
    const number = set.count
    for (const entry of entries) putEntry(set, this.stream, entry)
    let first = 0
    set.join({
      sequenced: (positions) => {
        first = positions[number]!
      },
      acknowledged: () => {
        arrived()
        this.#arrived(first, entries.length, bytes)
      },
    })
    return number
  }

  #arrived(first: number, entries: number, bytes: number): void {
    const next = first + entries
    if (next > this.#acknowledged) this.#acknowledged = next
    this.counter.add(first, entries, bytes)
    if (!this.#uncounted) {
      this.#uncounted = true
      this.#engine.appended(this.#name)
    }
    this.waiters.wake()
  }

  #checkBatch(entries: readonly BatchEntry[]): number {
    if (!Array.isArray(entries)) throw invalid('a batch must be an array of entries')
    const { maxBatchEntries, maxBatchBytes } = this.#engine.options
    if (entries.length > maxBatchEntries) {
      throw batchTooLarge(
        `a batch of ${entries.length} entries is larger than maxBatchEntries, ${maxBatchEntries}`,
      )
    }
    let bytes = 0
    for (const entry of entries as readonly BatchEntry[]) bytes += bytesOfEntry(entry)
    if (bytes > maxBatchBytes) {
      throw batchTooLarge(
        `a batch of ${bytes} bytes is larger than maxBatchBytes, ${maxBatchBytes}`,
      )
    }
    return bytes
  }

  #producers(): Producing {
    const { log, ledger, state, options } = this.#engine
    const host = {
      stream: this.stream,
      state: state.topic(this.#name),
      expected: () => this.expected,
    }
    this.#producing ??= new Producing(log, ledger, host, options.producerAgeMs)
    return this.#producing
  }
}

function checkProducer(producer: unknown, sequence: unknown): ProducerOptions {
  return {
    producer: checkName('a producer', producer),
    sequence: checkInteger('sequence', sequence, 0, Number.MAX_SAFE_INTEGER),
  }
}

/** What is no payload counts nothing: the log refuses it. */
function bytesOfEntry(entry: BatchEntry): number {
  if (typeof entry === 'string') return Buffer.byteLength(entry)
  if (entry instanceof Uint8Array) return entry.length
  const { data } = (entry ?? {}) as Partial<EntryInput>
  return typeof data === 'string' ? Buffer.byteLength(data) : (data?.length ?? 0)
}

function copyOf(entry: BatchEntry): BatchEntry {
  // Not `slice`: that of a Buffer is a view.
  if (entry instanceof Uint8Array) return new Uint8Array(entry)
  if (typeof entry !== 'object' || entry === null) return entry
  const { data } = entry
  return { ...entry, data: data instanceof Uint8Array ? new Uint8Array(data) : data }
}

function putEntry(set: WriteSet, stream: Stream, entry: BatchEntry): void {
  if (typeof entry !== 'object' || entry === null || entry instanceof Uint8Array) {
    set.append(stream, entry)
    return
  }
  const { data, ...attributes } = entry
  if (Object.keys(attributes).length === 0) set.append(stream, data)
  else set.append(stream, data, attributes)
}
