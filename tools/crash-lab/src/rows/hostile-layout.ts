/** Where the fields of docs/format.md stand, by name, and the checks that end units. */

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
    commitEnd: [132, 8],
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
    voids: [96, 4],
  },
}

export function put(bytes: Buffer, layout: Layout, values: Forged): void {
  for (const [name, value] of Object.entries(values)) {
    const [at, size] = layout[name]!
    const bits = BigInt.asUintN(8 * size, BigInt(value))
    if (size === 8) bytes.writeBigUInt64LE(bits, at)
    else bytes.writeUIntLE(Number(bits), at, size)
  }
}

/** The register after four zero bytes from the salt. */
export function seedOf(salt: number): number {
  return ~crc32(Buffer.alloc(4), ~salt >>> 0) >>> 0
}

/** Ends a unit with its closing check. */
export function close(bytes: Buffer, seed: number, salt: number): Buffer {
  const check = Buffer.alloc(4)
  check.writeUInt32LE((~crc32(bytes, ~seed >>> 0) ^ salt) >>> 0)
  return Buffer.concat([bytes, check])
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
