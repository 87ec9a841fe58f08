/** The index of a segment put into bytes, true or not. */

import { crc32 } from 'node:zlib'
import type { FrameOf, IndexOf, LogOf, Placed, RowOf, SegmentOf } from './hostile-shape.ts'
import { LAYOUTS, put, u32 } from './hostile-layout.ts'

/** What an index of a segment has to say. */
function indexOf({ groups }: SegmentOf, { groups: offsets, firstLsn }: Placed): IndexOf {
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
      offset += frameBytes(frame)
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

export function encodeIndex({ logId }: LogOf, segment: SegmentOf, placed: Placed): Buffer {
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

function frameBytes({ attributes, data }: FrameOf): number {
  return 28 + ((attributes.length + data.length + 3) & ~3)
}
