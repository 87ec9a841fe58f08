/**
 * A machine in memory: system calls on files, and a power loss before any one of them that changes something.
 *
 * Calls that wait are done when they end, in a later turn of the event loop. Those that write or sync come last: only
 * when nothing else has been asked for a few turns, and of several the newest first. So one that nobody waits for is
 * overtaken by all that comes after it. A descriptor's number is given away again as soon as it is closed. After a
 * power loss no call of that boot returns: the ones that wait never end, the others throw.
 */

import { constants } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Directory, File } from './files.ts'

interface Open {
  readonly node: File | Directory
  readonly durable: boolean
}

/** Turns without a call after which one that writes or syncs is done. */
const IDLE_TURNS = 2
/** Each boot has numbers of its own: a timer of one that is gone may still come to use one. */
const DESCRIPTORS = 1000

export class Machine {
  #root = new Directory()
  #open = new Map<number, Open>()
  #boots = 1
  #quick: (() => void)[] = []
  #slow: (() => void)[] = []
  #isTurning = false
  #idleTurns = 0
  #isDown = false
  #down!: () => void
  /** Calls that change something, so far. */
  changes = 0
  /** The power goes before this one, counted from 0. */
  crashAt: number = Number.POSITIVE_INFINITY
  /** There is no space for this one, counted alike. */
  failAt: number = Number.POSITIVE_INFINITY
  /** Whether a descriptor can be opened anew by `/proc/self/fd`. */
  hasProc = true
  /** Resolves when the power goes. */
  powerLoss!: Promise<void>

  constructor() {
    this.#arm()
  }

  /** An empty disk. */
  reset(): void {
    this.#root = new Directory()
    this.changes = 0
    this.crashAt = Number.POSITIVE_INFINITY
    this.failAt = Number.POSITIVE_INFINITY
    this.hasProc = true
    this.boot()
  }

  /** Starts again with what survived. */
  boot(): void {
    this.#open.clear()
    this.#boots++
    this.#isDown = false
    this.#arm()
  }

  /** The power goes now. */
  crash(): void {
    this.#isDown = true
    this.#quick = []
    this.#slow = []
    this.#root.lose()
    this.#down()
  }

  get bootId(): string {
    return `boot-${this.#boots}`
  }

  /** Does a call at once. */
  now<T>(call: () => T): T {
    if (this.#isDown) throw fail('EIO', 'the power is gone')
    return call()
  }

  /** Does a call in a later turn; calls back with what it returns or throws. */
  later<T>(call: () => T, done: (error: Error | null, value?: T) => void, slow = false): void {
    const run = (): void => {
      let value: T
      try {
        value = call()
      } catch (error) {
        if (!this.#isDown) done(error as Error)
        return
      }
      done(null, value)
    }
    if (this.#isDown) return
    if (slow) this.#slow.push(run)
    else this.#quick.push(run)
    if (this.#isTurning) return
    this.#isTurning = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    const quick = this.#quick
    this.#quick = []
    this.#idleTurns = quick.length > 0 ? 0 : this.#idleTurns + 1
    for (const run of quick) if (!this.#isDown) run()
    if (this.#idleTurns > IDLE_TURNS) {
      this.#idleTurns = 0
      this.#slow.pop()?.()
    }
    this.#isTurning = this.#quick.length + this.#slow.length > 0
    if (this.#isTurning) setImmediate(() => this.#turn())
  }

  open(path: string, flags: number): number {
    const again = /^\/proc\/self\/fd\/(\d+)$/.exec(path)
    if (again !== null && !this.hasProc) throw fail('ENOENT', path)
    const node = again === null ? this.#find(path, flags) : this.#of(Number(again[1])).node
    const durable = (flags & constants.O_DSYNC) !== 0
    let fd = this.#boots * DESCRIPTORS
    while (this.#open.has(fd)) fd++
    this.#open.set(fd, { node, durable })
    return fd
  }

  close(fd: number): void {
    this.#of(fd)
    this.#open.delete(fd)
  }

  stat(node: File | Directory): { size: number; isFile(): boolean; isDirectory(): boolean } {
    const isFile = node instanceof File
    return {
      size: isFile ? node.bytes.length : 0,
      isFile: () => isFile,
      isDirectory: () => !isFile,
    }
  }

  at(fd: number): File | Directory {
    return this.#of(fd).node
  }

  read(fd: number, into: Uint8Array, at: number): number {
    const part = this.#file(fd).bytes.subarray(at, at + into.length)
    into.set(part)
    return part.length
  }

  write(fd: number, from: Uint8Array, at: number): number {
    const file = this.#file(fd)
    this.#change()
    file.write(from, at, this.#of(fd).durable)
    return from.length
  }

  sync(fd: number): void {
    const { node } = this.#of(fd)
    this.#change()
    node.sync()
  }

  truncate(fd: number, size: number): void {
    const file = this.#file(fd)
    this.#change()
    file.truncate(size)
  }

  find(path: string): File | Directory {
    return this.#find(path, 0)
  }

  list(path: string): string[] {
    return [...this.#directory(path).names.keys()]
  }

  mkdir(path: string): void {
    const above = this.#directory(dirname(path))
    if (above.names.has(basename(path))) throw fail('EEXIST', path)
    this.#change()
    above.names.set(basename(path), new Directory())
  }

  rename(from: string, to: string): void {
    const node = this.find(from)
    const there = this.#directory(dirname(to)).names.get(basename(to))
    if (there instanceof Directory && there.names.size > 0) throw fail('ENOTEMPTY', to)
    this.#change()
    this.#directory(dirname(from)).names.delete(basename(from))
    this.#directory(dirname(to)).names.set(basename(to), node)
  }

  remove(path: string): void {
    this.find(path)
    this.#change()
    this.#directory(dirname(path)).names.delete(basename(path))
  }

  #arm(): void {
    this.powerLoss = new Promise((resolve) => {
      this.#down = resolve
    })
  }

  #change(): void {
    const change = this.changes++
    if (change === this.failAt) throw fail('ENOSPC', 'the disk is full')
    if (change !== this.crashAt) return
    this.crash()
    throw fail('EIO', 'the power is gone')
  }

  #of(fd: number): Open {
    const open = this.#open.get(fd)
    if (open === undefined) throw fail('EBADF', `descriptor ${fd}`)
    return open
  }

  #file(fd: number): File {
    const { node } = this.#of(fd)
    if (node instanceof File) return node
    throw fail('EISDIR', `descriptor ${fd}`)
  }

  #directory(path: string): Directory {
    const node = path === '/' ? this.#root : this.find(path)
    if (node instanceof Directory) return node
    throw fail('ENOTDIR', path)
  }

  #find(path: string, flags: number): File | Directory {
    if (path === '/') return this.#root
    const above = this.#directory(dirname(path))
    const name = basename(path)
    const there = above.names.get(name)
    if ((flags & constants.O_CREAT) === 0) {
      if (there === undefined) throw fail('ENOENT', path)
      return there
    }
    if (there !== undefined) throw fail('EEXIST', path)
    this.#change()
    const file = new File()
    above.names.set(name, file)
    return file
  }
}

export function fail(code: string, where: string): Error {
  return Object.assign(new Error(`${code}: ${where}`), { code })
}

/** The one that stands in place of `node:fs`. */
export const machine: Machine = new Machine()
