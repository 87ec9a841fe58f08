/** Frames of the catalog that no writer makes. */

import { type Cases, CORRUPT, UNSAFE } from './hostile-case.ts'
import { CATALOG_STREAM, declaration, snapshotRecord } from './hostile-encode.ts'
import type { FrameOf } from './hostile-shape.ts'

interface CatalogBody {
  readonly name: string
  readonly kind: number
  readonly body: Buffer
}

const BODIES: readonly CatalogBody[] = [
  { name: 'declared.short', kind: 2, body: declaration(17, '').subarray(0, 10) },
  { name: 'declared.empty', kind: 2, body: Buffer.alloc(0) },
  { name: 'declared.unnamed', kind: 2, body: declaration(17, '') },
  { name: 'declared.long', kind: 2, body: declaration(17, 'n'.repeat(1025)) },
  { name: 'declared.plain', kind: 2, body: declaration(0, 'orders') },
  { name: 'declared.catalog', kind: 2, body: declaration(1, 'orders') },
  { name: 'declared.reserved', kind: 2, body: declaration(15, 'payments') },
  { name: 'declared.twice', kind: 2, body: declaration(16, 'another') },
  { name: 'declared.renumbered', kind: 2, body: declaration(18, 'orders') },
  { name: 'declared.first', kind: 2, body: declaration(17, 'payments', UNSAFE) },
  { name: 'declared.text', kind: 2, body: notText(declaration(17, 'payments'), 16) },
  { name: 'snapshot.short', kind: 3, body: snapshotRecord(16, '', 5n).subarray(0, 20) },
  { name: 'snapshot.tiny', kind: 3, body: Buffer.alloc(4) },
  { name: 'snapshot.cut', kind: 3, body: snapshotRecord(16, 'orders', 3n, 7) },
  { name: 'snapshot.huge', kind: 3, body: snapshotRecord(16, 'orders', 3n, 0xffff_fff0) },
  { name: 'snapshot.unnamed', kind: 3, body: snapshotRecord(18, '', 3n) },
  { name: 'snapshot.plain', kind: 3, body: snapshotRecord(0, 'orders', 3n) },
  {
    name: 'snapshot.twice',
    kind: 3,
    body: Buffer.concat([snapshotRecord(16, 'orders', 3n), snapshotRecord(16, 'payments', 1n)]),
  },
  { name: 'snapshot.next', kind: 3, body: snapshotRecord(16, 'orders', UNSAFE) },
  { name: 'snapshot.text', kind: 3, body: notText(snapshotRecord(16, 'orders', 3n), 24) },
]

function notText(body: Buffer, at: number): Buffer {
  body[at] = 0xff
  return body
}

/** Bodies of catalog frames that are none. */
export function catalogCases(cases: Cases): void {
  for (const { name, kind, body } of BODIES) {
    cases.set(`catalog.${name}`, {
      log: kind === 3 ? 'closed' : 'open',
      forge: ({ log }) => {
        const frames = log.segments.flatMap(({ groups }) => groups.flatMap((group) => group.frames))
        const isIt = (frame: FrameOf): boolean =>
          frame.stream === CATALOG_STREAM && frame.kind === kind
        frames.findLast(isIt)!.data = body
      },
      expected: { reads: CORRUPT },
    })
  }
}
