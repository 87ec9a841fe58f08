/**
 * Logs put into bytes as docs/format.md says, without the engine: every field can be forged, and every check above
 * what was forged is made right again.
 */

import { crc32 } from 'node:zlib'

/** Field by name: where it stands, and its bytes. */
type Layout = Readonly<Record<string, readonly [at: number, size: 2 | 4 | 8]>>
/** What stands in fields in place of what should. */
export type Forged = Record<string, number | bigint>

/** What has fields. */
export type Unit = 'segment' | 'group' | 'frame' | 'seal' | 'tail' | 'index'

export const LAYOUTS: Readonly<Record<Unit, Layout>> = {
  segment: {
    magic: [0, 8],
    version: [8, 4],
    firstGroup: [12, 4],
    logId: [16, 8],
    id: [32, 8],
    generation: [40, 4],
    salt: [44, 4],
    firstLsn: [48, 8],
    plainNext: [56, 8],
    baseTime: [64, 8],
    boot: [72, 4],
    epoch: [76, 4],
    predecessor: [80, 8],
    predecessorGeneration: [88, 4],
    predecessorSalt: [92, 4],
    predecessorEnd: [96, 8],
    mark: [104, 8],
    begun: [112, 4],
    align: [116, 4],
    catalogSegment: [120, 8],
    catalogFrames: [128, 4],
  },
  group: {
    magic: [0, 4],
    size: [4, 4],
    count: [8, 4],
    kind: [12, 2],
    flags: [14, 2],
    firstLsn: [16, 8],
    time: [24, 8],
    mark: [32, 8],
    boot: [40, 4],
    epoch: [44, 4],
    padding: [48, 4],
    reserved: [52, 4],
    reserved2: [56, 4],
  },
  frame: {
    length: [0, 4],
    stream: [4, 4],
    kindAndFlags: [8, 2],
    attributes: [10, 2],
    position: [12, 8],
    time: [20, 4],
  },
  seal: {
    magic: [0, 4],
    size: [4, 4],
    id: [8, 8],
    endLsn: [16, 8],
    end: [24, 8],
    successor: [32, 8],
    time: [40, 8],
    plainNext: [48, 8],
    reserved: [56, 4],
  },
  tail: {
    magic: [0, 4],
    version: [4, 4],
    sequence: [8, 8],
    logId: [16, 8],
    oldest: [32, 8],
    segment: [40, 8],
    offset: [48, 8],
    lsn: [56, 8],
    plainNext: [64, 8],
    time: [72, 8],
    boot: [80, 4],
    epoch: [84, 4],
    state: [88, 4],
    salt: [92, 4],
  },
  index: {
    magic: [0, 8],
    version: [8, 4],
    headerSize: [12, 4],
    logId: [16, 8],
    segment: [32, 8],
    generation: [40, 4],
    salt: [44, 4],
    firstLsn: [48, 8],
    endLsn: [56, 8],
    end: [64, 8],
    rows: [72, 4],
    postings: [76, 4],
    samples: [80, 4],
  },
}

export interface FrameOf {
  readonly stream: number
  readonly kind: number
  readonly position: number
  readonly flags: number
  attributes: Buffer
  data: Buffer
  readonly forged: Forged
}

export interface GroupOf {
  frames: FrameOf[]
  /** Bytes behind the frames; zeros, unless forged. */
  padding: Buffer
  readonly forged: Forged
  /** A bit of it is flipped after all checks were made: that of this byte, counted from the group's first. */
  flipped?: number
}

export interface RowOf {
  stream: number
  first: number
  count: number
  start: number
}

export interface IndexOf {
  rows: RowOf[]
  postings: number[]
  samples: { offset: number; time: number; lsn: number }[]
}

export interface SegmentOf {
  id: number
  salt: number
  readonly groups: GroupOf[]
  readonly forged: Forged
  sealed: boolean
  readonly sealForged: Forged
  /** Behind all else. */
  behind: Buffer
  indexed: boolean
  readonly indexForged: Forged
  /** Changes what the index says before its checks are made. */
  lie: ((index: IndexOf) => void) | undefined
  /** This byte of the index is flipped after its checks were made. */
  indexFlipped?: number
  /** Bytes put behind the index. */
  indexBehind: Buffer
}

export interface LogOf {
  logId: bigint
  boot: string
  readonly segments: SegmentOf[]
  /** The tail file; the newer slot is the second. */
  readonly tail: { older: Forged; newer: Forged } | undefined
}

/** Where things came to stand. */
export interface Placed {
  readonly id: number
  readonly firstLsn: number
  readonly plainNext: number
  /** Offsets of the groups. */
  readonly groups: readonly number[]
  /** Behind the last one: the seal's offset, if it is sealed. */
  readonly end: number
  readonly endLsn: number
  readonly endPlain: number
}

export interface Encoded {
  readonly files: Map<string, Buffer>
  readonly placed: readonly Placed[]
}

export const BASE_TIME = 1_700_000_000_000
/** Stream 1. */
export const CATALOG_STREAM = 1

/** The register after four zero bytes from the salt. */
export function seedOf(salt: number): number {
  return ~crc32(Buffer.alloc(4), ~salt >>> 0) >>> 0
}

export function bootOf(name: string): number {
  return crc32(Buffer.from(name)) >>> 0
}

/** Ends a unit with its closing check. */
function close(bytes: Buffer, seed: number, salt: number): Buffer {
  const check = Buffer.alloc(4)
  check.writeUInt32LE((~crc32(bytes, ~seed >>> 0) ^ salt) >>> 0)
  return Buffer.concat([bytes, check])
}

function put(bytes: Buffer, layout: Layout, values: Forged): void {
  for (const [name, value] of Object.entries(values)) {
    const [at, size] = layout[name]!
    const bits = BigInt.asUintN(8 * size, BigInt(value))
    if (size === 8) bytes.writeBigUInt64LE(bits, at)
    else bytes.writeUIntLE(Number(bits), at, size)
  }
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

/** What an index of a segment has to say. */
function indexOf({ groups, salt }: SegmentOf, { groups: offsets, firstLsn }: Placed): IndexOf {
  const seed = seedOf(salt)
  const streams = new Map<number, { position: number; offset: number }[]>()
  const samples: IndexOf['samples'] = []
  let lsn = firstLsn
  for (const [number, { frames }] of groups.entries()) {
    if (number === 0) samples.push({ offset: offsets[0]!, time: 5, lsn: lsn - firstLsn })
    let offset = offsets[number]! + 64
    for (const frame of frames) {
      const places = streams.get(frame.stream) ?? []
      places.push({ position: frame.position, offset })
      streams.set(frame.stream, places)
      offset += encodeFrame(frame, seed, salt).length
      lsn++
    }
  }
  const rows: RowOf[] = []
  const postings: number[] = []
  for (const [stream, places] of [...streams].toSorted(([a], [b]) => a - b)) {
    const first = places[0]!.position
    rows.push({ stream, first, count: places.length, start: postings.length })
    postings.push(...places.map(({ offset }) => offset))
  }
  return { rows, postings, samples }
}

function encodeIndex({ logId }: LogOf, segment: SegmentOf, placed: Placed): Buffer {
  const index = indexOf(segment, placed)
  segment.lie?.(index)
  const rows = Buffer.alloc(index.rows.length * 24)
  for (const [at, { stream, first, count, start }] of index.rows.entries()) {
    rows.writeUInt32LE(stream, at * 24)
    rows.writeUInt32LE(count, at * 24 + 4)
    rows.writeBigUInt64LE(BigInt(first), at * 24 + 8)
    rows.writeUInt32LE(start, at * 24 + 16)
  }
  const postings = Buffer.concat(index.postings.map((offset) => u32(offset)))
  const samples = Buffer.concat(
    index.samples.map(({ offset, time, lsn }) =>
      Buffer.concat([u32(offset), u32(time), u32(lsn), u32(0)]),
    ),
  )
  const head = Buffer.alloc(124)
  put(head, LAYOUTS.index, {
    magic: 0x1a0a_0d49_524c_5789n,
    version: 0x1_0000,
    headerSize: 128,
    logId,
    segment: segment.id,
    salt: segment.salt,
    firstLsn: placed.firstLsn,
    endLsn: placed.endLsn,
    end: placed.end,
    rows: index.rows.length,
    postings: index.postings.length,
    samples: index.samples.length,
    ...segment.indexForged,
  })
  for (const [at, part] of [rows, postings, samples].entries()) {
    head.writeUInt32LE(crc32(part), 84 + 4 * at)
  }
  const bytes = Buffer.concat([head, u32(crc32(head)), rows, postings, samples])
  if (segment.indexFlipped !== undefined) bytes[segment.indexFlipped]! ^= 1
  return Buffer.concat([bytes, segment.indexBehind])
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

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
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
export function snapshotRecord(id: number, stream: string, next: bigint, length?: number): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(id)
  head.writeUInt32LE(length ?? Buffer.byteLength(stream), 4)
  head.writeBigUInt64LE(next, 16)
  return Buffer.concat([head, Buffer.from(stream)])
}
