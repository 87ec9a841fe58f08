/** An open file of the simulated disk. */

import { WalrusError } from '@walrus/codec'
import type { StorageFile } from '@walrus/segment'
import type { CallKind, Effect, Kernel, Process } from './kernel.ts'
import type { FileNode } from './tree.ts'

export class SimulatedFile implements StorageFile {
  path: string
  readonly #kernel: Kernel
  readonly #process: Process
  readonly #node: FileNode
  readonly #readOnly: boolean
  #closed = false
  #underWay = 0
  #whenIdle: (() => void)[] = []

  constructor(kernel: Kernel, process: Process, node: FileNode, path: string, readOnly: boolean) {
    this.#kernel = kernel
    this.#process = process
    this.#node = node
    this.path = path
    this.#readOnly = readOnly
    process.openFiles.add(this)
  }

  size(): Promise<number> {
    return this.#later('size', () => {
      return () => this.#node.content.size
    })
  }

  sizeSync(): number {
    this.#checkOpen()
    return this.#kernel.now(this.#process, 'size', this.path, () => this.#node.content.size)
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#later('read', () => {
      this.#checkRange(at)
      return () => this.#node.content.read(into, at)
    })
  }

  readSync(into: Uint8Array, at: number): number {
    this.#checkOpen()
    this.#checkRange(at)
    const act = (): number => this.#node.content.read(into, at)
    return this.#kernel.now(this.#process, 'read', this.path, act)
  }

  write(from: Uint8Array, at: number, durable: boolean): Promise<void> {
    const effect: Effect = { kind: 'write', node: this.#node, from, at }
    const kind = durable ? 'durable write' : 'write'
    return this.#later(kind, () => this.#writing(from, at, durable), effect)
  }

  writeSync(from: Uint8Array, at: number, durable: boolean): void {
    this.#checkOpen()
    const act = this.#writing(from, at, durable)
    const effect: Effect = { kind: 'write', node: this.#node, from, at }
    this.#kernel.now(this.#process, durable ? 'durable write' : 'write', this.path, act, effect)
  }

  sync(): Promise<void> {
    return this.#later('sync', () => this.#syncing())
  }

  syncSync(): void {
    this.#checkOpen()
    this.#kernel.now(this.#process, 'sync', this.path, this.#syncing())
  }

  truncate(size: number): Promise<void> {
    const effect: Effect = { kind: 'truncate', node: this.#node, size }
    return this.#later('truncate', () => this.#truncating(size), effect)
  }

  truncateSync(size: number): void {
    this.#checkOpen()
    const act = this.#truncating(size)
    const effect: Effect = { kind: 'truncate', node: this.#node, size }
    this.#kernel.now(this.#process, 'truncate', this.path, act, effect)
  }

  view(): undefined {}

  async close(): Promise<void> {
    this.closeSync()
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  closeSync(): void {
    this.#closed = true
    this.#process.openFiles.delete(this)
  }

  #writing(from: Uint8Array, at: number, durable: boolean): () => void {
    this.#checkWritable()
    this.#checkRange(at)
    return () => this.#kernel.write(this.#node, from, at, durable, this.path)
  }

  #truncating(size: number): () => void {
    this.#checkWritable()
    this.#checkRange(size)
    return () => this.#kernel.truncate(this.#node, size, this.path)
  }

  /** Of what is written while it is under way it promises nothing. */
  #syncing(): () => void {
    const upTo = this.#kernel.writes
    return () => this.#node.content.synced(upTo)
  }

  async #later<T>(kind: CallKind, prepare: () => () => T, effect?: Effect): Promise<T> {
    this.#checkOpen()
    const act = prepare()
    this.#underWay++
    try {
      return await this.#kernel.later(this.#process, kind, this.path, act, effect)
    } finally {
      this.#underWay--
      if (this.#underWay === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }

  #checkOpen(): void {
    if (!this.#closed) return
    throw new WalrusError('WALRUS_CLOSED', `${this.path} is closed`, { file: this.path })
  }

  #checkWritable(): void {
    if (!this.#readOnly) return
    const message = `cannot change ${this.path}: it was opened for reading`
    throw new WalrusError('WALRUS_PERMISSION_DENIED', message, { file: this.path })
  }

  #checkRange(at: number): void {
    if (Number.isSafeInteger(at) && at >= 0) return
    const message = `${this.path}: an offset or size must be a whole number from 0 to 2^53 - 1, got ${at}`
    throw new WalrusError('WALRUS_INVALID_OPTION', message, { file: this.path })
  }
}
