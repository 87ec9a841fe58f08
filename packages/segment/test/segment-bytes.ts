/** Groups as bytes, and scans of them, for the tests of the format. */

import { seedOf } from '../src/checks.ts'
import { frameBytes } from '../src/frame.ts'
import { GROUP_HEADER_BYTES, GroupBuilder, type GroupStamp } from '../src/group.ts'
import { type ScanRange, type ScanResult, scanGroups, scanGroupsSync } from '../src/scan.ts'
import { MemoryFile } from './memory-file.ts'

export const SALT = 0x5eed_5a17
export const SEED: number = seedOf(SALT)
/** Number of the segment that the tests' groups stand in. */
export const SEGMENT = 7

const STAMP: GroupStamp = { firstLsn: 1, time: 1000, mark: 1, boot: 11, epoch: 3 }

export interface GroupOptions extends Partial<GroupStamp> {
  readonly align?: number
  readonly salt?: number
}

/** A group of entries of the plain log with these bodies. */
export function groupOf(bodies: readonly Uint8Array[], options: GroupOptions = {}): Uint8Array {
  const { align = 4, salt = SALT, ...stamp } = options
  const size = bodies.reduce((sum, body) => sum + frameBytes(body.length), GROUP_HEADER_BYTES)
  const builder = new GroupBuilder(size + align)
  builder.begin(seedOf(salt), salt)
  const { firstLsn } = { ...STAMP, ...stamp }
  bodies.forEach((body, number) => builder.add(0, 1, firstLsn + number, 5, body))
  return builder.bytes.slice(0, builder.close({ ...STAMP, ...stamp }, align))
}

/** Adjacent groups, each a list of bodies, with LSNs from 1 on. */
export function groupsOf(
  groups: readonly (readonly Uint8Array[])[],
  options: GroupOptions = {},
): Uint8Array[] {
  let firstLsn = options.firstLsn ?? 1
  return groups.map((bodies) => {
    const bytes = groupOf(bodies, { ...options, firstLsn })
    firstLsn += bodies.length
    return bytes
  })
}

/** `length` bytes that differ from place to place, and none of which is zero. */
export function filled(length: number, from = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => ((from + at * 7) % 255) + 1)
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** A group as it was handed out, taken off the scan's own memory. */
export interface Seen {
  readonly offset: number
  readonly firstLsn: number
  readonly bytes: Uint8Array
}

export interface Scanned extends ScanResult {
  readonly seen: readonly Seen[]
  readonly file: MemoryFile
}

type Range = Partial<Omit<ScanRange, 'file'>>

function rangeOf(bytes: Uint8Array, range: Range): ScanRange & { file: MemoryFile } {
  const all = { id: SEGMENT, seed: SEED, from: 0, to: bytes.length, firstLsn: 1 }
  return { ...all, ...range, file: new MemoryFile(bytes) }
}

/** What `scanGroups` makes of these bytes. */
export async function scanned(bytes: Uint8Array, range: Range = {}): Promise<Scanned> {
  const seen: Seen[] = []
  const all = rangeOf(bytes, range)
  const result = await scanGroups(all, ({ header, offset, at, bytes: memory }) => {
    const { firstLsn, size } = header
    seen.push({ offset, firstLsn, bytes: memory.slice(at, at + size) })
  })
  return { ...result, seen, file: all.file }
}

/** What `scanGroupsSync` makes of these bytes. */
export function scannedSync(bytes: Uint8Array, range: Range = {}): Scanned {
  const seen: Seen[] = []
  const all = rangeOf(bytes, range)
  const result = scanGroupsSync(all, ({ header, offset, at, bytes: memory }) => {
    const { firstLsn, size } = header
    seen.push({ offset, firstLsn, bytes: memory.slice(at, at + size) })
  })
  return { ...result, seen, file: all.file }
}
