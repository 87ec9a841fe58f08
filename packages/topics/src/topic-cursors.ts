/** The cursors of a topic: created, found, listed, deleted. */

import { WalrusError } from '@walrus/codec'
import type { Stream } from '@walrus/log'
import { checkInteger, checkNames, show } from './checks.ts'
import { Cursor } from './cursor.ts'
import type { CursorHost } from './cursor-host.ts'
import type { Place } from './cursor-options.ts'
import type { Engine } from './engine.ts'
import { cursorNotFound, invalid } from './errors.ts'
import { declared, type TopicRecord } from './records.ts'
import type { CursorState } from './topic-state.ts'
import type { Waiters } from './waiting.ts'

/** What is said of a cursor. */
export interface CursorInfo {
  /** Its name; empty for the default cursor. */
  readonly name: string
  /** The position of the entry that comes next. */
  readonly position: number
  /** Entries it has not read. */
  readonly lag: number
  /** Of a group: entries that are handed out, or given back, and not acknowledged. */
  readonly pending: number
}

/** What cursors need of their topic. */
export interface TopicForCursors {
  readonly name: string
  readonly stream: Stream
  readonly waiters: Waiters
  readonly first: number
  readonly end: number
  bytesBefore(position: number): number | undefined
}

export class TopicCursors implements CursorHost {
  readonly #engine: Engine
  readonly #topic: TopicForCursors
  /** Those that are used. */
  #open: readonly Cursor[] = []
  #creating: Map<string, Promise<CursorState>> | undefined

  constructor(engine: Engine, topic: TopicForCursors) {
    this.#engine = engine
    this.#topic = topic
  }

  get name(): string {
    return this.#topic.name
  }

  get stream(): Stream {
    return this.#topic.stream
  }

  get waiters(): Waiters {
    return this.#topic.waiters
  }

  get first(): number {
    return this.#topic.first
  }

  get end(): number {
    return this.#topic.end
  }

  bytesBefore(position: number): number | undefined {
    return this.#topic.bytesBefore(position)
  }

  cursorState(name: string): CursorState | undefined {
    return this.#engine.state.find(this.name)?.cursor(name)
  }

  /** The cursor of a name, whether it was created or not. */
  open(name: string): Cursor {
    const known = this.#find(name)
    if (known !== undefined) return known
    const cursor = new Cursor(this.#engine, this, name)
    // Not a spread: that leaves room for more, and there are many of these.
    this.#open = this.#open.concat(cursor)
    return cursor
  }

  /** Whether a cursor is used. */
  has(name: string): boolean {
    return this.#find(name) !== undefined
  }

  /** @throws `WALRUS_CURSOR_EXISTS` */
  async create(name: string, place: Place): Promise<Cursor> {
    const position = await this.resolve(place)
    if (this.cursorState(name) !== undefined || this.#creating?.has(name) === true) {
      const message = `topic ${JSON.stringify(this.name)} has a cursor ${JSON.stringify(name)}`
      throw new WalrusError('WALRUS_CURSOR_EXISTS', message)
    }
    await this.#create(name, position)
    return this.open(name)
  }

  async ensureCursor(name: string): Promise<CursorState> {
    return (
      this.cursorState(name) ??
      (await (this.#creating?.get(name) ?? this.#create(name, this.first)))
    )
  }

  /** @throws `WALRUS_CURSOR_NOT_FOUND` */
  async delete(name: string): Promise<void> {
    const topic = this.#engine.state.find(this.name)
    const cursor = topic?.cursor(name)
    if (topic === undefined || cursor === undefined) throw cursorNotFound(this.name, name)
    this.#find(name)?.deleted()
    this.#open = this.#open.filter((each) => each.name !== name)
    const record = { kind: 'cursorDeleted', topic: topic.number, cursor: cursor.number } as const
    await this.#engine.ledger.write([record])
    this.#engine.passed(this.name)
  }

  list(): CursorInfo[] {
    const cursors = this.#engine.state.find(this.name)?.cursors ?? []
    return cursors.map(({ name, position: stored, group }) => {
      const position = this.#find(name)?.position ?? Math.max(stored, this.first)
      const pending = group?.leases.size ?? 0
      const done = group?.done.size ?? 0
      return { name, position, lag: Math.max(0, this.end - position - done), pending }
    })
  }

  /** The position that a place is. */
  async resolve(place: Place): Promise<number> {
    if (place === 'start') return this.first
    if (place === 'end') return this.end
    if (typeof place === 'object' && place !== null) {
      if ('position' in place) {
        checkNames('a place', place, ['position'])
        return checkInteger('position', place.position, this.first, this.end)
      }
      checkNames('a place', place, ['time'])
      return Math.max(await this.stream.seek(place.time), this.first)
    }
    throw invalid(`a place is 'start', 'end', { position } or { time }, got ${show(place)}`)
  }

  /** The topic was deleted, and they with it. */
  deleted(): void {
    for (const cursor of this.#open) cursor.deleted()
    this.#open = []
  }

  /** Writes down where they are, and ends them. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((cursor) => cursor.close()))
  }

  /** They forget what can be found again. */
  rest(): void {
    for (const cursor of this.#open) cursor.rest()
  }

  #find(name: string): Cursor | undefined {
    return this.#open.find((cursor) => cursor.name === name)
  }

  #create(name: string, position: number): Promise<CursorState> {
    const created = this.#write(name, position).finally(() => {
      this.#creating?.delete(name)
      if (this.#creating?.size === 0) this.#creating = undefined
    })
    this.#creating ??= new Map()
    this.#creating.set(name, created)
    return created
  }

  async #write(name: string, position: number): Promise<CursorState> {
    const { state, ledger } = this.#engine
    const topic = state.topic(this.name)
    const bytes = this.bytesBefore(position)
    const { number } = topic.newCursor(name, position, bytes)
    const created: TopicRecord = {
      kind: 'cursor',
      topic: topic.number,
      cursor: number,
      name,
      position,
      bytes,
    }
    await ledger.write(declared(topic, [created]))
    return topic.cursor(name) ?? topic.newCursor(name, position, bytes)
  }
}
