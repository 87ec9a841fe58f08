/**
 * The state of all topics: a view over the stream `topics`, kept by snapshots of itself.
 *
 * Invariant: it is what the records sequenced so far make of it, in their order; records that are taken back are
 * undone, the last one first. What is only planned (a number given to a name that no record has yet) is not in
 * snapshots.
 */

import type { LogEntry } from '@walrus/log'
import { corruptState } from './errors.ts'
import { GroupState } from './group-state.ts'
import { STATE_STREAM } from './names.ts'
import { Producers, type ProducerState } from './producer-state.ts'
import { decodeRecords, encodeRecords, type TopicRecord } from './records.ts'
import { CursorState, TopicState } from './topic-state.ts'

export class TopicsState {
  readonly stream: string = STATE_STREAM
  readonly #byName = new Map<string, TopicState>()
  /** By number: there are few gaps. */
  readonly #byNumber: TopicState[] = []
  readonly #producers: number
  #nextNumber = 0

  /** @param producers how many a topic remembers */
  constructor(producers: number) {
    this.#producers = producers
  }

  restore(data: Uint8Array): void {
    for (const record of decodeRecords(data)) this.perform(record)
  }

  apply(entry: LogEntry): void {
    this.restore(entry.data)
  }

  snapshot(): Iterable<Uint8Array> {
    // All at once: it is a state between two commits, however slowly it is written.
    return encodeRecords(this.#records())
  }

  find(name: string): TopicState | undefined {
    return this.#byName.get(name)
  }

  /** The state of a topic, whether the log knows it or not. */
  topic(name: string): TopicState {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const topic = new TopicState(this.#nextNumber, name)
    this.#add(topic)
    return topic
  }

  topics(): IterableIterator<TopicState> {
    return this.#byName.values()
  }

  /**
   * Takes a record that has been sequenced; returns how to take it back.
   * @throws `WALRUS_CORRUPT` when it speaks of what no record has named
   */
  perform(record: TopicRecord): () => void {
    if (record.kind === 'topic') return this.#declare(record.topic, record.name)
    const topic = this.#byNumber[record.topic]
    if (topic === undefined)
      throw corruptState(`speaks of topic ${record.topic}, which has no name`)
    switch (record.kind) {
      case 'deleted':
        return restoring(topic, DELETED_FIELDS, () => {
          topic.deletedAt = record.position
          topic.front = record.position
          topic.frontBytes = record.bytes
          topic.counted = record.position
          topic.countedBytes = record.bytes ?? 0
          topic.cleanAt = record.position
          topic.cursors = []
          topic.producers = undefined
        })
      case 'counted':
        return restoring(topic, ['counted', 'countedBytes'], () => {
          topic.counted = record.position
          topic.countedBytes = record.bytes ?? 0
        })
      case 'front':
        return restoring(topic, ['front', 'frontBytes'], () => {
          topic.front = record.position
          topic.frontBytes = record.bytes
        })
      case 'clean':
        return restoring(topic, ['cleanAt'], () => {
          topic.cleanAt = record.at
        })
      case 'producer':
        return declareProducer(topic, record.producer, record.name)
      case 'produced':
        return this.#produced(topic, record)
      case 'cursor':
        return restoring(topic, ['cursors'], () => {
          const { cursor: number, name, position, bytes } = record
          const cursor = new CursorState(number, name, position, bytes)
          cursor.created = true
          topic.addCursor(cursor)
        })
      case 'cursorDeleted':
        return restoring(topic, ['cursors'], () => {
          topic.cursors = topic.cursors.filter(({ number }) => number !== record.cursor)
        })
      case 'moved':
      case 'leased':
      case 'returned':
      case 'acked':
        return performOnCursor(topic, record)
    }
  }

  #declare(number: number, name: string): () => void {
    const known = this.#byNumber[number]
    if (known === undefined ? this.#byName.has(name) : known.name !== name) {
      throw corruptState(`gives number ${number} to another topic than before`)
    }
    const topic = known ?? new TopicState(number, name)
    if (known === undefined) this.#add(topic)
    return restoring(topic, ['declared'], () => {
      topic.declared = true
    })
  }

  #add(topic: TopicState): void {
    this.#byName.set(topic.name, topic)
    this.#byNumber[topic.number] = topic
    this.#nextNumber = Math.max(this.#nextNumber, topic.number + 1)
  }

  #produced(topic: TopicState, record: Extract<TopicRecord, { kind: 'produced' }>): () => void {
    const producer = topic.producers?.find(record.producer)
    if (producer === undefined) throw corruptState(`speaks of producer ${record.producer}`)
    const producers = topic.producers!
    const { sequence, position, count, time } = record
    const undo = producer.add({ sequence, position, count }, time)
    producers.heard(producer)
    const forgotten = producers.size > this.#producers ? producers.forgetOldest() : undefined
    return () => {
      undo()
      if (forgotten !== undefined) producers.heard(forgotten)
    }
  }

  *#records(): IterableIterator<TopicRecord> {
    for (const state of this.#byName.values()) {
      if (!state.declared) continue
      const { number: topic, name, deletedAt, front, frontBytes, counted, countedBytes } = state
      yield { kind: 'topic', topic, name }
      // First: it resets the others.
      if (deletedAt > 0) yield { kind: 'deleted', topic, position: deletedAt, bytes: 0 }
      if (front > deletedAt) yield { kind: 'front', topic, position: front, bytes: frontBytes }
      if (counted > deletedAt) {
        yield { kind: 'counted', topic, position: counted, bytes: countedBytes }
      }
      if (state.cleanAt !== deletedAt) yield { kind: 'clean', topic, at: state.cleanAt }
      for (const cursor of state.cursors) yield* cursorRecords(topic, cursor)
      for (const producer of state.producers?.all() ?? []) yield* producerRecords(topic, producer)
    }
  }
}

const DELETED_FIELDS = [
  'deletedAt',
  'front',
  'frontBytes',
  'counted',
  'countedBytes',
  'cleanAt',
  'cursors',
  'producers',
] as const

/** Does something to an object; returns how to restore those of its fields that it changes. */
function restoring<T, K extends keyof T>(
  of: T,
  fields: readonly K[],
  change: () => void,
): () => void {
  const before = fields.map((field) => of[field])
  change()
  return () => {
    fields.forEach((field, at) => {
      of[field] = before[at]!
    })
  }
}

function declareProducer(topic: TopicState, number: number, name: string): () => void {
  topic.producers ??= new Producers()
  const producer = topic.producers.numbered(number, name)
  return restoring(producer, ['declared'], () => {
    producer.declared = true
  })
}

function performOnCursor(
  topic: TopicState,
  record: Extract<TopicRecord, { kind: 'moved' | 'leased' | 'returned' | 'acked' }>,
): () => void {
  const cursor = topic.cursorByNumber(record.cursor)
  // It was deleted between the planning and the sequencing of what moves it.
  if (cursor === undefined) return () => {}
  if (record.kind === 'moved') {
    return restoring(cursor, ['position', 'bytes', 'group'], () => {
      cursor.position = record.position
      cursor.bytes = record.bytes
      cursor.group = undefined
    })
  }
  const { position } = record
  // Of a lease that was given before the cursor was moved beyond.
  if (position < cursor.position) return () => {}
  cursor.group ??= new GroupState()
  if (record.kind !== 'acked') {
    const { attempts, due, kind } = record
    return cursor.group.lease(position, { attempts, due, returned: kind === 'returned' })
  }
  const { floor, undo } = cursor.group.ack(position, cursor.position)
  return restoringMore(
    restoring(cursor, ['position', 'bytes'], () => {
      if (floor > cursor.position) cursor.bytes = undefined
      cursor.position = floor
    }),
    undo,
  )
}

function restoringMore(first: () => void, second: () => void): () => void {
  return () => {
    first()
    second()
  }
}

function* cursorRecords(topic: number, of: CursorState): IterableIterator<TopicRecord> {
  const { number: cursor, name, position, bytes, group } = of
  yield { kind: 'cursor', topic, cursor, name, position, bytes }
  for (const [at, { attempts, due, returned }] of group?.leases ?? []) {
    yield { kind: returned ? 'returned' : 'leased', topic, cursor, position: at, attempts, due }
  }
  for (const at of group?.done ?? []) yield { kind: 'acked', topic, cursor, position: at }
}

function* producerRecords(topic: number, of: ProducerState): IterableIterator<TopicRecord> {
  if (!of.declared || of.recent.length === 0) return
  const { number: producer, name, time } = of
  yield { kind: 'producer', topic, producer, name }
  for (const { sequence, position, count } of of.recent) {
    yield { kind: 'produced', topic, producer, sequence, position, count, time }
  }
}
