/** Entries that stand as JSON in a log that has others beside them (docs/format.md, "Entries as JSON"). */

import { crc32 } from 'node:zlib'
import { type Case, type Cases, WHOLE } from './hostile-case.ts'
import { BASE_TIME } from './hostile-encode.ts'
import type { Entry } from './hostile-logs.ts'
import type { FrameOf } from './hostile-shape.ts'

const JSON_ENTRY = 1 | (8 << 8)

export function jsonCases(cases: Cases): void {
  const isFirst = ({ stream, index }: Entry): boolean => stream === '' && index === 1
  const first = (forge: (frame: FrameOf) => void, expected: Case['expected']): Case => ({
    log: 'closed',
    forge: ({ log }) => forge(log.segments[0]!.groups[0]!.frames[0]!),
    expected,
  })
  const asJson = (frame: FrameOf, index: number): void => {
    frame.forged['kindAndFlags'] = JSON_ENTRY
    // It gives all attributes.
    frame.shown = { flags: 7, data: frame.data }
    frame.data = jsonOf(index, frame.data)
  }
  const damaged = { reads: { allBut: isFirst } }
  cases.set(
    'json.whole',
    first((frame) => asJson(frame, 1), { ...WHOLE, clean: true }),
  )
  cases.set(
    'json.another',
    first((frame) => asJson(frame, 2), damaged),
  )
  cases.set(
    'json.none',
    first((frame) => void (frame.forged['kindAndFlags'] = JSON_ENTRY), damaged),
  )
  cases.set(
    'json.attributes',
    first((frame) => {
      asJson(frame, 1)
      frame.forged['kindAndFlags'] = JSON_ENTRY | (1 << 8)
      frame.attributes = Buffer.alloc(8)
    }, damaged),
  )
}

function jsonOf(index: number, data: Buffer): Buffer {
  const text = (checksum: number): string =>
    `{"index":${index},"term":0,"data":"${data.toString('base64')}","checksum":${checksum},"timestamp":${BASE_TIME + 5}000000,"transaction_id":""}`
  return Buffer.from(text(crc32(text(0))))
}
