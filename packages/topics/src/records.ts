/**
 * The records of the stream that the state of all topics is in (docs/format.md, "The state of topics").
 *
 * An entry of the stream, and of a snapshot of it, is one record after the other. A record speaks of a topic, a cursor
 * or a producer by its number, which an earlier record, or one before it in the same entry, gave to its name. Numbers
 * are never given again.
 */

import { corruptState } from './errors.ts'
import { ByteReader, ByteWriter } from './varint.ts'

/** Which cursor of which topic. */
interface OfCursor {
  readonly topic: number
  readonly cursor: number
}

/** A place in a topic, and how many bytes of data the entries before it have; `undefined` when nobody has counted. */
interface Place {
  readonly position: number
  readonly bytes: number | undefined
}

export type TopicRecord =
  /** A topic has this number. */
  | { readonly kind: 'topic'; readonly topic: number; readonly name: string }
  /** A topic was deleted: what is before this place is gone, and its cursors and producers. */
  | ({ readonly kind: 'deleted'; readonly topic: number } & Place)
  /** So many bytes has a topic, from its beginning up to here. */
  | ({ readonly kind: 'counted'; readonly topic: number } & Place)
  /** A topic begins here now. */
  | ({ readonly kind: 'front'; readonly topic: number } & Place)
  /** A topic is clean as long as its next position is this one; `undefined`: dirty. */
  | { readonly kind: 'clean'; readonly topic: number; readonly at: number | undefined }
  /** A cursor was created. */
  | ({ readonly kind: 'cursor'; readonly name: string } & OfCursor & Place)
  /** A cursor is here. What a group had beyond is forgotten. */
  | ({ readonly kind: 'moved' } & OfCursor & Place)
  | ({ readonly kind: 'cursorDeleted' } & OfCursor)
  /** An entry was handed out to a member of a group for the `attempts`-th time, until `due`. */
  | ({
      readonly kind: 'leased'
      readonly position: number
      readonly attempts: number
      readonly due: number
    } & OfCursor)
  /** An entry was given back, to come again at `due`. */
  | ({
      readonly kind: 'returned'
      readonly position: number
      readonly attempts: number
      readonly due: number
    } & OfCursor)
  /** A group is done with an entry. */
  | ({ readonly kind: 'acked'; readonly position: number } & OfCursor)
  /** A producer of a topic has this number. */
  | {
      readonly kind: 'producer'
      readonly topic: number
      readonly producer: number
      readonly name: string
    }
  /** A producer has put `count` entries into the topic under a sequence, the first of them at `position`. */
  | {
      readonly kind: 'produced'
      readonly topic: number
      readonly producer: number
      readonly sequence: number
      readonly position: number
      readonly count: number
      readonly time: number
    }

/** The kind of a record is its first byte: the number of its name here. */
const KINDS = [
  'topic',
  'deleted',
  'counted',
  'front',
  'clean',
  'cursor',
  'moved',
  'cursorDeleted',
  'leased',
  'returned',
  'acked',
  'producer',
  'produced',
] as const satisfies readonly TopicRecord['kind'][]

/** An entry is filled up to about this size. */
const ENTRY_BYTES = 0x1_0000

/** The entries that records make. */
export function encodeRecords(records: Iterable<TopicRecord>): Uint8Array[] {
  const writer = new ByteWriter()
  const entries: Uint8Array[] = []
  for (const record of records) {
    encode(writer, record)
    if (writer.length >= ENTRY_BYTES) entries.push(writer.take())
  }
  if (writer.length > 0) entries.push(writer.take())
  return entries
}

function encode(writer: ByteWriter, record: TopicRecord): void {
  writer.number(KINDS.indexOf(record.kind))
  writer.number(record.topic)
  switch (record.kind) {
    case 'topic':
      writer.text(record.name)
      return
    case 'deleted':
    case 'counted':
    case 'front':
      writer.number(record.position)
      optional(writer, record.bytes)
      return
    case 'clean':
      optional(writer, record.at)
      return
    case 'cursor':
      writer.number(record.cursor)
      writer.number(record.position)
      optional(writer, record.bytes)
      writer.text(record.name)
      return
    case 'moved':
      writer.number(record.cursor)
      writer.number(record.position)
      optional(writer, record.bytes)
      return
    case 'cursorDeleted':
      writer.number(record.cursor)
      return
    case 'leased':
    case 'returned':
      writer.number(record.cursor)
      writer.number(record.position)
      writer.number(record.attempts)
      writer.number(record.due)
      return
    case 'acked':
      writer.number(record.cursor)
      writer.number(record.position)
      return
    case 'producer':
      writer.number(record.producer)
      writer.text(record.name)
      return
    case 'produced':
      writer.number(record.producer)
      writer.number(record.sequence)
      writer.number(record.position)
      writer.number(record.count)
      writer.number(record.time)
  }
}

/** @throws `WALRUS_CORRUPT` for bytes that are no records */
export function decodeRecords(bytes: Uint8Array): TopicRecord[] {
  const reader = new ByteReader(bytes)
  const records: TopicRecord[] = []
  while (!reader.done) records.push(decode(reader))
  return records
}

function decode(reader: ByteReader): TopicRecord {
  const kind = KINDS[reader.number()]
  if (kind === undefined) throw corruptState('is of no known kind')
  const topic = reader.number()
  switch (kind) {
    case 'topic':
      return { kind, topic, name: reader.text() }
    case 'deleted':
    case 'counted':
    case 'front':
      return { kind, topic, ...place(reader) }
    case 'clean':
      return { kind, topic, at: optionalIn(reader) }
    case 'cursor':
      return { kind, topic, cursor: reader.number(), ...place(reader), name: reader.text() }
    case 'moved':
      return { kind, topic, cursor: reader.number(), ...place(reader) }
    case 'cursorDeleted':
      return { kind, topic, cursor: reader.number() }
    case 'leased':
    case 'returned':
      return {
        kind,
        topic,
        cursor: reader.number(),
        position: reader.number(),
        attempts: reader.number(),
        due: reader.number(),
      }
    case 'acked':
      return { kind, topic, cursor: reader.number(), position: reader.number() }
    case 'producer':
      return { kind, topic, producer: reader.number(), name: reader.text() }
    case 'produced':
      return {
        kind,
        topic,
        producer: reader.number(),
        sequence: reader.number(),
        position: reader.number(),
        count: reader.number(),
        time: reader.number(),
      }
  }
}

function place(reader: ByteReader): Place {
  return { position: reader.number(), bytes: optionalIn(reader) }
}

/** A number that may be missing: 0 then, else one more. */
function optional(writer: ByteWriter, value: number | undefined): void {
  writer.number(value === undefined ? 0 : value + 1)
}

function optionalIn(reader: ByteReader): number | undefined {
  const value = reader.number()
  return value === 0 ? undefined : value - 1
}

/** Records of a topic, behind the one that gives it its number where the log has none yet. */
export function declared(
  topic: { readonly declared: boolean; readonly number: number; readonly name: string },
  records: readonly TopicRecord[],
): TopicRecord[] {
  const { number, name } = topic
  return topic.declared ? [...records] : [{ kind: 'topic', topic: number, name }, ...records]
}
