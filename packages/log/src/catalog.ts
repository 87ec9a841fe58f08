/**
 * The catalog: which streams a log has, and how far each has got.
 *
 * It is a stream of its own (docs/format.md: "stream declared", "catalog snapshot"), so that a stream's name becomes
 * durable with its first entry, in the same group. Invariants: a stream's number and name never change; `next` only
 * falls when the end of the stream is cut, or a group that was never written is taken back.
 */

import { WalrusError } from '@walrus/codec'
import {
  type Bounds,
  CATALOG_STREAM,
  FIRST_NAMED_STREAM,
  frameBytes,
  PLAIN_STREAM,
  type Postings,
  type SegmentIndex,
} from '@walrus/segment'
import { invalid, show } from './options.ts'
import { type Cut, StreamCuts } from './stream-cuts.ts'

/** The longest name of a stream, in bytes of UTF-8: a name of 1,024 bytes, and what a view puts before it. */
export const MAX_STREAM_NAME_BYTES = 1280

/** A stream as the engine sees it. */
export class StreamState {
  readonly id: number
  readonly name: string
  /** The lowest position the log holds, or would give out first. */
  first: number
  /** The position the next entry gets. */
  next: number
  /** Whether its name stands in the log, so that others can find the stream. */
  declared: boolean
  /** Its part of the index of the segment that is being filled, and that index. */
  postings: Postings | undefined
  postingsOf: SegmentIndex | undefined
  /** Where its end was cut, if it ever was. */
  cuts: StreamCuts | undefined

  constructor(id: number, name: string, first: number, next: number, declared: boolean) {
    this.id = id
    this.name = name
    this.first = first
    this.next = next
    this.declared = declared
  }

  /** LSN of the newest cut of its end that readers must know of. */
  get latestCut(): number {
    return this.cuts?.latest ?? 0
  }

  /** Whether a position that could be read when `latestCut` was `since` has been truncated away. */
  isGone(position: number, since: number): boolean {
    return position < this.first || (this.cuts?.lowestSince(since) ?? position + 1) <= position
  }

  /** Notes that what became of it up to an LSN is not known: readers under way cannot go on. */
  suspect(lsn: number): void {
    this.cuts ??= new StreamCuts([])
    this.cuts.suspect(lsn)
  }

  /**
   * Moves its bounds, as a frame in a segment says.
   * @param lsn the frame's, for those who read meanwhile; none when nobody can
   */
  bound({ first, next, cut }: Bounds, segment: number, lsn: number | undefined): void {
    this.first = first
    this.next = next
    if (!cut) return
    this.cuts ??= new StreamCuts([])
    this.cuts.add(segment, next, lsn)
  }
}

/** A stream's record in a snapshot, or a declaration. The plain log's has an empty name. */
export interface StreamRecord {
  readonly id: number
  readonly name: string
  readonly first: number
  readonly next: number
  readonly cuts: readonly Cut[]
}

export class Catalog {
  readonly plain: StreamState
  readonly own: StreamState = new StreamState(CATALOG_STREAM, '', 0, 0, true)
  readonly #byName = new Map<string, StreamState>()
  readonly #byId = new Map<number, StreamState>()
  #nextId = FIRST_NAMED_STREAM
  /** Whether the bounds of any stream were ever moved. */
  bounded = false
  /** Whether those of the plain log were: without a record it begins where the oldest segment does. */
  #plainBounded = false

  /** @param firstIndex of the plain log, as long as nothing else is said of it */
  constructor(firstIndex: number) {
    this.plain = new StreamState(PLAIN_STREAM, '', firstIndex, firstIndex, true)
    this.#byId.set(PLAIN_STREAM, this.plain)
    this.#byId.set(CATALOG_STREAM, this.own)
  }

  /** The stream of this name; a new one gets a number, and is declared with its first entry. */
  named(name: string): StreamState {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    checkStreamName(name)
    const stream = new StreamState(this.#nextId++, name, 0, 0, false)
    this.#byName.set(name, stream)
    this.#byId.set(stream.id, stream)
    return stream
  }

  /** Notes that a stream's name is put into the log, behind those already there. */
  declare(stream: StreamState): void {
    stream.declared = true
    this.#byName.delete(stream.name)
    this.#byName.set(stream.name, stream)
  }

  find(name: string): StreamState | undefined {
    return this.#byName.get(name)
  }

  byId(id: number): StreamState | undefined {
    return this.#byId.get(id)
  }

  /** The named streams that stand in the log, in the order they were declared. */
  declared(): StreamState[] {
    return [...this.#byName.values()].filter((stream) => stream.declared)
  }

  /** The streams a snapshot must have: those declared, and the plain log when its bounds were moved. */
  recorded(): StreamState[] {
    return this.#plainBounded ? [this.plain, ...this.declared()] : this.declared()
  }

  /** All streams: the plain log and the named ones. */
  all(): StreamState[] {
    return [this.plain, ...this.#byName.values()]
  }

  /**
   * Takes what a declaration or snapshot says.
   * @throws `WALRUS_CORRUPT` when it gives a stream's number to another one, or a stream another number
   */
  restore(record: StreamRecord): void {
    let stream = record.id === PLAIN_STREAM ? this.plain : this.#byName.get(record.name)
    if (stream !== this.#byId.get(record.id)) {
      throw badRecord(`gives number ${record.id} to another stream than before`)
    }
    if (stream === undefined) {
      stream = new StreamState(record.id, record.name, record.first, record.next, true)
      this.#byName.set(record.name, stream)
      this.#byId.set(record.id, stream)
      this.#nextId = Math.max(this.#nextId, record.id + 1)
    }
    if (record.id === PLAIN_STREAM) this.#plainBounded = true
    stream.declared = true
    stream.first = record.first
    stream.next = record.next
    if (stream.cuts !== undefined) stream.cuts.merge(record.cuts)
    else if (record.cuts.length > 0) stream.cuts = new StreamCuts(record.cuts)
    if (record.first > 0 || record.cuts.length > 0) this.bounded = true
  }

  /**
   * Takes what a frame of stream bounds in a segment says.
   * @throws `WALRUS_CORRUPT` when that cannot be
   */
  bound(bounds: Bounds | undefined, segment: number, lsn: number | undefined): void {
    const checked = checkedBounds(bounds)
    this.bounded = true
    if (checked.stream === PLAIN_STREAM) this.#plainBounded = true
    this.#byId.get(checked.stream)?.bound(checked, segment, lsn)
  }

  /** Lets go of the index of a segment that has ended: it is large where there are many streams. */
  release(index: SegmentIndex): void {
    for (const stream of this.all()) {
      if (stream.postingsOf !== index) continue
      stream.postings = undefined
      stream.postingsOf = undefined
    }
  }

  /** Notes that a segment has the positions of a stream that are in it up to `next`. */
  reached(id: number, next: number): void {
    const stream = this.#byId.get(id)
    if (stream !== undefined) stream.next = next
  }
}

export function checkStreamName(name: unknown): void {
  if (typeof name !== 'string' || name === '') {
    throw invalid(`a stream's name must be a non-empty string, got ${show(name)}`)
  }
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_STREAM_NAME_BYTES) {
    throw invalid(`a stream's name may have ${MAX_STREAM_NAME_BYTES} bytes of UTF-8, got ${bytes}`)
  }
  if (/\p{Surrogate}/u.test(name)) throw invalid(`a stream's name must be well-formed Unicode`)
}

/** The body of a declaration. */
export function encodeDeclaration(stream: StreamState): Uint8Array {
  const name = new TextEncoder().encode(stream.name)
  const bytes = new Uint8Array(16 + name.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, stream.id, true)
  view.setBigUint64(8, BigInt(stream.first), true)
  bytes.set(name, 16)
  return bytes
}

/** Bytes that the frame of a declaration takes, at most. */
export function declarationBytes(stream: StreamState): number {
  return frameBytes(16 + 3 * stream.name.length)
}

export function decodeDeclaration(body: Uint8Array): StreamRecord {
  if (body.length < 17) throw badRecord('ends early')
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const first = Number(view.getBigUint64(8, true))
  const name = decodeName(body.subarray(16))
  const record = { id: view.getUint32(0, true), first, next: first, cuts: [], name }
  if (record.id === PLAIN_STREAM) throw badRecord('declares the plain log')
  return possible(record)
}

const RECORD_BYTES = 32
const CUT_BYTES = 16
/** Snapshot frames are filled up to about this size. */
const SNAPSHOT_FRAME_BYTES = 0x1_0000

/** The bodies of the snapshot's frames. */
export function encodeSnapshot(streams: readonly StreamState[]): Uint8Array[] {
  const frames: Uint8Array[] = []
  let parts: Uint8Array[] = []
  let size = 0
  for (const stream of streams) {
    const name = new TextEncoder().encode(stream.name)
    const cuts = stream.cuts?.lasting ?? []
    const record = new Uint8Array(RECORD_BYTES + name.length + cuts.length * CUT_BYTES)
    const view = new DataView(record.buffer)
    view.setUint32(0, stream.id, true)
    view.setUint32(4, name.length, true)
    view.setBigUint64(8, BigInt(stream.first), true)
    view.setBigUint64(16, BigInt(stream.next), true)
    view.setUint32(24, cuts.length, true)
    record.set(name, RECORD_BYTES)
    cuts.forEach(({ segment, next }, number) => {
      const at = RECORD_BYTES + name.length + number * CUT_BYTES
      view.setBigUint64(at, BigInt(segment), true)
      view.setBigUint64(at + 8, BigInt(next), true)
    })
    parts.push(record)
    size += record.length
    if (size >= SNAPSHOT_FRAME_BYTES) {
      frames.push(Buffer.concat(parts))
      parts = []
      size = 0
    }
  }
  if (size > 0) frames.push(Buffer.concat(parts))
  return frames
}

export function decodeSnapshot(body: Uint8Array): StreamRecord[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const records: StreamRecord[] = []
  let at = 0
  while (at < body.length) {
    if (at + RECORD_BYTES > body.length) throw badRecord('ends early')
    const nameEnd = at + RECORD_BYTES + view.getUint32(at + 4, true)
    const end = nameEnd + view.getUint32(at + 24, true) * CUT_BYTES
    if (end > body.length) throw badRecord('ends early')
    const cuts: Cut[] = []
    for (let cut = nameEnd; cut < end; cut += CUT_BYTES) cuts.push(decodeCut(view, cut))
    const record = {
      id: view.getUint32(at, true),
      first: Number(view.getBigUint64(at + 8, true)),
      next: Number(view.getBigUint64(at + 16, true)),
      cuts,
      name: decodeName(body.subarray(at + RECORD_BYTES, nameEnd)),
    }
    records.push(possible(record))
    at = end
  }
  return records
}

/** Refuses a record that no writer makes. */
function possible(record: StreamRecord): StreamRecord {
  const { id, name, first, next, cuts } = record
  const length = Buffer.byteLength(name)
  const named =
    id === PLAIN_STREAM
      ? length === 0
      : id >= FIRST_NAMED_STREAM && length > 0 && length <= MAX_STREAM_NAME_BYTES
  const numbers = [first, next, ...cuts.flatMap((cut) => [cut.segment, cut.next])]
  if (!named || first > next || !numbers.every(Number.isSafeInteger)) {
    throw badRecord('holds what cannot be')
  }
  return record
}

/** Refuses bounds of a stream that no writer makes. */
export function checkedBounds(bounds: Bounds | undefined): Bounds {
  if (bounds === undefined) throw badRecord('says what cannot be of the bounds of a stream')
  return bounds
}

function decodeCut(view: DataView, at: number): Cut {
  const segment = Number(view.getBigUint64(at, true))
  return { segment, next: Number(view.getBigUint64(at + 8, true)) }
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw badRecord('has a name that is not UTF-8', cause)
  }
}

function badRecord(what: string, cause?: unknown): WalrusError {
  return new WalrusError('WALRUS_CORRUPT', `a record of the catalog ${what}`, { cause })
}
