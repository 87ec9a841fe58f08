/**
 * What stands between processes and the disk: the order of calls, their faults, and the end of a process.
 *
 * A call is done when its turn comes in simulated time, which may be after that of one that came later. Until then it
 * is under way, and a crash leaves any part of it. The same seed gives the same run.
 */

import type { Holder, StorageFile } from '@walrus/segment'
import type { Fate } from './content.ts'
import { invalidOption, simulationError } from './errors.ts'
import type { Loss } from './loss.ts'
import { pick, type Random, randomFrom } from './random.ts'
import { Schedule } from './schedule.ts'
import { type Directory, type FileNode, failure, type NameEffect, Tree } from './tree.ts'

/** The calls that change a disk, or make a change durable. */
const CHANGING = [
  'create',
  'write',
  'durable write',
  'truncate',
  'sync',
  'mkdir',
  'rename',
  'remove',
  'sync directory',
] as const

/** A call, by what it does. The last six only look. */
export type CallKind =
  | (typeof CHANGING)[number]
  | 'open'
  | 'read'
  | 'size'
  | 'list'
  | 'lock'
  | 'locked'

/** A call in the moment it is done. */
export interface Call {
  readonly kind: CallKind
  readonly path: string
  /** Counted from 0 over all calls of the disk. */
  readonly number: number
  /** Counted from 0 over those that change the disk; `undefined` for one that only looks. */
  readonly change: number | undefined
  readonly pid: number
  /** Of a write, the bytes of the file it goes to: from `from` up to, and without, `to`. */
  readonly range: { readonly from: number; readonly to: number } | undefined
}

/** A call when it begins; in which order calls are done is not known yet. */
export type BegunCall = Pick<Call, 'kind' | 'path' | 'pid' | 'range'>

/**
 * What becomes of a call. `EIO`: it fails; a write may have been done in part, and a sync may have dropped what it
 * could not write, so that no later one writes it. `ENOSPC`: as with a full disk. `EACCES`: refused. `kill`: the
 * process dies in it. `power`: the machine does.
 */
export type Fault = 'EIO' | 'ENOSPC' | 'EACCES' | 'kill' | 'power'

/** How a process ended before its time. */
export type End = 'killed' | 'power lost'

/** A process, as the kernel knows it. */
export interface Process {
  readonly pid: number
  end: End | undefined
  readonly openFiles: Set<StorageFile>
}

/** A change that is under way. */
export type Effect =
  | NameEffect
  | {
      readonly kind: 'write'
      readonly node: FileNode
      readonly from: Uint8Array
      readonly at: number
    }
  | { readonly kind: 'truncate'; readonly node: FileNode; readonly size: number }

interface Held {
  readonly process: Process
  readonly holder: Holder
}

interface Watcher {
  readonly process: Process
  readonly path: string
  readonly changed: () => void
}

/** A file takes disk space in blocks of so many bytes. */
const BLOCK_BYTES = 4096

const CODES = {
  EIO: 'WALRUS_IO',
  ENOSPC: 'WALRUS_DISK_FULL',
  EACCES: 'WALRUS_PERMISSION_DENIED',
} as const

export interface KernelOptions {
  readonly seed: number
  readonly now: number
  readonly maxCalls: number
  readonly ruinSectors: boolean
}

export class Kernel {
  readonly options: KernelOptions
  readonly schedule: Schedule
  readonly locks: Map<Directory, Held> = new Map()
  readonly watchers: Set<Watcher> = new Set()
  tree: Tree = new Tree()
  capacity: number = Number.POSITIVE_INFINITY
  fault: ((call: Call) => Fault | undefined) | undefined
  duration: ((call: BegunCall) => number | undefined) | undefined
  loss: Loss
  boots = 1
  lastPid = 1000
  calls = 0
  changes = 0
  /** Writes and truncations so far. */
  writes = 0
  readonly randomness: Random
  readonly #faults: Random
  readonly #delays: Random
  readonly #processes = new Set<Process>()
  #underWay = new Map<Effect, Process>()

  constructor(options: KernelOptions, loss: Loss) {
    this.options = options
    this.loss = loss
    this.schedule = new Schedule(options.now)
    this.randomness = randomFrom(options.seed)
    this.#faults = randomFrom(options.seed ^ 0x5bd1e995)
    this.#delays = randomFrom(options.seed ^ 0x2545f491)
  }

  /** What the disk of another kernel holds just now, with what is under way there left in any part. */
  takeFrom(other: Kernel): void {
    const files = new Map<FileNode, FileNode>()
    this.tree = other.tree.copy(files)
    this.writes = other.writes
    this.boots = other.boots
    this.lastPid = other.lastPid
    for (const effect of other.#underWay.keys()) {
      if (!('node' in effect)) this.#partly(effect)
      else if (files.has(effect.node)) this.#partly({ ...effect, node: files.get(effect.node)! })
    }
  }

  /** Puts a durable file in a place, without a call. */
  put(path: string, bytes: Uint8Array): void {
    this.tree.put(path, bytes, ++this.writes)
  }

  started(process: Process): void {
    this.#processes.add(process)
  }

  /** Does a call at once. */
  now<T>(process: Process, kind: CallKind, path: string, act: () => T, effect?: Effect): T {
    this.#checkAlive(process)
    if (effect !== undefined) this.#underWay.set(effect, process)
    try {
      return this.#do(process, kind, path, act, effect)
    } finally {
      if (effect !== undefined) this.#underWay.delete(effect)
    }
  }

  /** Does a call when its turn comes; never ends once its process has. */
  later<T>(
    process: Process,
    kind: CallKind,
    path: string,
    act: () => T,
    effect?: Effect,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (process.end !== undefined) return
      const ms = this.#durationOf({ kind, path, pid: process.pid, range: rangeOf(effect) })
      if (effect !== undefined) this.#underWay.set(effect, process)
      const happen = (): void => {
        if (process.end !== undefined) return
        let result: T
        try {
          result = this.#do(process, kind, path, act, effect)
        } catch (error) {
          if (process.end === undefined) reject(error)
          return
        } finally {
          if (effect !== undefined) this.#underWay.delete(effect)
        }
        resolve(result)
      }
      this.schedule.add(ms, happen, false)
    })
  }

  write(node: FileNode, from: Uint8Array, at: number, durable: boolean, path: string): void {
    const room = this.#roomFor(node, at + from.length)
    const fits = room >= at + from.length
    const bytes = fits ? from : from.subarray(0, Math.max(0, room - at))
    node.content.write(bytes, at, ++this.writes)
    this.changed(path, node)
    if (!fits)
      throw failure('WALRUS_DISK_FULL', path, 'write', 'no space left on the simulated disk')
    if (durable) node.content.syncedRange(at, at + from.length)
  }

  truncate(node: FileNode, size: number, path: string): void {
    node.content.truncate(size, ++this.writes)
    this.changed(path, node)
  }

  /** Hints at a change to those who watch; about one in four is missed. */
  changed(path: string, node?: FileNode): void {
    for (const watcher of this.watchers) {
      if (watcher.path !== path && !this.#names(watcher.path, node)) continue
      if (pick(this.#delays, 4) === 0) continue
      const hint = (): void => {
        if (watcher.process.end === undefined && this.watchers.has(watcher)) watcher.changed()
      }
      this.schedule.add(this.#anyDuration(), hint, false)
    }
  }

  /** Ends a process: what it had under way is done in any part. */
  end(process: Process, how: End): void {
    if (process.end !== undefined) return
    process.end = how
    this.#processes.delete(process)
    for (const [effect, of] of [...this.#underWay]) {
      if (of !== process) continue
      this.#underWay.delete(effect)
      this.#partly(effect)
    }
    for (const [directory, held] of this.locks) {
      if (held.process === process) this.locks.delete(directory)
    }
    for (const watcher of this.watchers) {
      if (watcher.process === process) this.watchers.delete(watcher)
    }
  }

  losePower(loss: Loss): void {
    for (const process of [...this.#processes]) this.end(process, 'power lost')
    const files = [...this.tree.files()]
    const fate: Fate = {
      data: loss.data,
      size: loss.sizes,
      random: this.#faults,
      newest: Math.max(0, ...files.map(([, { content }]) => content.newestWrite)),
      ruins: this.options.ruinSectors,
    }
    this.tree.lose(loss.names, fate)
    this.boots++
  }

  #do<T>(
    process: Process,
    kind: CallKind,
    path: string,
    act: () => T,
    effect: Effect | undefined,
  ): T {
    const change = (CHANGING as readonly CallKind[]).includes(kind) ? this.changes++ : undefined
    const number = this.calls++
    const call = { kind, path, number, change, pid: process.pid, range: rangeOf(effect) }
    if (this.calls > this.options.maxCalls) {
      this.end(process, 'killed')
      throw simulationError(
        'WALRUS_SIM_ENDLESS',
        `more than ${this.options.maxCalls} calls: what is run seems never to end; if it does, raise maxCalls`,
      )
    }
    const fault = this.fault?.(call)
    // Whoever decides about faults may have ended it.
    this.#checkAlive(process)
    if (fault === undefined) return act()
    if (fault === 'kill') this.end(process, 'killed')
    else if (fault === 'power') this.losePower(this.loss)
    this.#checkAlive(process)
    if (effect !== undefined && 'node' in effect && fault !== 'EACCES') this.#partly(effect)
    if (kind === 'sync' && this.#faults() < 0.75) this.#drop(path)
    throw failure(
      CODES[fault as keyof typeof CODES],
      path,
      kind,
      `${fault}, made by the simulation`,
    )
  }

  #drop(path: string): void {
    for (const [name, { content }] of this.tree.files()) if (name === path) content.drop()
  }

  #checkAlive({ pid, end }: Process): void {
    if (end === undefined) return
    throw simulationError('WALRUS_SIM_STOPPED', `process ${pid} has ended: ${end}`)
  }

  /** Does none, some or all of a change. */
  #partly(effect: Effect): void {
    const share = Math.min(1, Math.max(0, this.#faults() * 2 - 0.5))
    if (!('node' in effect)) {
      if (share < 0.5) return
      try {
        this.tree.do(effect)
      } catch {
        // It could not have been done: the process would have been told.
      }
      return
    }
    const { content } = effect.node
    if (effect.kind === 'truncate') {
      if (share >= 0.5) content.truncate(effect.size, ++this.writes)
      return
    }
    const { from, at } = effect
    const room = this.#roomFor(effect.node, at + from.length)
    const bytes = Math.min(Math.floor(from.length * share), Math.max(0, room - at))
    content.write(from.subarray(0, bytes), at, ++this.writes)
  }

  /** The size that a file can grow to, at most `wanted`. */
  #roomFor(node: FileNode, wanted: number): number {
    if (this.capacity === Number.POSITIVE_INFINITY) return wanted
    let used = 0
    for (const [, { content }] of this.tree.files()) used += blocks(content.size)
    const free = this.capacity - used + blocks(node.content.size)
    return Math.min(wanted, Math.max(node.content.size, free))
  }

  #names(path: string, node: FileNode | undefined): boolean {
    if (node === undefined) return false
    for (const [name, file] of this.tree.files()) if (name === path) return file === node
    return false
  }

  #durationOf(call: BegunCall): number {
    const ms = this.duration?.(call)
    if (ms === undefined) return this.#anyDuration()
    if (ms >= 0 && ms < Number.POSITIVE_INFINITY) return ms
    throw invalidOption(`a duration must be a number of milliseconds from 0, got ${ms}`)
  }

  /** How long a call takes, in milliseconds: mostly short, now and then long. */
  #anyDuration(): number {
    const tenths = pick(this.#delays, 16) === 0 ? 40 : 2
    return this.#delays() * tenths * 0.1
  }
}

function rangeOf(effect: Effect | undefined): Call['range'] {
  if (effect?.kind !== 'write') return undefined
  return { from: effect.at, to: effect.at + effect.from.length }
}

function blocks(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
}
