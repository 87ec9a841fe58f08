/** Frames of the catalog that no writer makes. */

import { type Cases, CORRUPT, UNSAFE } from './hostile-case.ts'
import { bounds, CATALOG_STREAM, cutIn, declaration, snapshotRecord } from './hostile-encode.ts'
import type { FrameOf, LogOf } from './hostile-shape.ts'

interface CatalogBody {
  readonly name: string
  readonly kind: number
  readonly body: Buffer
}

const BODIES: readonly CatalogBody[] = [
  { name: 'declared.short', kind: 2, body: declaration(17, '').subarray(0, 10) },
  { name: 'declared.empty', kind: 2, body: Buffer.alloc(0) },
  { name: 'declared.unnamed', kind: 2, body: declaration(17, '') },
  { name: 'declared.long', kind: 2, body: declaration(17, 'n'.repeat(1281)) },
  { name: 'declared.plain', kind: 2, body: declaration(0, 'orders') },
  { name: 'declared.catalog', kind: 2, body: declaration(1, 'orders') },
  { name: 'declared.reserved', kind: 2, body: declaration(15, 'payments') },
  { name: 'declared.twice', kind: 2, body: declaration(16, 'another') },
  { name: 'declared.renumbered', kind: 2, body: declaration(18, 'orders') },
  { name: 'declared.first', kind: 2, body: declaration(17, 'payments', UNSAFE) },
  { name: 'declared.text', kind: 2, body: notText(declaration(17, 'payments'), 16) },
  { name: 'snapshot.short', kind: 3, body: snapshotRecord(16, '', 5n).subarray(0, 20) },
  { name: 'snapshot.tiny', kind: 3, body: Buffer.alloc(4) },
  { name: 'snapshot.cut', kind: 3, body: snapshotRecord(16, 'orders', 3n, { length: 7 }) },
  { name: 'snapshot.huge', kind: 3, body: snapshotRecord(16, 'orders', 3n, { length: -16 }) },
  { name: 'snapshot.first', kind: 3, body: snapshotRecord(16, 'orders', 3n, { first: 4n }) },
  { name: 'snapshot.cuts', kind: 3, body: snapshotRecord(16, 'orders', 3n, { cuts: 1 }) },
  { name: 'snapshot.all-cuts', kind: 3, body: snapshotRecord(16, 'orders', 3n, { cuts: 2 ** 28 }) },
  { name: 'snapshot.cut-in', kind: 3, body: cutRecord(UNSAFE, 1n) },
  { name: 'snapshot.cut-at', kind: 3, body: cutRecord(2n, UNSAFE) },
  { name: 'snapshot.unnamed', kind: 3, body: snapshotRecord(18, '', 3n) },
  { name: 'snapshot.plain', kind: 3, body: snapshotRecord(0, 'orders', 3n) },
  {
    name: 'snapshot.twice',
    kind: 3,
    body: Buffer.concat([snapshotRecord(16, 'orders', 3n), snapshotRecord(16, 'payments', 1n)]),
  },
  { name: 'snapshot.next', kind: 3, body: snapshotRecord(16, 'orders', UNSAFE) },
  { name: 'snapshot.text', kind: 3, body: notText(snapshotRecord(16, 'orders', 3n), 32) },
  { name: 'bounds.short', kind: 4, body: bounds(0, 1n, 2n).subarray(0, 20) },
  { name: 'bounds.long', kind: 4, body: Buffer.concat([bounds(0, 1n, 2n), Buffer.alloc(4)]) },
  { name: 'bounds.first', kind: 4, body: bounds(0, 3n, 2n) },
  { name: 'bounds.next', kind: 4, body: bounds(0, 1n, UNSAFE) },
  { name: 'bounds.flags', kind: 4, body: bounds(0, 1n, 2n, 3) },
  { name: 'bounds.catalog', kind: 4, body: bounds(1, 0n, 0n, 1) },
]

function cutRecord(segment: bigint, next: bigint): Buffer {
  return Buffer.concat([snapshotRecord(16, 'orders', 3n, { cuts: 1 }), cutIn(segment, next)])
}

function notText(body: Buffer, at: number): Buffer {
  body[at] = 0xff
  return body
}

/** Adds a frame to the last group of a log. */
function addFrame({ segments }: LogOf, frame: FrameOf): void {
  segments.at(-1)!.groups.at(-1)!.frames.push(frame)
}

/** Bodies of catalog frames that are none. */
export function catalogCases(cases: Cases): void {
  for (const { name, kind, body } of BODIES) {
    cases.set(`catalog.${name}`, {
      log: kind === 3 ? 'closed' : 'open',
      forge: ({ log }) => {
        const frames = log.segments.flatMap(({ groups }) => groups.flatMap((group) => group.frames))
        const own = frames.filter(({ stream }) => stream === CATALOG_STREAM)
        if (kind === 4) addFrame(log, { ...own.at(-1)!, kind, position: own.length, data: body })
        else own.findLast((frame) => frame.kind === kind)!.data = body
      },
      expected: { reads: CORRUPT },
    })
  }
}
