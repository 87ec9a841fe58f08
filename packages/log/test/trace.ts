/**
 * What a workload tried to append and what was acknowledged, and what a log may hold after a crash:
 * acknowledged ⊆ recovered ⊆ attempted, in order, nothing twice, batches whole or absent.
 *
 * Every payload begins with its serial number, so that any of them can be told.
 */

import type { Log } from '../src/index.ts'
import { numbered } from './payloads.ts'

/** Sizes of payloads hold their serial number. */
export const LEAST_BYTES = 4

interface Attempt {
  readonly serial: number
  readonly stream: string
  readonly data: Buffer
  /** Number of the batch it is part of. */
  readonly batch: number | undefined
}

interface Acknowledged {
  readonly attempt: Attempt
  readonly index: number
}

/** Entries of each stream, the plain log's under the empty name. */
export type Contents = ReadonlyMap<string, readonly { index: number; data: Uint8Array }[]>

export class Trace {
  readonly attempts: Attempt[] = []
  /** What a killed process must not lose. */
  readonly acknowledged: Acknowledged[] = []
  /** Returned under `none` before it was written; held like the others once it is. */
  readonly promised: Acknowledged[] = []
  /** How many of those a power loss must not take. */
  durable = 0
  #batches = 0

  copy(): Trace {
    const copy = new Trace()
    copy.attempts.push(...this.attempts)
    copy.acknowledged.push(...this.acknowledged)
    copy.promised.push(...this.promised)
    copy.durable = this.durable
    copy.#batches = this.#batches
    return copy
  }

  /** A new entry. */
  attempt(size: number, stream = '', batch?: number): Attempt {
    const serial = this.attempts.length
    const attempt = { serial, stream, data: payload(serial, size), batch }
    this.attempts.push(attempt)
    return attempt
  }

  newBatch(): number {
    return ++this.#batches
  }

  acknowledge(attempt: Attempt, index: number): void {
    this.acknowledged.push({ attempt, index })
  }

  /** Everything returned so far is written, and everything acknowledged is durable. */
  reachedDisk(durable: boolean): void {
    this.acknowledged.push(...this.promised.splice(0))
    if (durable) this.durable = this.acknowledged.length
  }
}

/** What is wrong with a log's contents after a crash, in words; nothing when the promises are kept. */
export function violations(trace: Trace, contents: Contents, mustHold: number): string[] {
  const found: string[] = []
  const serials = new Map<string, number[]>()
  for (const [stream, entries] of contents) {
    const first = stream === '' ? 1 : 0
    const here: number[] = []
    serials.set(stream, here)
    entries.forEach(({ index, data }, at) => {
      const where = `${stream || 'plain log'}[${index}]`
      if (index !== first + at) found.push(`${where} stands where ${first + at} must`)
      const attempt = attemptOf(trace, data)
      if (attempt === undefined || attempt.stream !== stream) {
        found.push(`${where} holds ${data.length} bytes that were never appended there`)
        return
      }
      if (attempt.serial <= (here.at(-1) ?? -1)) found.push(`${where} is out of order, or a copy`)
      here.push(attempt.serial)
    })
  }
  for (const { attempt, index } of [...trace.acknowledged, ...trace.promised].slice(0, mustHold)) {
    const first = attempt.stream === '' ? 1 : 0
    const there = serials.get(attempt.stream)?.[index - first]
    if (there !== attempt.serial) {
      found.push(
        `${attempt.stream || 'plain log'}[${index}] was acknowledged as entry ${attempt.serial}, and is ${there ?? 'lost'}`,
      )
    }
  }
  const recovered = new Set([...serials.values()].flat())
  for (const batch of new Set(trace.attempts.map((attempt) => attempt.batch))) {
    if (batch === undefined) continue
    const members = trace.attempts.filter((attempt) => attempt.batch === batch)
    const kept = members.filter(({ serial }) => recovered.has(serial)).length
    if (kept !== 0 && kept !== members.length) {
      found.push(`${kept} of the ${members.length} entries of batch ${batch} are there`)
    }
  }
  return found
}

/** Everything in a log. */
export async function contentsOf(log: Log): Promise<Contents> {
  const contents = new Map<string, { index: number; data: Uint8Array }[]>()
  for (const name of ['', ...log.streams()]) {
    const entries: { index: number; data: Uint8Array }[] = []
    const source = name === '' ? log : log.stream(name)
    for await (const { index, data } of source.entries()) entries.push({ index, data })
    contents.set(name, entries)
  }
  return contents
}

/** The same contents in a form that is quickly compared: serial numbers by stream. */
export function summary(contents: Contents): Record<string, string> {
  const streams = [...contents].filter(([, entries]) => entries.length > 0)
  return Object.fromEntries(
    streams.map(([stream, entries]) => [
      stream,
      entries.map(({ index, data }) => `${index}:${serialOf(data)}/${data.length}`).join(' '),
    ]),
  )
}

function serialOf(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(0, true)
}

function attemptOf(trace: Trace, data: Uint8Array): Attempt | undefined {
  if (data.length < LEAST_BYTES) return undefined
  const attempt = trace.attempts[serialOf(data)]
  if (attempt === undefined) return undefined
  return attempt.data.equals(data) ? attempt : undefined
}

/** What payloads are cut from, each in another place: nothing in it repeats. */
const POOL = Buffer.from(numbered(0, 0x4_0000))

function payload(serial: number, size: number): Buffer {
  const start = (serial * 4099) % (POOL.length - size)
  const bytes = Buffer.from(POOL.subarray(start, start + size))
  bytes.writeUInt32LE(serial, 0)
  return bytes
}
