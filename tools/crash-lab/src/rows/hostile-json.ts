/** Entries that stand as JSON, and cannot be (docs/format.md, "Entries as JSON"). */

import { jsonCodec } from '@walrus/codec'
import { type Cases, WHOLE } from './hostile-case.ts'
import { BASE_TIME } from './hostile-encode.ts'
import type { Entry } from './hostile-logs.ts'
import type { FrameOf } from './hostile-shape.ts'

/** The kind of an entry, and that it is JSON. */
const JSON_ENTRY = 0x801

function isFirst({ stream, index }: Entry): boolean {
  return stream === '' && index === 1
}

function become(frame: FrameOf, index: number): void {
  frame.forged['kindAndFlags'] = JSON_ENTRY
  const timestamp = BigInt(BASE_TIME + 5) * 1_000_000n
  const given = { index: BigInt(index), term: 0n, timestamp, transactionId: '' }
  frame.data = Buffer.from(jsonCodec.encode({ ...given, data: frame.data }))
}

export function jsonCases(cases: Cases): void {
  const { reads, torn } = WHOLE
  cases.set('json.whole', {
    log: 'closed',
    forge: ({ log }) => become(log.segments[0]!.groups[0]!.frames[0]!, 1),
    expected: { reads: reads!, torn: torn! },
  })
  cases.set('json.position', {
    log: 'closed',
    forge: ({ log }) => become(log.segments[0]!.groups[0]!.frames[0]!, 2),
    expected: { reads: { allBut: isFirst } },
  })
  cases.set('json.attributes', {
    log: 'closed',
    forge: ({ log }) => {
      log.segments[0]!.groups[1]!.frames[0]!.forged['kindAndFlags'] = JSON_ENTRY | 0x100
    },
    expected: { reads: { allBut: ({ stream, index }) => stream === '' && index === 2 } },
  })
}
