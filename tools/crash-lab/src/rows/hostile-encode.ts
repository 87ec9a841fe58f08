/**
 * Logs put into bytes as docs/format.md says, without the engine: every field can be forged, and every check above
 * what was forged is made right again.
 */

import { crc32 } from 'node:zlib'
import { encodeIndex } from './hostile-index.ts'
import { close, type Forged, LAYOUTS, put, seedOf, u32 } from './hostile-layout.ts'
import type { FrameOf, GroupOf, SegmentOf, LogOf, Placed } from './hostile-shape.ts'

export interface Encoded {
  readonly files: Map<string, Buffer>
  readonly placed: readonly Placed[]
}

export const BASE_TIME = 1_700_000_000_000
/** Stream 1. */
export const CATALOG_STREAM = 1

export function bootOf(name: string): number {
  return crc32(Buffer.from(name)) >>> 0
}

export function encodeFrame(frame: FrameOf, seed: number, salt: number): Buffer {
  const { stream, kind, flags, position, attributes, data } = frame
  const length = attributes.length + data.length
  const head = Buffer.alloc(24)
  const kindAndFlags = kind | (flags << 8)
  const values = { length, stream, kindAndFlags, attributes: attributes.length, position, time: 5 }
  put(head, LAYOUTS.frame, { ...values, ...frame.forged })
  return close(Buffer.concat([head, attributes, data, Buffer.alloc(-length & 3)]), seed, salt)
}

interface Before {
  readonly lsn: number
  readonly time: number
  readonly mark: number
  readonly boot: number
}

function encodeGroup(group: GroupOf, { salt }: SegmentOf, before: Before): Buffer {
  const seed = seedOf(salt)
  const frames = group.frames.map((frame) => encodeFrame(frame, seed, salt))
  const { padding } = group
  const size = frames.reduce((sum, frame) => sum + frame.length, 64 + padding.length)
  const head = Buffer.alloc(60)
  const { lsn: firstLsn, ...stamp } = before
  const counted = { size, count: frames.length, padding: padding.length }
  const values = { magic: 0x50524757, kind: 1, epoch: 1, firstLsn, ...stamp, ...counted }
  put(head, LAYOUTS.group, { ...values, ...group.forged })
  const bytes = Buffer.concat([close(head, seed, salt), ...frames, padding])
  if (group.flipped !== undefined) bytes[group.flipped]! ^= 1
  return bytes
}

/** The log in files. What one unit says of another is as it should be, unless it was forged. */
export function encodeLog(log: LogOf): Encoded {
  const files = new Map<string, Buffer>()
  const placed: Placed[] = []
  const boot = bootOf(log.boot)
  let snapshotIn = log.segments[0]!.id
  for (const [number, segment] of log.segments.entries()) {
    const { id, salt, groups, sealed, behind } = segment
    const before = placed[number - 1]
    const start = before?.end ?? 0
    const firstLsn = before?.endLsn ?? 1
    const plainNext = before?.endPlain ?? 1
    const snapshots = groups[0]?.frames.filter(({ kind }) => kind === 3).length ?? 0
    if (snapshots > 0) snapshotIn = id
    const head = Buffer.alloc(188)
    put(head, LAYOUTS.segment, {
      magic: 0x1a0a_0d53_524c_5789n,
      version: 0x1_0000,
      firstGroup: 192,
      logId: log.logId,
      id,
      salt,
      firstLsn,
      plainNext,
      baseTime: BASE_TIME,
      boot,
      epoch: 1,
      predecessor: before?.id ?? 0,
      predecessorSalt: log.segments[number - 1]?.salt ?? 0,
      predecessorEnd: start,
      mark: firstLsn,
      begun: before === undefined ? 1 : 2,
      align: 4,
      catalogSegment: snapshotIn,
      catalogFrames: snapshots,
      ...segment.forged,
    })
    const parts = [head, u32(crc32(head))]
    const offsets: number[] = []
    let end = 192
    let endLsn = firstLsn
    let endPlain = plainNext
    for (const group of groups) {
      const mark = Number(segment.forged['mark'] ?? endLsn)
      const stamp = { lsn: endLsn, time: BASE_TIME + 5, mark, boot }
      const bytes = encodeGroup(group, segment, stamp)
      parts.push(bytes)
      offsets.push(end)
      end += bytes.length
      endLsn += group.frames.length
      endPlain += group.frames.filter(({ stream }) => stream === 0).length
    }
    if (sealed) parts.push(encodeSeal(segment, end, endLsn, endPlain, log.segments[number + 1]?.id))
    files.set(`${name(id)}.seg`, Buffer.concat([...parts, behind]))
    placed.push({ id, firstLsn, plainNext, groups: offsets, end, endLsn, endPlain })
    if (segment.indexed) files.set(`${name(id)}.idx`, encodeIndex(log, segment, placed.at(-1)!))
  }
  if (log.tail !== undefined) files.set('TAIL', encodeTail(log, placed.at(-1)!))
  return { files, placed }
}

function encodeSeal(
  { id, salt, sealForged }: SegmentOf,
  end: number,
  endLsn: number,
  plainNext: number,
  successor = id + 1,
): Buffer {
  const seal = Buffer.alloc(60)
  const values = { id, endLsn, end, successor, time: BASE_TIME, plainNext }
  put(seal, LAYOUTS.seal, { magic: 0x4c455357, size: 64, ...values, ...sealForged })
  return close(seal, seedOf(salt), salt)
}

/** Forges the header of a segment's file. */
export function forgeHeader(file: Buffer, forged: Forged): void {
  put(file, LAYOUTS.segment, forged)
  file.writeUInt32LE(crc32(file.subarray(0, 188)), 188)
}

function encodeTail({ logId, boot, segments, tail }: LogOf, last: Placed): Buffer {
  const file = Buffer.alloc(640)
  for (const [number, forged] of [tail!.older, tail!.newer].entries()) {
    const slot = Buffer.alloc(124)
    put(slot, LAYOUTS.tail, {
      magic: 0x4c415457,
      version: 0x1_0000,
      sequence: 2 + number,
      logId,
      oldest: segments[0]!.id,
      segment: last.id,
      offset: last.end,
      lsn: last.endLsn,
      plainNext: last.endPlain,
      time: BASE_TIME + 5,
      boot: bootOf(boot),
      epoch: 1,
      state: number,
      salt: segments.at(-1)!.salt,
      ...forged,
    })
    Buffer.concat([slot, u32(crc32(slot))]).copy(file, 512 * number)
  }
  return file
}

/** Forges the newer slot of a tail file. */
export function forgeTail(file: Buffer, forged: Forged): void {
  const slot = newestSlot(file)
  put(slot, LAYOUTS.tail, forged)
  slot.writeUInt32LE(crc32(slot.subarray(0, 124)), 124)
}

/** Up to where the newer slot of a tail file says the log is durable. */
export function newestTail(file: Buffer): { offset: number; lsn: number } {
  const slot = newestSlot(file)
  return { offset: Number(slot.readBigUInt64LE(48)), lsn: Number(slot.readBigUInt64LE(56)) }
}

function newestSlot(file: Buffer): Buffer {
  const slots = [file.subarray(0, 128), file.subarray(512, 640)]
  return slots.reduce((a, b) => (b.readBigUInt64LE(8) > a.readBigUInt64LE(8) ? b : a))
}

function name(id: number): string {
  return String(id).padStart(12, '0')
}

/** A stream's declaration. */
export function declaration(id: number, stream: string, first = 0n, reserved = 0): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(id)
  head.writeUInt32LE(reserved, 4)
  head.writeBigUInt64LE(first, 8)
  return Buffer.concat([head, Buffer.from(stream)])
}

/** A stream's record in a snapshot. */
export function snapshotRecord(
  id: number,
  stream: string,
  next: bigint,
  forged: { readonly length?: number; readonly first?: bigint; readonly cuts?: number } = {},
): Buffer {
  const { length = Buffer.byteLength(stream), first = 0n, cuts = 0 } = forged
  const head = Buffer.alloc(32)
  head.writeUInt32LE(id)
  head.writeUInt32LE(length >>> 0, 4)
  head.writeBigUInt64LE(first, 8)
  head.writeBigUInt64LE(next, 16)
  head.writeUInt32LE(cuts, 24)
  return Buffer.concat([head, Buffer.from(stream)])
}

/** The end of a stream was cut in a segment: a part of its record in a snapshot. */
export function cutIn(segment: bigint, next: bigint): Buffer {
  return numbers(segment, next)
}

/** What a frame of stream bounds says. */
export function bounds(id: number, first: bigint, next: bigint, flags = 0): Buffer {
  return Buffer.concat([u32(id), u32(flags), numbers(first, next)])
}

function numbers(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * at)
  return bytes
}
