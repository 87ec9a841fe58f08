/** Writes files as the Rust topic log does (src/rust-entry.ts), as far as tests need them. */

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { Fnv1a64 } from '../src/fnv.ts'

export const UNIT = 0xa0_0000

export interface RustBlock {
  readonly topic: string
  /** The unit it begins with. */
  readonly unit: number
  readonly entries: readonly Uint8Array[]
}

/** Writes a file of some units; where each entry begins, block by block. */
export function writeRustFile(
  path: string,
  units: number,
  blocks: readonly RustBlock[],
): number[][] {
  const file = openSync(path, 'w')
  ftruncateSync(file, units * UNIT)
  const starts = blocks.map(({ topic, unit, entries }) => {
    const begin = unit * UNIT
    let at = begin
    const size = (entries[0]?.length ?? 0) + 256
    const end = begin + Math.ceil(size / UNIT) * UNIT
    return entries.map((data) => {
      const start = at
      const header = headerOf(topic, end, data)
      writeSync(file, header, 0, header.length, at)
      writeSync(file, data, 0, data.length, at + 256)
      at += 256 + data.length
      return start
    })
  })
  closeSync(file)
  return starts
}

function headerOf(topic: string, end: number, data: Uint8Array): Uint8Array {
  const name = Buffer.from(topic)
  const header = Buffer.alloc(256)
  const fixed = 2 + (name.length > 7 ? Math.ceil(name.length / 8) * 8 : 0)
  header.writeUInt16LE(fixed + 30, 0)
  if (name.length > 7) {
    name.copy(header, 2)
    header.writeUInt32LE(name.length, fixed)
    header.writeInt32LE(2 - fixed, fixed + 4)
  } else {
    name.copy(header, fixed)
    header[fixed + 7] = name.length
  }
  header.writeBigUInt64LE(BigInt(end), fixed + 8)
  const hash = new Fnv1a64().add(data)
  header.writeUInt32LE(hash.low, fixed + 16)
  header.writeUInt32LE(hash.high, fixed + 20)
  header.writeUInt32LE(data.length, fixed + 24)
  return header
}

/** The archived map of cursors, of topics with short names. */
export function archivedCursors(
  cursors: Readonly<Record<string, readonly [bigint, bigint]>>,
): Buffer {
  const entries = Object.entries(cursors)
  const bytes = Buffer.alloc(entries.length * 24 + 12)
  entries.forEach(([topic, [block, offset]], number) => {
    const at = number * 24
    bytes.writeBigUInt64LE(block, at)
    bytes.writeBigUInt64LE(offset, at + 8)
    bytes.write(topic, at + 16)
    bytes[at + 23] = topic.length
  })
  const trailer = entries.length * 24
  bytes.writeUInt32LE(entries.length, trailer)
  bytes.writeInt32LE(-trailer - 4, trailer + 4)
  bytes.writeInt32LE(-trailer - 8, trailer + 8)
  return bytes
}
