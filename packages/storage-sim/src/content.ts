/**
 * What a file holds: as its readers see it, and as the disk has it.
 *
 * The disk takes whole sectors. Of each sector it has one content for certain, and every later one that was written
 * and not synced may or may not have come after it. Invariant: the newest content of a sector is what readers see.
 */

import { crc32 } from '@walrus/codec'
import type { DataLoss, SizeLoss } from './loss.ts'
import { pick, type Random } from './random.ts'

export const SECTOR_BYTES = 512

/** One unsynced content of a sector. */
interface Version {
  readonly bytes: Uint8Array
  /** Which write it is of, counted over the whole disk from 1. */
  readonly write: number
}

/** One unsynced size. */
interface Size {
  readonly size: number
  readonly write: number
}

/** What decides about the unsynced parts of all files at a power loss. */
export interface Fate {
  readonly data: DataLoss
  readonly size: SizeLoss
  readonly random: Random
  /** The newest write that was not synced, over the whole disk. */
  readonly newest: number
  /** Whether a sector that held synced bytes may be ruined while new ones are written over it. */
  readonly ruins: boolean
}

export class Content {
  #cached: Uint8Array = new Uint8Array(0)
  #size = 0
  #durable: Uint8Array = new Uint8Array(0)
  #durableSize = 0
  /** For each sector that has any, its unsynced contents, oldest first. */
  #versions = new Map<number, Version[]>()
  /** The sizes it had since the one that is durable, oldest first. */
  #sizes: Size[] = []
  /** Whether the arrays are not this copy's alone, or are one and the same. */
  #shared = false
  /** Whether readers see what was neither synced nor will ever be. */
  #dropped = false
  /** Shared by copies until what readers see changes. */
  #known: { checksum?: number } = {}

  get size(): number {
    return this.#size
  }

  /** The newest write in it that is not durable; 0 when there is none. */
  get newestWrite(): number {
    let newest = 0
    for (const versions of this.#versions.values()) {
      newest = Math.max(newest, versions.at(-1)!.write)
    }
    return newest
  }

  /** A copy with a life of its own. */
  copy(): Content {
    const copy = new Content()
    copy.#cached = this.#cached
    copy.#size = this.#size
    copy.#durable = this.#durable
    copy.#durableSize = this.#durableSize
    for (const [sector, versions] of this.#versions) copy.#versions.set(sector, [...versions])
    copy.#sizes = [...this.#sizes]
    copy.#dropped = this.#dropped
    copy.#known = this.#known
    copy.#shared = true
    this.#shared = true
    return copy
  }

  read(into: Uint8Array, at: number): number {
    const to = Math.min(this.#size, at + into.length)
    if (at >= to) return 0
    into.set(this.#cached.subarray(at, to))
    return to - at
  }

  /** Everything in it, as readers see it. */
  bytes(): Uint8Array {
    return this.#cached.slice(0, this.#size)
  }

  /** CRC-32 of that. */
  get checksum(): number {
    return (this.#known.checksum ??= crc32(this.#cached, 0, 0, this.#size))
  }

  write(from: Uint8Array, at: number, write: number): void {
    if (from.length === 0) return
    this.#known = {}
    const end = at + from.length
    this.#own(end)
    this.#cached.set(from, at)
    if (end > this.#size) this.#resize(end, write)
    this.#note(at, end, write)
  }

  truncate(size: number, write: number): void {
    const before = this.#size
    if (size === before) return
    this.#known = {}
    this.#own(Math.max(size, before))
    this.#cached.fill(0, Math.min(size, before), Math.max(size, before))
    this.#resize(size, write)
    // What was cut off may be on the disk still, and come back if the file grows over it.
    if (size < before) this.#note(size, before, write)
  }

  /** Makes durable what was written up to a write. */
  synced(upTo: number): void {
    this.#own(0)
    for (const [sector, versions] of this.#versions) {
      const later = versions.findIndex(({ write }) => write > upTo)
      const count = later < 0 ? versions.length : later
      if (count === 0) continue
      this.#settle(sector, versions[count - 1]!.bytes)
      versions.splice(0, count)
      if (versions.length === 0) this.#versions.delete(sector)
    }
    const size = this.#sizes.findLast(({ write }) => write <= upTo)
    if (size === undefined) return
    this.#durableSize = size.size
    this.#sizes = this.#sizes.filter(({ write }) => write > upTo)
  }

  /** Makes a range durable as it is, and a size that covers it. */
  syncedRange(at: number, end: number): void {
    if (at === end) return
    this.#own(0)
    for (let sector = sectorOf(at); sector <= sectorOf(end - 1); sector++) {
      const versions = this.#versions.get(sector)
      if (versions === undefined) continue
      this.#settle(sector, versions.at(-1)!.bytes)
      this.#versions.delete(sector)
    }
    if (end <= this.#durableSize) return
    this.#durableSize = end
    this.#sizes = this.#sizes.filter(({ size }) => size > end)
  }

  /** A failed sync: the system takes what was not written for clean, and never writes it. */
  drop(): void {
    this.#versions.clear()
    this.#sizes = []
    this.#dropped = true
  }

  /** After a power loss. */
  lose(fate: Fate): void {
    if (this.#versions.size === 0 && this.#sizes.length === 0 && !this.#dropped) return
    const size = this.#sizeAfter(fate)
    const left = new Uint8Array(roundUp(Math.max(size, this.#durable.length)))
    left.set(this.#durable)
    const sectors = [...this.#versions.keys()].sort((a, b) => a - b)
    for (const [place, sector] of sectors.entries()) {
      const at = sector * SECTOR_BYTES
      if (at >= left.length) continue
      const versions = this.#versions.get(sector)!
      const was = left.subarray(at, at + SECTOR_BYTES)
      const heldNothing = at >= this.#durableSize
      if (isRuined(fate, heldNothing)) {
        for (let byte = 0; byte < was.length; byte++) was[byte] = pick(fate.random, 256)
        continue
      }
      const kept = survivors(fate, versions, place, sectors.length)
      if (kept !== undefined) was.set(kept.bytes)
    }
    left.fill(0, size)
    this.#known = {}
    this.#cached = left
    this.#size = size
    this.#durable = left
    this.#durableSize = size
    this.#versions.clear()
    this.#sizes = []
    this.#dropped = false
    this.#shared = true
  }

  #sizeAfter({ size, random }: Fate): number {
    const sizes = [this.#durableSize, ...this.#sizes.map((unsynced) => unsynced.size)]
    if (size === 'kept') return sizes.at(-1)!
    if (size === 'lost') return this.#durableSize
    return sizes[pick(random, sizes.length)]!
  }

  #resize(size: number, write: number): void {
    this.#size = size
    this.#sizes.push({ size, write })
  }

  /** Notes what the sectors of a range hold now. */
  #note(at: number, end: number, write: number): void {
    const first = sectorOf(at)
    const last = sectorOf(end - 1)
    const now = this.#cached.slice(first * SECTOR_BYTES, (last + 1) * SECTOR_BYTES)
    for (let sector = first; sector <= last; sector++) {
      const from = (sector - first) * SECTOR_BYTES
      const version = { bytes: now.subarray(from, from + SECTOR_BYTES), write }
      const versions = this.#versions.get(sector)
      if (versions === undefined) this.#versions.set(sector, [version])
      else versions.push(version)
    }
  }

  #settle(sector: number, bytes: Uint8Array): void {
    const at = sector * SECTOR_BYTES
    if (this.#durable.length < at + SECTOR_BYTES) {
      this.#durable = grown(this.#durable, at + SECTOR_BYTES)
    }
    this.#durable.set(bytes, at)
  }

  /** Makes the arrays its own, with room for `size` bytes. */
  #own(size: number): void {
    if (this.#shared) {
      this.#cached = this.#cached.slice()
      this.#durable = this.#durable.slice()
      this.#shared = false
    }
    const room = roundUp(size)
    if (this.#cached.length < room) this.#cached = grown(this.#cached, room)
  }
}

/** The unsynced content of a sector that reached the disk last; `undefined` when none did. */
function survivors(
  { data, random, newest }: Fate,
  versions: readonly Version[],
  place: number,
  count: number,
): Version | undefined {
  switch (data) {
    case 'kept':
      return versions.at(-1)
    case 'lost':
    case 'garbage':
      return undefined
    case 'head':
      return place < count / 2 ? versions.at(-1) : undefined
    case 'tail':
      return place >= count / 2 ? versions.at(-1) : undefined
    case 'alternate':
      return place % 2 === 0 ? versions.at(-1) : undefined
    case 'newest':
      return versions.findLast(({ write }) => write === newest)
    case 'older':
      return versions.findLast(({ write }) => write !== newest)
    case 'any': {
      const kept = pick(random, versions.length + 1)
      return kept === 0 ? undefined : versions[kept - 1]
    }
  }
}

function isRuined({ data, random, ruins }: Fate, heldNothing: boolean): boolean {
  if (!heldNothing && !ruins) return false
  if (data === 'garbage') return true
  return data === 'any' && pick(random, 8) === 0
}

function sectorOf(at: number): number {
  return Math.floor(at / SECTOR_BYTES)
}

function roundUp(size: number): number {
  return Math.ceil(size / SECTOR_BYTES) * SECTOR_BYTES
}

function grown(bytes: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(Math.max(size, Math.min(bytes.length * 2, bytes.length + 2 ** 20)))
  copy.set(bytes)
  return copy
}
