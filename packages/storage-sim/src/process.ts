/** A process on the simulated machine: the storage it sees, its clock, and its chance. */

import {
  type Environment,
  type Holder,
  type Lock,
  LockedError,
  type OpenMode,
  type Storage,
  type StorageFile,
} from '@walrus/segment'
import { SimulatedFile } from './file.ts'
import type { End, Kernel, Process } from './kernel.ts'
import type { NameEffect } from './tree.ts'

/** How it looks to the process. */
export interface StorageTraits {
  readonly align: number
  readonly zeroAhead: boolean
}

/** What one process sees of a simulated disk. Made by `disk.process()`. */
export class SimulatedStorage implements Storage, Process {
  readonly name = 'sim'
  readonly align: number
  readonly canView = false
  readonly zeroAhead: boolean
  readonly env: Environment
  /** How it was ended; `undefined` while it lives. Set by the simulation. */
  end: End | undefined
  /** The files it has opened and not closed: what is in here at its end was forgotten. */
  readonly openFiles: Set<StorageFile> = new Set()
  readonly #kernel: Kernel

  /** @internal */
  constructor(kernel: Kernel, { align, zeroAhead }: StorageTraits) {
    this.#kernel = kernel
    this.align = align
    this.zeroAhead = zeroAhead
    this.env = environmentOf(kernel, this)
    kernel.started(this)
  }

  get pid(): number {
    return this.env.pid
  }

  /** Ends the process at once, as `kill -9` does: what it has written stays, what it has under way in any part. */
  kill(): void {
    this.#kernel.end(this, 'killed')
  }

  lock(dir: string): Promise<Lock> {
    return this.#kernel.later(this, 'lock', dir, () => this.#lock(dir))
  }

  locked(dir: string): Promise<Holder | undefined> {
    return this.#kernel.later(this, 'locked', dir, () => {
      for (const [directory, { holder }] of this.#kernel.locks) {
        if (directory === this.#find(dir)) return holder
      }
      return undefined
    })
  }

  list(dir: string): Promise<string[]> {
    return this.#kernel.later(this, 'list', dir, () => [
      ...this.#kernel.tree.directory(dir, 'list').names.keys(),
    ])
  }

  open(path: string, mode: OpenMode): Promise<StorageFile> {
    const act = (): StorageFile => this.#open(path, mode)
    if (mode !== 'create') return this.#kernel.later(this, 'open', path, act)
    return this.#kernel.later(this, 'create', path, act, { kind: 'create', path })
  }

  openSync(path: string, mode: OpenMode): StorageFile {
    const act = (): StorageFile => this.#open(path, mode)
    if (mode !== 'create') return this.#kernel.now(this, 'open', path, act)
    return this.#kernel.now(this, 'create', path, act, { kind: 'create', path })
  }

  mkdir(dir: string): Promise<void> {
    return this.#renaming({ kind: 'mkdir', path: dir })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#renaming({ kind: 'rename', from, path: to })
  }

  renameSync(from: string, to: string): void {
    const effect: NameEffect = { kind: 'rename', from, path: to }
    this.#kernel.now(this, 'rename', to, () => this.#changeName(effect), effect)
  }

  remove(path: string): Promise<void> {
    return this.#renaming({ kind: 'remove', path })
  }

  syncDir(dir: string): Promise<void> {
    const act = (): void => this.#kernel.tree.syncDirectory(dir)
    return this.#kernel.later(this, 'sync directory', dir, act)
  }

  syncDirSync(dir: string): void {
    this.#kernel.now(this, 'sync directory', dir, () => this.#kernel.tree.syncDirectory(dir))
  }

  watch(path: string, changed: () => void): { close(): void } {
    const watcher = { process: this, path, changed }
    this.#kernel.watchers.add(watcher)
    return {
      close: () => {
        this.#kernel.watchers.delete(watcher)
      },
    }
  }

  #renaming(effect: NameEffect): Promise<void> {
    const act = (): void => this.#changeName(effect)
    return this.#kernel.later(this, effect.kind, effect.path, act, effect)
  }

  #changeName(effect: NameEffect): void {
    this.#kernel.tree.do(effect)
    this.#kernel.changed(effect.path)
    if (effect.kind === 'rename') this.#kernel.changed(effect.from)
  }

  #open(path: string, mode: OpenMode): StorageFile {
    const { tree } = this.#kernel
    const node = mode === 'create' ? tree.create(path) : tree.file(path, 'open')
    if (mode === 'create') this.#kernel.changed(path)
    return new SimulatedFile(this.#kernel, this, node, path, mode === 'read')
  }

  #lock(dir: string): Lock {
    const { locks, tree } = this.#kernel
    const directory = tree.directory(dir, 'lock')
    const held = locks.get(directory)
    if (held !== undefined) {
      const { pid, host } = held.holder
      const message = `${dir} is locked by process ${pid} on ${host}`
      throw new LockedError(message, dir, 'running', held.holder)
    }
    const { pid, host } = this.env
    const mine = { process: this, holder: { pid, host, since: this.env.now() } }
    locks.set(directory, mine)
    const epoch = ++directory.epoch
    return {
      epoch,
      release: async () => {
        if (locks.get(directory) === mine) locks.delete(directory)
      },
    }
  }

  #find(dir: string): unknown {
    try {
      return this.#kernel.tree.find(dir, 'look up')
    } catch {
      return undefined
    }
  }
}

function environmentOf(kernel: Kernel, process: Process): Environment {
  const unlessEnded = (run: () => void) => () => {
    if (process.end === undefined) run()
  }
  return {
    now: () => Math.floor(kernel.schedule.now),
    elapsed: () => kernel.schedule.now,
    random(into) {
      for (let at = 0; at < into.length; at++) into[at] = kernel.randomness() * 256
    },
    after(ms, run) {
      return { cancel: kernel.schedule.add(ms, unlessEnded(run), true) }
    },
    soon(run) {
      kernel.schedule.add(0, unlessEnded(run), false)
    },
    bootId: `boot ${kernel.boots}`,
    pid: ++kernel.lastPid,
    host: 'simulation',
  }
}
