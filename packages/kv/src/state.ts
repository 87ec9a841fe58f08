/**
 * What the records of a store make of it, taken in the order of their positions: keys, expiry, and which records
 * still count.
 *
 * A record counts while replaying the stream without it would give another state: the newest one of a key; and a
 * deletion, or what has expired, while an older record of the key may be replayed, that is until a snapshot speaks
 * of it (`forget`).
 */

import type { ByteString } from './byte-string.ts'
import { Expiries } from './expiries.ts'
import { type Entry, KeyTable, type OrderedKeys } from './key-table.ts'
import { LivePositions } from './live-positions.ts'
import type { Record } from './record.ts'

export class State {
  readonly #table = new KeyTable()
  readonly #live = new LivePositions()
  readonly #expiries = new Expiries(({ key, at }) => this.#table.find(key)?.expiresAt === at)
  /** Newest records that say that a key is not there. */
  readonly #tombstones = new Map<ByteString, number>()
  #clears: number[] = []
  readonly #now: () => number
  /** The position behind the last record that was taken. */
  next = 0

  /** @param now milliseconds since the Unix epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  /** When the next key expires; `undefined` when none does. */
  get nextExpiry(): number | undefined {
    return this.#expiries.next
  }

  get size(): number {
    this.expire()
    return this.#table.size
  }

  find(key: ByteString): Entry | undefined {
    const entry = this.#table.find(key)
    if (entry === undefined || entry.expiresAt === 0 || entry.expiresAt > this.#now()) return entry
    return undefined
  }

  /** Whether replaying needs the record at a position, or a snapshot that is held does, or it was not taken yet. */
  isLive(position: number): boolean {
    return position >= this.next || this.#live.has(position)
  }

  /** The oldest record that counts; where there is none, the one that comes next. */
  get firstLive(): number {
    return this.#live.first ?? this.next
  }

  /** All keys, in no order; goes on while they change. */
  entries(): IterableIterator<[ByteString, Entry]> {
    this.expire()
    return this.#table.entries()
  }

  apply(record: Record, position: number): void {
    if (record.type === 'set') this.set(record.key, position, record.expiresAt, -1, 0)
    else if (record.type === 'delete') this.delete(record.key, position)
    else this.clear(record.from, record.until, position)
  }

  /** @param cachedAt place of the value in the cache, or -1 */
  set(
    key: ByteString,
    position: number,
    expiresAt: number,
    cachedAt: number,
    length: number,
  ): void {
    this.next = position + 1
    const known = this.#table.find(key)
    if (known !== undefined) this.#superseded(known)
    else if (this.#tombstones.size > 0) this.#dropTombstone(key)
    this.#live.add(position)
    this.#table.put(key, known, position, cachedAt, length, expiresAt)
    if (expiresAt !== 0) this.#expiries.add({ key, at: expiresAt })
  }

  /** Returns whether the key was there. */
  delete(key: ByteString, position: number): boolean {
    this.next = position + 1
    const wasThere = this.find(key) !== undefined
    this.#remove(key)
    this.#dropTombstone(key)
    this.#tombstones.set(key, position)
    this.#live.add(position)
    return wasThere
  }

  clear(from: ByteString, until: ByteString | undefined, position: number): void {
    this.next = position + 1
    const keys: ByteString[] = []
    for (const at = this.#table.ordered().range(from, until, false); at.next(); ) keys.push(at.key)
    for (const key of keys) this.#remove(key)
    this.#clears.push(position)
    this.#live.add(position)
  }

  /** Everything before a position has been taken, be it as part of a snapshot. */
  reached(position: number): void {
    this.next = position
  }

  /** Takes a key as a snapshot has it. */
  restore(key: ByteString, position: number, expiresAt: number): void {
    this.#live.add(position)
    this.#table.restore(key, position, expiresAt)
    if (expiresAt !== 0) this.#expiries.add({ key, at: expiresAt })
  }

  /** Removes what has expired. */
  expire(): void {
    if (this.#expiries.next === undefined) return
    const now = this.#now()
    for (let due = this.#expiries.take(now); due !== undefined; due = this.#expiries.take(now)) {
      const entry = this.#table.find(due.key)!
      this.#expiries.dropped()
      this.#table.remove(due.key)
      // It hides what the key was before.
      this.#tombstones.set(due.key, entry.position)
    }
  }

  /** Keys as they are now, in order, until `release`. */
  hold(): OrderedKeys {
    this.expire()
    return this.#table.hold()
  }

  /** Holds what is held already once more. */
  share(): void {
    this.#table.share()
  }

  release(): void {
    this.#table.release()
    if (!this.#table.isHeld) this.#live.released()
  }

  /** Keys as they are now, in order, while nothing changes. */
  ordered(): OrderedKeys {
    this.expire()
    return this.#table.ordered()
  }

  /** Nothing before a position will be replayed any more. */
  forget(position: number): void {
    const held = this.#table.isHeld
    for (const [key, at] of this.#tombstones) {
      if (at >= position) continue
      this.#tombstones.delete(key)
      this.#live.remove(at, held)
    }
    const dropped = this.#clears.filter((at) => at < position)
    this.#clears = this.#clears.filter((at) => at >= position)
    for (const at of dropped) this.#live.remove(at, held)
  }

  #remove(key: ByteString): void {
    const entry = this.#table.find(key)
    if (entry === undefined) return
    this.#superseded(entry)
    this.#table.remove(key)
  }

  #superseded(entry: Entry): void {
    this.#live.remove(entry.position, this.#table.isHeld)
    if (entry.expiresAt !== 0) this.#expiries.dropped()
  }

  #dropTombstone(key: ByteString): void {
    const position = this.#tombstones.get(key)
    if (position === undefined) return
    this.#tombstones.delete(key)
    this.#live.remove(position, this.#table.isHeld)
  }
}
