/**
 * What a workload tried and what it was told, and what a log may hold afterwards: acknowledged ⊆ recovered ⊆
 * attempted, in order, nothing twice, batches whole or absent, nothing that was not written.
 *
 * Everything that happens in a trace has a number, so that one trace tells what was owed at each moment of it.
 * Every payload begins with its serial number, so that any of them can be told.
 */

import type { Log, Marks } from '@walrus/log'

/** Sizes of payloads hold their serial number. */
export const LEAST_BYTES = 4
/** What `appendSync` under `none` may leave in memory when the process is killed. */
const PROMISED_BYTES = 0x4_0000
const NEVER = Number.POSITIVE_INFINITY

/** An entry that was handed to a log. Times are moments of the trace. */
export interface Attempt {
  readonly serial: number
  readonly stream: string
  readonly data: Uint8Array
  /** Number of the batch it is part of. */
  readonly batch: number | undefined
  readonly at: number
  index: number | undefined
  /** When it was returned by `appendSync` under `none`, perhaps not yet written. */
  promisedAt: number
  acknowledgedAt: number
  durableAt: number
  /** When its append was refused in a way that leaves nothing of it behind. */
  refusedAt: number
  /** When a recovery was found to have come without it: it must never come back. */
  lostAt: number
}

/** Entries of each stream, the plain log's under the empty name. */
export type Contents = ReadonlyMap<string, readonly { index: number; data: Uint8Array }[]>

/** How a log came to its end: killed, without power, or closed; all is owed then, and what was refused is not there. */
export type Ending = 'kill' | 'power' | 'close'

/** A point in a trace at which a crash may come. */
export interface Moment {
  readonly at: number
  readonly marks: Marks
}

export class Trace {
  readonly attempts: Attempt[] = []
  /** Promises that were broken before any crash. */
  readonly broken: string[] = []
  readonly #firstSerial: number
  #at = 0
  #batches = 0
  #marks: () => Marks = () => ({ sequenced: 1, written: 1, durable: 1 })

  /** @param firstSerial so that entries of two traces on one log can be told from one another */
  constructor(firstSerial = 0) {
    this.#firstSerial = firstSerial
  }

  /** The log whose marks are promises, too: what it has called durable once is durable. */
  set log(log: Log) {
    let highest = 0
    this.#marks = () => {
      const { marks } = log
      if (marks.durable < highest) {
        this.broken.push(`the log was durable up to LSN ${highest}, then up to ${marks.durable}`)
      }
      highest = marks.durable
      return marks
    }
  }

  /** This trace as it was at a moment, to go on with from there. */
  from(moment: Moment): Trace {
    const trace = new Trace(this.#firstSerial)
    const until = (at: number): number => (at <= moment.at ? at : NEVER)
    for (const attempt of this.attempts) {
      if (attempt.at > moment.at) break
      const { promisedAt, acknowledgedAt, durableAt, refusedAt, lostAt } = attempt
      const answered = Math.min(promisedAt, acknowledgedAt) <= moment.at
      trace.attempts.push({
        ...attempt,
        index: answered ? attempt.index : undefined,
        promisedAt: until(promisedAt),
        acknowledgedAt: until(acknowledgedAt),
        durableAt: until(durableAt),
        refusedAt: until(refusedAt),
        lostAt: until(lostAt),
      })
    }
    trace.#at = moment.at
    trace.#batches = this.#batches
    trace.#marks = () => moment.marks
    return trace
  }

  /** A writer has recovered, and found this: it is durable from now on, and what is not there never comes back. */
  settle(contents: Contents): void {
    const there = new Map<Attempt, number>()
    for (const [stream, entries] of contents) {
      for (const { index, data } of entries) {
        const attempt = this.find(data, stream)
        if (attempt !== undefined) there.set(attempt, index)
      }
    }
    const now = this.#now()
    for (const attempt of this.attempts) {
      const index = there.get(attempt)
      if (index === undefined) {
        attempt.lostAt = Math.min(attempt.lostAt, now)
        attempt.index = undefined
      } else {
        attempt.index = index
        attempt.acknowledgedAt = Math.min(attempt.acknowledgedAt, now)
        attempt.durableAt = Math.min(attempt.durableAt, now)
      }
    }
  }

  /** Now. */
  moment(): Moment {
    return { at: this.#at, marks: this.#marks() }
  }

  newBatch(): number {
    return ++this.#batches
  }

  /** A new entry of `size` bytes; `from` is what its data shall be a copy of, as far as it goes. */
  attempt(size: number, stream = '', batch?: number, from?: Uint8Array): Attempt {
    const serial = this.#firstSerial + this.attempts.length
    const attempt: Attempt = {
      serial,
      stream,
      data: payload(serial, Math.max(LEAST_BYTES, size), from),
      batch,
      at: this.#now(),
      index: undefined,
      promisedAt: NEVER,
      acknowledgedAt: NEVER,
      durableAt: NEVER,
      refusedAt: NEVER,
      lostAt: NEVER,
    }
    this.attempts.push(attempt)
    return attempt
  }

  /** Its append was answered; `durable`: and that means on disk. */
  acknowledge(attempt: Attempt, index: number, durable: boolean): void {
    this.#place(attempt, index)
    const now = this.#now()
    if (attempt.acknowledgedAt === NEVER) attempt.acknowledgedAt = now
    if (durable && attempt.durableAt === NEVER) attempt.durableAt = now
  }

  /** `appendSync` returned it, perhaps before it was written. */
  promise(attempt: Attempt, index: number): void {
    this.#place(attempt, index)
    attempt.promisedAt = this.#now()
  }

  /** Its append was refused, and that means that it is not in the log. */
  refuse(attempt: Attempt): void {
    attempt.refusedAt = this.#now()
  }

  /** Everything that was promised up to a moment has been written. */
  written(upTo: Moment): void {
    const now = this.#now()
    for (const attempt of this.attempts) {
      if (attempt.promisedAt <= upTo.at && attempt.acknowledgedAt === NEVER) {
        attempt.acknowledgedAt = now
      }
    }
  }

  /** Everything that was answered up to a moment is on disk. */
  durable(upTo: Moment): void {
    const now = this.#now()
    for (const attempt of this.attempts) {
      const { promisedAt, acknowledgedAt } = attempt
      if (Math.min(promisedAt, acknowledgedAt) > upTo.at) continue
      attempt.acknowledgedAt = Math.min(acknowledgedAt, now)
      attempt.durableAt = Math.min(attempt.durableAt, now)
    }
  }

  /** Somebody read this: it is as good as acknowledged. */
  seen(contents: Contents, durable: boolean): void {
    for (const [stream, entries] of contents) {
      for (const { index, data } of entries) {
        const attempt = this.find(data, stream)
        if (attempt === undefined) {
          this.broken.push(`${show(stream, index)} could be read, and was never appended there`)
        } else this.acknowledge(attempt, index, durable)
      }
    }
  }

  /** The attempt that these bytes are of. */
  find(data: Uint8Array, stream: string): Attempt | undefined {
    if (data.length < LEAST_BYTES) return undefined
    const attempt = this.attempts[serialOf(data) - this.#firstSerial]
    if (attempt === undefined || attempt.stream !== stream) return undefined
    return Buffer.compare(attempt.data, data) === 0 ? attempt : undefined
  }

  /** What must be there when it crashes at a moment. */
  owed({ at }: Moment, ending: Ending): Attempt[] {
    const present = this.attempts.filter(({ lostAt }) => lostAt > at)
    if (ending === 'power') return present.filter(({ durableAt }) => durableAt <= at)
    const answered = present.filter(
      ({ promisedAt, acknowledgedAt }) => Math.min(promisedAt, acknowledgedAt) <= at,
    )
    if (ending === 'close') return answered
    let inMemory = 0
    return answered
      .reverse()
      .filter((attempt) => {
        if (attempt.acknowledgedAt <= at) return true
        inMemory += attempt.data.length
        return inMemory > PROMISED_BYTES
      })
      .reverse()
  }

  #now(): number {
    return ++this.#at
  }

  #place(attempt: Attempt, index: number): void {
    const { index: before, stream, serial } = attempt
    if (before !== undefined && before !== index) {
      this.broken.push(
        `entry ${serial} was acknowledged as ${show(stream, before)}, then as ${index}`,
      )
    }
    const other = this.attempts.find(
      (each) => each !== attempt && each.stream === stream && each.index === index,
    )
    if (other !== undefined) {
      this.broken.push(`${show(stream, index)} was given to entries ${other.serial} and ${serial}`)
    }
    attempt.index = index
  }
}

/**
 * What is wrong with a log's contents after a crash, in words; nothing when the promises are kept.
 * @param marks of the log that was recovered, before anything was appended to it
 */
export function violations(
  trace: Trace,
  moment: Moment,
  ending: Ending,
  contents: Contents,
  marks?: Marks,
): string[] {
  const found = [...trace.broken]
  const recovered = new Set<Attempt>()
  for (const [stream, entries] of contents) {
    const first = firstIndex(stream)
    let before = -1
    for (const [place, { index, data }] of entries.entries()) {
      const where = show(stream, index)
      if (index !== first + place) found.push(`${where} stands where ${first + place} must`)
      const attempt = trace.find(data, stream)
      if (attempt === undefined || attempt.at > moment.at) {
        found.push(`${where} holds ${data.length} bytes that were never appended there`)
        continue
      }
      if (ending === 'close' && attempt.refusedAt <= moment.at)
        found.push(`${where} was refused, and is there`)
      if (attempt.lostAt <= moment.at)
        found.push(`${where} was lost in a crash, and is there again`)
      if (attempt.serial <= before) found.push(`${where} is out of order, or a copy`)
      before = attempt.serial
      recovered.add(attempt)
    }
  }
  for (const { stream, index, data, serial } of trace.owed(moment, ending)) {
    const there = contents.get(stream)?.[index! - firstIndex(stream)]
    if (there !== undefined && Buffer.compare(there.data, data) === 0) continue
    const what = there === undefined ? 'lost' : 'another'
    found.push(`${show(stream, index!)} was acknowledged as entry ${serial}, and is ${what}`)
  }
  const last = Math.max(-1, ...[...recovered].map(({ serial }) => serial))
  for (const attempt of trace.attempts) {
    const { at, serial, promisedAt, acknowledgedAt, lostAt } = attempt
    if (at > moment.at || serial >= last) break
    const answered = Math.min(promisedAt, acknowledgedAt) <= moment.at
    if (answered && lostAt > moment.at && !recovered.has(attempt)) {
      found.push(`entry ${serial} is lost, and entry ${last} after it is there`)
    }
  }
  found.push(...tornBatches(trace, moment, recovered))
  if (marks !== undefined) {
    const mark = ending === 'power' ? moment.marks.durable : moment.marks.written
    if (marks.sequenced < mark) {
      const name = ending === 'power' ? 'durable' : 'written'
      found.push(`the log said it was ${name} up to LSN ${mark}, and ends at ${marks.sequenced}`)
    }
  }
  return found
}

/** Batches of which only a part is there. */
function tornBatches(trace: Trace, moment: Moment, there: ReadonlySet<Attempt>): string[] {
  const batches = new Map<number, { there: number; of: number }>()
  for (const attempt of trace.attempts) {
    if (attempt.at > moment.at) break
    if (attempt.batch === undefined) continue
    const batch = batches.get(attempt.batch) ?? { there: 0, of: 0 }
    const more = Number(there.has(attempt))
    batches.set(attempt.batch, { there: batch.there + more, of: batch.of + 1 })
  }
  return [...batches]
    .filter(([, batch]) => batch.there !== 0 && batch.there !== batch.of)
    .map(([batch, { there: some, of }]) => `${some} of the ${of} of batch ${batch} are there`)
}

/** What is wrong with what a reader sees of a log that somebody may be writing: it may see less than there is. */
export function violationsInView(trace: Trace, contents: Contents): string[] {
  const found: string[] = []
  const there = new Set<Attempt>()
  for (const [stream, entries] of contents) {
    for (const [place, { index, data }] of entries.entries()) {
      const attempt = trace.find(data, stream)
      if (attempt !== undefined) there.add(attempt)
      if (index !== firstIndex(stream) + place || attempt === undefined || isGone(attempt)) {
        found.push(`a reader saw ${show(stream, index)}, which is not there`)
      }
    }
  }
  return [...found, ...tornBatches(trace, trace.moment(), there)]
}

function isGone({ lostAt }: Attempt): boolean {
  return lostAt !== NEVER
}

/** Everything in a log. */
export async function contentsOf(log: Log): Promise<Contents> {
  const contents = new Map<string, { index: number; data: Uint8Array }[]>()
  for (const name of ['', ...log.streams()]) {
    const source = name === '' ? log : log.stream(name)
    const entries: { index: number; data: Uint8Array }[] = []
    for (let from = 0; ; from = entries.at(-1)!.index + 1) {
      const batch = await source.read({ from })
      if (batch.length === 0) break
      for (const { index, data } of batch) entries.push({ index, data })
    }
    if (entries.length > 0) contents.set(name, entries)
  }
  return contents
}

/** Whether two logs hold the same. */
export function same(one: Contents, other: Contents): boolean {
  return one.size === other.size && startsWith(one, other) && startsWith(other, one)
}

/** Whether a log holds all that another one does, at the beginning of its streams. */
export function startsWith(longer: Contents, shorter: Contents): boolean {
  return [...shorter].every(([stream, entries]) => {
    const there = longer.get(stream) ?? []
    return entries.every(({ index, data }, at) => {
      const entry = there[at]
      return entry?.index === index && Buffer.compare(entry.data, data) === 0
    })
  })
}

/** The plain log counts from 1, named streams from 0. */
export function firstIndex(stream: string): number {
  return stream === '' ? 1 : 0
}

function show(stream: string, index: number): string {
  return `${stream || 'plain log'}[${index}]`
}

function serialOf(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(0, true)
}

/** What payloads are cut from: nothing in it repeats soon. */
const POOL = Buffer.alloc(0x2_0000)
for (let at = 0, state = 1; at < POOL.length; at += 4) {
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + at
  POOL.writeInt32LE(state | 0, at)
}

function payload(serial: number, size: number, from?: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(size)
  const start = (serial * 4_099) % POOL.length
  for (let at = 0; at < size; at += POOL.length) POOL.copy(bytes, at, start)
  for (let at = POOL.length - start; at < size; at += POOL.length) POOL.copy(bytes, at, 0, start)
  if (from !== undefined) bytes.set(from.subarray(0, size - LEAST_BYTES), LEAST_BYTES)
  bytes.writeUInt32LE(serial, 0)
  return bytes
}
