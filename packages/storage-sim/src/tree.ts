/**
 * Directories: the names as processes see them, and as the disk has them.
 *
 * A new, renamed or removed name is durable once its directory is synced. A rename between two directories is one
 * change, durable as a whole with the first of the two that is synced.
 */

import { dirname, posix, resolve } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { Content, type Fate } from './content.ts'
import type { NameLoss } from './loss.ts'
import { pick, type Random } from './random.ts'

export interface FileNode {
  readonly kind: 'file'
  content: Content
}

export interface Directory {
  readonly kind: 'directory'
  readonly names: Map<string, Node>
  readonly durable: Map<string, Node>
  /** What happened to its names and is not durable, in order. */
  unsynced: NameChange[]
  /** The writer's lock: how many holders it has had. */
  epoch: number
}

export type Node = FileNode | Directory

interface NameChange {
  readonly removes?: { readonly from: Directory; readonly name: string }
  readonly adds?: { readonly to: Directory; readonly name: string; readonly node: Node }
}

/** A change of names that may be done later, or in part of the cases. */
export type NameEffect =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'mkdir'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly from: string }
  | { readonly kind: 'remove'; readonly path: string }

function newDirectory(): Directory {
  return { kind: 'directory', names: new Map(), durable: new Map(), unsynced: [], epoch: 0 }
}

export function failure(code: string, path: string, doing: string, why: string): WalrusError {
  return new WalrusError(code, `cannot ${doing}: ${path}: ${why}`, { file: path })
}

export class Tree {
  #root = newDirectory()

  /** A copy with a life of its own; `files` learns which file became which. */
  copy(files: Map<FileNode, FileNode> = new Map()): Tree {
    const directories = new Map<Directory, Directory>()
    const changes = new Map<NameChange, NameChange>()
    const copyOf = (node: Node): Node => {
      if (node.kind === 'directory') return directoryOf(node)
      const known = files.get(node)
      if (known !== undefined) return known
      const file: FileNode = { kind: 'file', content: node.content.copy() }
      files.set(node, file)
      return file
    }
    const directoryOf = (directory: Directory): Directory => {
      const known = directories.get(directory)
      if (known !== undefined) return known
      const copy = newDirectory()
      directories.set(directory, copy)
      copy.epoch = directory.epoch
      for (const [name, node] of directory.names) copy.names.set(name, copyOf(node))
      for (const [name, node] of directory.durable) copy.durable.set(name, copyOf(node))
      copy.unsynced = directory.unsynced.map(changeOf)
      return copy
    }
    const changeOf = (change: NameChange): NameChange => {
      // The two directories of a rename share it.
      const known = changes.get(change)
      if (known !== undefined) return known
      const { removes, adds } = change
      const copy: NameChange = {
        ...(removes && { removes: { ...removes, from: directoryOf(removes.from) } }),
        ...(adds && { adds: { ...adds, to: directoryOf(adds.to), node: copyOf(adds.node) } }),
      }
      changes.set(change, copy)
      return copy
    }
    const tree = new Tree()
    tree.#root = directoryOf(this.#root)
    return tree
  }

  /** Every file, with its path. */
  *files(directory: Directory = this.#root, above = '/'): Generator<[string, FileNode]> {
    for (const [name, node] of directory.names) {
      const path = posix.join(above, name)
      if (node.kind === 'file') yield [path, node]
      else yield* this.files(node, path)
    }
  }

  find(path: string, doing: string): Node {
    const parts = partsOf(path)
    let node: Node = this.#root
    for (const part of parts) {
      if (node.kind === 'file') {
        throw failure('WALRUS_NOT_A_DIRECTORY', path, doing, 'a name above it is a file')
      }
      const next: Node | undefined = node.names.get(part)
      if (next === undefined) throw failure('WALRUS_NOT_FOUND', path, doing, 'no such file')
      node = next
    }
    return node
  }

  file(path: string, doing: string): FileNode {
    const node = this.find(path, doing)
    if (node.kind === 'file') return node
    throw failure('WALRUS_IO', path, doing, 'it is a directory')
  }

  directory(path: string, doing: string): Directory {
    const node = this.find(path, doing)
    if (node.kind === 'directory') return node
    throw failure('WALRUS_NOT_A_DIRECTORY', path, doing, 'it is a file')
  }

  do(effect: NameEffect): void {
    const { kind, path } = effect
    switch (kind) {
      case 'create':
        this.create(path)
        break
      case 'mkdir':
        this.mkdir(path)
        break
      case 'rename':
        this.rename(effect.from, path)
        break
      case 'remove':
        this.remove(path)
        break
    }
  }

  create(path: string): FileNode {
    const doing = 'create the file'
    const { directory: to, name } = this.#place(path, doing)
    if (to.names.has(name)) throw failure('WALRUS_ALREADY_EXISTS', path, doing, 'it exists')
    const node: FileNode = { kind: 'file', content: new Content() }
    change({ adds: { to, name, node } })
    return node
  }

  mkdir(path: string): void {
    let at = this.#root
    for (const name of partsOf(path)) {
      let node = at.names.get(name)
      if (node === undefined) {
        node = newDirectory()
        change({ adds: { to: at, name, node } })
      }
      if (node.kind === 'file') {
        throw failure('WALRUS_NOT_A_DIRECTORY', path, 'make the directory', 'a file has its name')
      }
      at = node
    }
  }

  rename(from: string, to: string): void {
    const doing = 'rename'
    const node = this.file(from, doing)
    const source = this.#place(from, doing)
    let target: { directory: Directory; name: string }
    try {
      target = this.#place(to, doing)
    } catch (cause) {
      throw new WalrusError('WALRUS_NOT_FOUND', `cannot rename ${from} to ${to}`, {
        cause,
        file: from,
      })
    }
    change({
      removes: { from: source.directory, name: source.name },
      adds: { to: target.directory, name: target.name, node },
    })
  }

  remove(path: string): void {
    this.file(path, 'remove')
    const { directory: from, name } = this.#place(path, 'remove')
    change({ removes: { from, name } })
  }

  syncDirectory(path: string): void {
    const directory = this.directory(path, 'sync the directory')
    for (const done of directory.unsynced.splice(0)) {
      apply(done, 'durable')
      for (const other of [done.removes?.from, done.adds?.to]) {
        if (other === undefined || other === directory) continue
        other.unsynced = other.unsynced.filter((unsynced) => unsynced !== done)
      }
    }
  }

  /** Puts a durable file in a place, with the directories above it, as if it had always been there. */
  put(path: string, bytes: Uint8Array, write: number): void {
    this.mkdir(dirname(resolve(path)))
    const { directory, name } = this.#place(path, 'put')
    const content = new Content()
    content.write(bytes, 0, write)
    content.synced(write)
    const node: FileNode = { kind: 'file', content }
    directory.names.set(name, node)
    directory.durable.set(name, node)
    for (let above = dirname(resolve(path)); above !== dirname(above); above = dirname(above)) {
      this.syncDirectory(dirname(above))
    }
  }

  /** Takes a file away as if it had never been there. */
  take(path: string): void {
    this.file(path, 'remove')
    const { directory, name } = this.#place(path, 'remove')
    directory.names.delete(name)
    directory.durable.delete(name)
    const concerns = ({ removes, adds }: NameChange): boolean =>
      (removes?.from === directory && removes.name === name) ||
      (adds?.to === directory && adds.name === name)
    directory.unsynced = directory.unsynced.filter((unsynced) => !concerns(unsynced))
  }

  /** After a power loss. */
  lose(names: NameLoss, fate: Fate): void {
    const seen = new Set<Directory>()
    const visit = (directory: Directory): void => {
      if (seen.has(directory)) return
      seen.add(directory)
      for (const kept of survivors(directory.unsynced, names, fate.random)) apply(kept, 'durable')
      directory.unsynced = []
      for (const node of directory.durable.values()) if (node.kind === 'directory') visit(node)
    }
    visit(this.#root)
    for (const directory of seen) {
      directory.names.clear()
      for (const [name, node] of directory.durable) directory.names.set(name, node)
    }
    for (const [, { content }] of this.files()) content.lose(fate)
  }

  #place(path: string, doing: string): { directory: Directory; name: string } {
    const name = partsOf(path).at(-1)
    if (name === undefined) throw failure('WALRUS_IO', path, doing, 'it is the root')
    try {
      return { directory: this.directory(dirname(resolve(path)), doing), name }
    } catch (error) {
      // The name of what was asked for, not of what is above it.
      if (!(error instanceof WalrusError)) throw error
      throw failure(error.code, path, doing, 'no such directory')
    }
  }
}

function change(done: NameChange): void {
  apply(done, 'names')
  const { removes, adds } = done
  removes?.from.unsynced.push(done)
  if (adds !== undefined && adds.to !== removes?.from) adds.to.unsynced.push(done)
}

function apply({ removes, adds }: NameChange, to: 'names' | 'durable'): void {
  removes?.from[to].delete(removes.name)
  adds?.to[to].set(adds.name, adds.node)
}

/** Which changes of a directory reached the disk: as a journal keeps them, the first few; now and then any. */
function survivors(
  changes: readonly NameChange[],
  names: NameLoss,
  random: Random,
): readonly NameChange[] {
  if (names === 'lost' || changes.length === 0) return []
  if (names === 'kept') return changes
  if (random() < 0.3) return changes.filter(() => random() < 0.5)
  return changes.slice(0, pick(random, changes.length + 1))
}

function partsOf(path: string): string[] {
  return resolve(path)
    .split(/[/\\]/)
    .filter((part) => part !== '')
}
