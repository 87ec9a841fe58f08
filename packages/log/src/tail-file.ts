/**
 * The tail file: how far the log went (docs/format.md, "Tail file").
 *
 * Two slots written in turn, so that a torn write leaves the other. What a slot says was true when it was written:
 * it is written only after what it speaks of is durable.
 */

import { join } from 'node:path'
import { crc32 } from '@walrus/codec'
import type { Storage, StorageFile } from '@walrus/segment'
import { hasCode } from './errors.ts'
import { TAIL_NAME } from './names.ts'

const SLOT_BYTES = 128
const SLOT_EVERY = 512
const FILE_BYTES = 1024
const MAGIC = 0x4c415457
const VERSION = 0x0001_0000
const CHECK_AT = 124

/** A place between two groups. */
export interface Point {
  /** LSN of the frame behind it. */
  readonly lsn: number
  /** Segment number and salt, and offset in it. */
  readonly segment: number
  readonly salt: number
  readonly offset: number
  /** The plain log's next index there. */
  readonly plainNext: number
}

export interface Tail {
  readonly sequence: number
  readonly logId: Uint8Array
  readonly firstSegment: number
  readonly durable: Point
  readonly time: number
  readonly boot: number
  readonly epoch: number
  readonly closed: boolean
}

export function encodeTailSlot(tail: Tail): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES)
  const view = new DataView(bytes.buffer)
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  u64(8, tail.sequence)
  bytes.set(tail.logId, 16)
  u64(32, tail.firstSegment)
  u64(40, tail.durable.segment)
  u64(48, tail.durable.offset)
  u64(56, tail.durable.lsn)
  u64(64, tail.durable.plainNext)
  u64(72, tail.time)
  view.setUint32(80, tail.boot, true)
  view.setUint32(84, tail.epoch, true)
  view.setUint32(88, tail.closed ? 1 : 0, true)
  view.setUint32(92, tail.durable.salt, true)
  view.setUint32(CHECK_AT, crc32(bytes, 0, 0, CHECK_AT), true)
  return bytes
}

/** The tail in one slot; `undefined` when it is damaged, impossible, of another major version, or was never written. */
export function decodeTailSlot(bytes: Uint8Array): Tail | undefined {
  if (bytes.length < SLOT_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, SLOT_BYTES)
  const u64 = (at: number) => Number(view.getBigUint64(at, true))
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) >>> 16 !== VERSION >>> 16) {
    return undefined
  }
  if (view.getUint32(CHECK_AT, true) !== crc32(bytes, 0, 0, CHECK_AT)) return undefined
  if (![8, 32, 40, 48, 56, 64, 72].every((at) => Number.isSafeInteger(u64(at)))) return undefined
  // The oldest segment is not behind the one that is appended to.
  if (u64(32) < 1 || u64(32) > u64(40)) return undefined
  return {
    sequence: u64(8),
    logId: bytes.slice(16, 32),
    firstSegment: u64(32),
    durable: {
      segment: u64(40),
      salt: view.getUint32(92, true) | 0,
      offset: u64(48),
      lsn: u64(56),
      plainNext: u64(64),
    },
    time: u64(72),
    boot: view.getUint32(80, true) | 0,
    epoch: view.getUint32(84, true),
    closed: view.getUint32(88, true) === 1,
  }
}

/** The newer valid slot of a tail file's bytes. */
export function newestTail(bytes: Uint8Array): Tail | undefined {
  const slots = [0, SLOT_EVERY].map((at) => decodeTailSlot(bytes.subarray(at, at + SLOT_BYTES)))
  const [a, b] = slots
  if (a === undefined || b === undefined) return a ?? b
  return a.sequence > b.sequence ? a : b
}

/** Reads the tail of a log; `undefined` when there is none that can be read. */
export async function readTail(storage: Storage, dir: string): Promise<Tail | undefined> {
  const bytes = await readTailBytes(storage, dir)
  return bytes === undefined ? undefined : newestTail(bytes)
}

/** As `readTail`, blocking. */
export function readTailSync(storage: Storage, dir: string): Tail | undefined {
  let file: StorageFile
  try {
    file = storage.openSync(join(dir, TAIL_NAME), 'read')
  } catch (error) {
    if (hasCode(error, 'WALRUS_NOT_FOUND')) return undefined
    throw error
  }
  try {
    const bytes = new Uint8Array(FILE_BYTES)
    return newestTail(bytes.subarray(0, file.readSync(bytes, 0)))
  } finally {
    file.closeSync()
  }
}

async function readTailBytes(storage: Storage, dir: string): Promise<Uint8Array | undefined> {
  let file: StorageFile
  try {
    file = await storage.open(join(dir, TAIL_NAME), 'read')
  } catch (error) {
    if (hasCode(error, 'WALRUS_NOT_FOUND')) return undefined
    throw error
  }
  try {
    const bytes = new Uint8Array(FILE_BYTES)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/** The tail file as its one writer holds it. */
export class TailFile {
  readonly #file: StorageFile
  #sequence: number

  private constructor(file: StorageFile, sequence: number) {
    this.#file = file
    this.#sequence = sequence
  }

  /** Opens the tail file, or makes it; `after` is the sequence of the tail read before. */
  static async open(storage: Storage, dir: string, after: number): Promise<TailFile> {
    const path = join(dir, TAIL_NAME)
    const names = await storage.list(dir)
    const file = await storage.open(path, names.includes(TAIL_NAME) ? 'write' : 'create')
    return new TailFile(file, after)
  }

  /** Writes the next slot without a sync: for readers of the running machine. */
  note(tail: Omit<Tail, 'sequence'>): void {
    const sequence = this.#sequence + 1
    this.#file.writeSync(encodeTailSlot({ ...tail, sequence }), placeOf(sequence), false)
    // Where that failed the slot may hold anything: the next one goes there again, the other is whole.
    this.#sequence = sequence
  }

  /** Writes the next slot; it is durable when this resolves. Nothing else may be written meanwhile. */
  async noteDurably(tail: Omit<Tail, 'sequence'>): Promise<void> {
    const sequence = this.#sequence + 1
    await this.#file.write(encodeTailSlot({ ...tail, sequence }), placeOf(sequence), true)
    this.#sequence = sequence
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function placeOf(sequence: number): number {
  return (sequence & 1) * SLOT_EVERY
}
