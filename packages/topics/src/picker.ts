/**
 * Which entry a group hands out next: one that has come back, or the first one nobody has had.
 *
 * Invariants: an entry is with one member at a time; while entries are handed out in order by key, no entry is picked
 * before those with its key that come earlier are acknowledged.
 */

import type { Stream } from '@walrus/log'
import type { TopicEntry } from './cursor-options.ts'
import type { Engine } from './engine.ts'
import { hasCode } from './errors.ts'
import type { ResolvedGroupOptions } from './group-options.ts'
import type { Lease } from './group-state.ts'
import { ReadAhead } from './read-ahead.ts'
import type { CursorState } from './topic-state.ts'

/** An entry that is to be handed out, and for the how manieth time. */
export interface Picked {
  readonly entry: TopicEntry
  readonly attempts: number
}

/** What a picker needs of its topic. */
export interface PickerHost {
  /** Its number in records. */
  readonly number: number
  readonly stream: Stream
  readonly first: number
}

export class Picker {
  readonly #engine: Engine
  readonly #topic: PickerHost
  readonly #cursor: CursorState
  readonly #options: ResolvedGroupOptions
  readonly #ahead: ReadAhead
  /** What members have, by position: for the how manieth time. */
  readonly #held = new Map<number, number>()
  /** Positions whose records are on their way. */
  readonly #reserved = new Set<number>()
  /** The first position that was not looked at. */
  #frontier: number
  /** When the next lease has to be looked at. */
  #nextDue = 0
  /** Entries that can be picked, and that nobody has had. */
  readonly #ready: TopicEntry[] = []
  /** The keys of entries that are not acknowledged, and who waits behind them. */
  readonly #keys = new Map<string, TopicEntry[]>()
  readonly #keyOf = new Map<number, string>()
  #waiting = 0

  constructor(
    engine: Engine,
    topic: PickerHost,
    cursor: CursorState,
    options: ResolvedGroupOptions,
  ) {
    this.#engine = engine
    this.#topic = topic
    this.#cursor = cursor
    this.#options = options
    this.#ahead = new ReadAhead(topic.stream, engine.pool)
    this.#frontier = cursor.position
  }

  /** Learns the keys of what was handed out before: nothing that comes later may overtake it. */
  async load(): Promise<void> {
    if (this.#options.key === undefined) return
    for (const position of this.#cursor.group?.leases.keys() ?? []) {
      const entry = await this.#get(position)
      if (entry !== undefined) this.#blocks(entry)
    }
  }

  /** When something comes back by itself. */
  get nextDue(): number {
    return this.#nextDue
  }

  /** Picks an entry. It is reserved until `handedOut`, `done` or `failed` says what became of it. */
  async pick(): Promise<Picked | undefined> {
    const picked = (await this.#returned()) ?? this.#ready.shift() ?? (await this.#fresh())
    if (picked === undefined) return undefined
    const found = 'entry' in picked ? picked : { entry: picked, attempts: 1 }
    this.#reserved.add(found.entry.index)
    return found
  }

  /** A picked entry is with a member until `due`. */
  handedOut({ entry, attempts }: Picked, due: number): void {
    this.#reserved.delete(entry.index)
    this.#held.set(entry.index, attempts)
    this.#nextDue = Math.min(this.#nextDue, due)
  }

  /** A picked entry could not be handed out. */
  failed({ entry, attempts }: Picked): void {
    this.#reserved.delete(entry.index)
    if (attempts === 1 && !this.#isLeased(entry.index)) this.#ready.unshift(entry)
    this.#nextDue = 0
  }

  /** Whether a member still has what it was handed; then nobody else gets it before `settled` says so. */
  reserve(position: number, attempts: number): boolean {
    if (this.#held.get(position) !== attempts || this.#reserved.has(position)) return false
    this.#reserved.add(position)
    return true
  }

  /** What a member had is settled: acknowledged, given back until `due`, or still with it. */
  settled(position: number, what: 'acknowledged' | 'returned' | 'held', due = 0): void {
    this.#reserved.delete(position)
    if (what !== 'held') this.#held.delete(position)
    if (what === 'acknowledged') this.#unblocks(position)
    else this.#nextDue = Math.min(this.#nextDue, due)
  }

  #isLeased(position: number): boolean {
    return this.#cursor.group?.leases.has(position) === true
  }

  /** The first entry that has come back: its deadline has passed, its delay is over, or its member is no more. */
  async #returned(): Promise<Picked | undefined> {
    const now = this.#engine.env.now()
    if (now < this.#nextDue) return undefined
    const { leases } = this.#cursor.group ?? NOTHING
    for (;;) {
      let first: [number, Lease] | undefined
      let nextDue = Number.POSITIVE_INFINITY
      for (const [position, lease] of leases) {
        if (this.#reserved.has(position)) continue
        // Whoever had it when the process ended does not have it any more.
        const due = lease.returned || this.#held.has(position) ? lease.due : 0
        if (due > now) nextDue = Math.min(nextDue, due)
        else if (first === undefined || position < first[0]) first = [position, lease]
      }
      if (first === undefined) {
        this.#nextDue = nextDue
        return undefined
      }
      const [position, { attempts }] = first
      this.#reserved.add(position)
      const entry = await this.#get(position)
      this.#held.delete(position)
      if (entry !== undefined) return { entry, attempts: attempts + 1 }
      // It was removed from the topic.
      await this.#engine.ledger.write([this.ackOf(position)])
      this.settled(position, 'acknowledged')
    }
  }

  /** The record that says that the group is done with an entry. */
  ackOf(position: number): { kind: 'acked'; topic: number; cursor: number; position: number } {
    return { kind: 'acked', topic: this.#topic.number, cursor: this.#cursor.number, position }
  }

  async #fresh(): Promise<TopicEntry | undefined> {
    const { maxPending } = this.#options
    for (;;) {
      const { leases, done } = this.#cursor.group ?? NOTHING
      const pending = leases.size + done.size + this.#reserved.size + this.#waiting
      if (pending >= maxPending) return undefined
      this.#frontier = Math.max(this.#frontier, this.#topic.first, this.#cursor.position)
      const position = this.#frontier
      if (!(await this.#ahead.fill(position))) return undefined
      const entry = this.#ahead.entries[this.#ahead.at++]!
      this.#frontier = entry.index + 1
      if (leases.has(position) || done.has(position) || this.#reserved.has(position)) continue
      if (this.#blocks(entry)) return entry
    }
  }

  /** Takes an entry's place in the order of its key; whether it is the first there. */
  #blocks(entry: TopicEntry): boolean {
    const { key } = this.#options
    if (key === undefined) return true
    const name = key(entry)
    const behind = this.#keys.get(name)
    if (behind !== undefined) {
      behind.push(entry)
      this.#waiting++
      return false
    }
    this.#keys.set(name, [])
    this.#keyOf.set(entry.index, name)
    return true
  }

  #unblocks(position: number): void {
    const name = this.#keyOf.get(position)
    if (name === undefined) return
    this.#keyOf.delete(position)
    const next = this.#keys.get(name)!.shift()
    if (next === undefined) {
      this.#keys.delete(name)
      return
    }
    this.#waiting--
    this.#keyOf.set(next.index, name)
    this.#ready.push(next)
  }

  async #get(position: number): Promise<TopicEntry | undefined> {
    try {
      return await this.#topic.stream.get(position)
    } catch (error) {
      const isGone = ['WALRUS_INDEX_OUT_OF_RANGE', 'WALRUS_TRUNCATED_AWAY'].some((code) =>
        hasCode(error, code),
      )
      if (isGone) return undefined
      throw error
    }
  }
}

const NOTHING = { leases: new Map<number, Lease>(), done: new Set<number>() }
