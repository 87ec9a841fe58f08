/**
 * What a disk would still hold after a power loss.
 *
 * Follows every change that goes to a directory and every sync of it. Of what was not synced, any 512-byte sector may
 * have reached the disk or not, sizes may lag, and names may be those of any moment since the directory's last sync, or any mixture.
 */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pick, type Random } from './random.ts'

const SECTOR = 512

/** A file, whatever its name. */
export interface Inode {
  /** What it holds now. */
  current: Buffer
  /** What a power loss leaves of it for certain. */
  durable: Buffer
}

type NameChange = (names: Map<string, Inode>) => void

export class PowerModel {
  readonly #dir: string
  readonly #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  /** For each directory, what happened to its names since its last sync. */
  readonly #unsynced = new Map<string, NameChange[]>()

  /** Begins with what is in `dir` now, all of it durable. */
  constructor(dir: string) {
    this.#dir = dir
    for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
      const path = join(dir, name)
      if (!statSync(path).isFile()) continue
      const bytes = readFileSync(path)
      const inode = { current: bytes, durable: Buffer.from(bytes) }
      this.#names.set(path, inode)
      this.#durableNames.set(path, inode)
    }
  }

  inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw new Error(`the power model does not know ${path}`)
    return inode
  }

  created(path: string): void {
    const inode: Inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0) }
    this.#change(path, (names) => names.set(path, inode))
  }

  renamed(from: string, to: string): void {
    const inode = this.inode(from)
    const move: NameChange = (names) => {
      names.delete(from)
      names.set(to, inode)
    }
    this.#change(from, move)
    if (dirname(from) !== dirname(to)) this.#pending(to).push(move)
  }

  removed(path: string): void {
    this.#change(path, (names) => names.delete(path))
  }

  wrote(inode: Inode, bytes: Uint8Array, at: number, durable: boolean): void {
    inode.current = patched(inode.current, bytes, at)
    if (durable) inode.durable = patched(inode.durable, bytes, at)
  }

  truncated(inode: Inode, size: number): void {
    inode.current = resized(inode.current, size)
  }

  synced(inode: Inode): void {
    inode.durable = Buffer.from(inode.current)
  }

  syncedDirectory(dir: string): void {
    for (const change of this.#unsynced.get(dir) ?? []) change(this.#durableNames)
    this.#unsynced.delete(dir)
  }

  /** Writes what the disk holds into `into`: with `random` some of what was not synced, without it nothing of that. */
  lose(into: string, random: Random | undefined): void {
    const names = new Map(this.#durableNames)
    for (const changes of this.#unsynced.values()) {
      for (const change of random === undefined ? [] : kept(changes, random)) change(names)
    }
    // Some disks write back nearly everything, some nearly nothing.
    const share = random === undefined ? 0 : pick(random, 5) / 4
    for (const [path, inode] of names) {
      const target = join(into, path.slice(this.#dir.length))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, random === undefined ? inode.durable : remains(inode, random, share))
    }
  }

  #change(path: string, change: NameChange): void {
    change(this.#names)
    this.#pending(path).push(change)
  }

  #pending(path: string): NameChange[] {
    const dir = dirname(path)
    const changes = this.#unsynced.get(dir) ?? []
    this.#unsynced.set(dir, changes)
    return changes
  }
}

/** Some of the changes of names: mostly the first few, as a journal would keep them; now and then any of them. */
function kept(changes: readonly NameChange[], random: Random): readonly NameChange[] {
  if (random() < 0.3) return changes.filter(() => random() < 0.5)
  return changes.slice(0, pick(random, changes.length + 1))
}

/** A file of which each unsynced sector was written back with a chance of `share`. */
function remains({ current, durable }: Inode, random: Random, share: number): Buffer {
  const longer = Math.max(current.length, durable.length)
  const length = durable.length + pick(random, longer - durable.length + 1)
  const left = resized(durable, share === 1 ? longer : length)
  const now = resized(current, longer)
  for (let at = 0; at < left.length; at += SECTOR) {
    if (random() < share) now.copy(left, at, at, Math.min(at + SECTOR, left.length))
  }
  return left
}

function resized(bytes: Buffer, size: number): Buffer {
  const copy = Buffer.alloc(size)
  bytes.copy(copy)
  return copy
}

function patched(bytes: Buffer, patch: Uint8Array, at: number): Buffer {
  const size = Math.max(bytes.length, at + patch.length)
  const copy = size > bytes.length ? resized(bytes, size) : bytes
  copy.set(patch, at)
  return copy
}
