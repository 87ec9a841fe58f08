/**
 * The keys of a store, in memory: found by a hash, kept in order, and held as they were by snapshots.
 *
 * A `Map` finds a key's entry; a B+ tree has the same entries in the order of the keys. The tree is brought up to
 * date when somebody asks for the order: setting keys that nobody iterates over costs no tree. Invariants:
 * - The `Map` is right at any time; the tree is, but for the keys in `#unordered`, which may stand in it or not.
 * - An entry that a snapshot can see is never changed, but replaced. The tree's nodes are copied on write.
 */

import { EmptyBTree } from 'sorted-btree'
import type sortedBTree from 'sorted-btree'
import { type ByteString, compact } from './byte-string.ts'

// The class is its default export, which Node and bundlers understand differently in a CommonJS module.
const BTree = EmptyBTree.constructor as typeof sortedBTree.default
type Tree = sortedBTree.default<ByteString, Entry>

/** The most entries of a node. */
const NODE_ENTRIES = 64
/** So many changes of order are kept for later, or twice as many as there are keys. */
const MAX_UNORDERED = 0x1_0000

/** What is known of a key: where its value is. */
export class Entry {
  /** Position of its record in the store's stream: its version. */
  position: number
  /** Place of the value in the cache; -1 for none. */
  cachedAt: number
  /** Bytes of the value, where it is in the cache. */
  length: number
  /** Milliseconds since the Unix epoch; 0 for never. */
  expiresAt: number
  /** How many snapshots had been taken when it came. */
  readonly epoch: number

  constructor(
    position: number,
    cachedAt: number,
    length: number,
    expiresAt: number,
    epoch: number,
  ) {
    this.position = position
    this.cachedAt = cachedAt
    this.length = length
    this.expiresAt = expiresAt
    this.epoch = epoch
  }
}

/** Keys in order, as they were at one time. */
export class OrderedKeys {
  readonly #tree: Tree

  constructor(tree: Tree) {
    this.#tree = tree
  }

  get(key: ByteString): Entry | undefined {
    return this.#tree.get(key)
  }

  /** Those with `from <= key < until`, in order or backwards. */
  range(from: ByteString, until: ByteString | undefined, reverse: boolean): Cursor {
    const last = reverse ? from : until
    if (this.#tree.isEmpty) return new Cursor(this.#tree.entries(), last, reverse)
    // One array for all pairs: what is in it is taken before the next comes.
    const pair: (ByteString | Entry)[] = []
    const pairs = reverse
      ? this.#tree.entriesReversed(until, pair, true)
      : this.#tree.entries(from, pair)
    return new Cursor(pairs, last, reverse)
  }
}

/** A place among keys in order. */
export class Cursor {
  key: ByteString = ''
  entry!: Entry
  readonly #pairs: Iterator<[ByteString, Entry]>
  readonly #last: ByteString | undefined
  readonly #reverse: boolean

  constructor(
    pairs: Iterator<[ByteString, Entry]>,
    last: ByteString | undefined,
    reverse: boolean,
  ) {
    this.#pairs = pairs
    this.#last = last
    this.#reverse = reverse
  }

  /** Goes on to the next one; whether there is one. */
  next(): boolean {
    const { done, value } = this.#pairs.next()
    if (done === true) return false
    const key = value[0]
    const last = this.#last
    if (last !== undefined && (this.#reverse ? key < last : key >= last)) return false
    this.key = key
    this.entry = value[1]
    return true
  }
}

export class KeyTable {
  readonly #byKey = new Map<ByteString, Entry>()
  #tree: Tree = emptyTree()
  #unordered: ByteString[] = []
  #epoch = 0
  #snapshots = 0

  get size(): number {
    return this.#byKey.size
  }

  /** Whether anybody may see entries as they were. */
  get isHeld(): boolean {
    return this.#snapshots > 0
  }

  find(key: ByteString): Entry | undefined {
    return this.#byKey.get(key)
  }

  /** @param known the key's entry, if it has one */
  put(
    key: ByteString,
    known: Entry | undefined,
    position: number,
    cachedAt: number,
    length: number,
    expiresAt: number,
  ): void {
    if (known !== undefined && (this.#snapshots === 0 || known.epoch === this.#epoch)) {
      known.position = position
      known.cachedAt = cachedAt
      known.length = length
      known.expiresAt = expiresAt
      return
    }
    const own = known === undefined ? compact(key) : key
    this.#byKey.set(own, new Entry(position, cachedAt, length, expiresAt, this.#epoch))
    this.#reorder(own)
  }

  /** Takes a key that is not there yet, in a string of its own. */
  restore(key: ByteString, position: number, expiresAt: number): void {
    this.#byKey.set(key, new Entry(position, -1, 0, expiresAt, this.#epoch))
    this.#unordered.push(key)
  }

  remove(key: ByteString): void {
    if (this.#byKey.delete(key)) this.#reorder(key)
  }

  /** All keys, in no order; goes on while they change. */
  entries(): IterableIterator<[ByteString, Entry]> {
    return this.#byKey.entries()
  }

  /** Keys in order as they are now, while nothing changes. */
  ordered(): OrderedKeys {
    this.#order()
    return new OrderedKeys(this.#tree)
  }

  /** Keys in order as they are now and stay, until `release` has been called as often as this. */
  hold(): OrderedKeys {
    this.#order()
    this.#epoch++
    this.#snapshots++
    return new OrderedKeys(this.#tree.clone())
  }

  /** Holds what is held already once more. */
  share(): void {
    this.#snapshots++
  }

  release(): void {
    this.#snapshots--
  }

  #reorder(key: ByteString): void {
    const unordered = this.#unordered
    unordered.push(key)
    if (unordered.length > MAX_UNORDERED && unordered.length > 2 * this.#byKey.size) this.#order()
  }

  #order(): void {
    const changed = this.#unordered
    if (changed.length === 0) return
    this.#unordered = []
    if (changed.length > this.#byKey.size / 4) {
      const tree = emptyTree()
      for (const key of [...this.#byKey.keys()].sort()) tree.set(key, this.#byKey.get(key)!)
      this.#tree = tree
      return
    }
    for (const key of changed) {
      const entry = this.#byKey.get(key)
      if (entry === undefined) this.#tree.delete(key)
      else this.#tree.set(key, entry)
    }
  }
}

function emptyTree(): Tree {
  return new BTree<ByteString, Entry>(undefined, compare, NODE_ENTRIES)
}

function compare(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a === b ? 0 : 1
}
