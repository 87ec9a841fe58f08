/** The logs that are forged: small, made anew for every case, and what stands in them. */

import { BASE_TIME, CATALOG_STREAM, declaration, snapshotRecord } from './hostile-encode.ts'
import type { FrameOf, GroupOf, LogOf, SegmentOf } from './hostile-shape.ts'

/** What was appended, and where it stands: the number of its segment in the log, and of its group there. */
export interface Entry {
  readonly stream: string
  readonly index: number
  /** As `textOf` has it. */
  readonly text: string
  readonly segment: number
  readonly group: number
}

export interface ForgedLog {
  readonly log: LogOf
  readonly entries: readonly Entry[]
}

interface Attributes {
  readonly term?: bigint
  readonly timestamp?: bigint
  readonly transactionId?: string
}

const NAMED: Readonly<Record<string, number>> = { orders: 16, payments: 17 }
/** The boot that the simulated machine runs, and the one before. */
export const THIS_BOOT: string = 'boot 1'
export const BOOT_BEFORE: string = 'boot 0'
export const SALTS: readonly number[] = [0x7856_3412, 0x1234_5678, 0x0bad_cafe]
/** Bytes that are more than a scan reads at once. */
const LARGE_BYTES = 0x11_0000

class Maker {
  readonly segments: SegmentOf[] = []
  readonly entries: Entry[] = []
  readonly #next = new Map<number, number>([
    [0, 1],
    [CATALOG_STREAM, 0],
  ])

  segment(): this {
    const number = this.segments.length
    this.segments.push({
      id: number + 1,
      salt: SALTS[number]!,
      groups: [],
      forged: {},
      sealed: false,
      sealForged: {},
      behind: Buffer.alloc(0),
      indexed: false,
      indexForged: {},
      lie: undefined,
      indexBehind: Buffer.alloc(0),
    })
    return this
  }

  group(...make: ((group: GroupOf) => void)[]): this {
    const group: GroupOf = { frames: [], padding: Buffer.alloc(0), forged: {} }
    this.segments.at(-1)!.groups.push(group)
    for (const each of make) each(group)
    return this
  }

  entry(data: string | Buffer, stream = '', attributes: Attributes = {}): (group: GroupOf) => void {
    return (group) => {
      const id = NAMED[stream] ?? 0
      const position = this.#take(id)
      const { flags, bytes } = encoded(attributes)
      const body = Buffer.from(data)
      group.frames.push(frame(id, 1, position, body, flags, bytes))
      const { term = 0n, transactionId = '' } = attributes
      const time = BASE_TIME + 5
      const timestamp = attributes.timestamp ?? BigInt(time) * 1_000_000n
      const text = [position, time, term, timestamp, transactionId, body.toString('latin1')]
      const segment = this.segments.length - 1
      const place = { segment, group: this.segments[segment]!.groups.length - 1 }
      this.entries.push({ stream, index: position, text: text.join(' '), ...place })
    }
  }

  declare(stream: string): (group: GroupOf) => void {
    return ({ frames }) => {
      const data = declaration(NAMED[stream]!, stream)
      frames.push(frame(CATALOG_STREAM, 2, this.#take(CATALOG_STREAM), data))
    }
  }

  /** In a frame for each stream. */
  snapshot(): (group: GroupOf) => void {
    return ({ frames }) => {
      for (const [name, id] of Object.entries(NAMED)) {
        const record = snapshotRecord(id, name, BigInt(this.#next.get(id) ?? 0))
        frames.push(frame(CATALOG_STREAM, 3, this.#take(CATALOG_STREAM), record))
      }
    }
  }

  #take(stream: number): number {
    const position = this.#next.get(stream) ?? 0
    this.#next.set(stream, position + 1)
    return position
  }
}

function frame(
  stream: number,
  kind: number,
  position: number,
  data: Buffer,
  flags = 0,
  attributes: Buffer = Buffer.alloc(0),
): FrameOf {
  return { stream, kind, position, flags, attributes, data, forged: {} }
}

function encoded({ term, timestamp, transactionId }: Attributes): { flags: number; bytes: Buffer } {
  const u64 = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
    return bytes
  }
  const parts = [
    term === undefined ? undefined : u64(term),
    timestamp === undefined ? undefined : u64(timestamp),
    transactionId === undefined ? undefined : Buffer.from(transactionId),
  ]
  const flags = parts.reduce((all, part, bit) => all | (part === undefined ? 0 : 1 << bit), 0)
  return { flags, bytes: Buffer.concat(parts.filter((part) => part !== undefined)) }
}

/** Closed, of three segments with indexes; the second begins with a snapshot of the catalog. */
function closed(): ForgedLog {
  const made = new Maker()
  made.segment()
  made.group(made.entry('first'))
  made.group(
    made.entry('with a term', '', { term: 7n }),
    made.entry('with a timestamp', '', { timestamp: -5n }),
    made.entry('with an id', '', { transactionId: 'tx-1' }),
    made.entry('with all', '', { term: 1n, timestamp: 2n, transactionId: 'tx-2' }),
  )
  made.group(made.declare('orders'), made.entry('order 0', 'orders'))
  made.group(made.declare('payments'), made.entry('payment 0', 'payments'))
  made.group(made.entry('x'.repeat(600)), made.entry('y'), made.entry('z'.repeat(9)))
  made.group(made.entry('order 1', 'orders'))
  made.segment()
  made.group(made.snapshot())
  // The first of them might be taken for a snapshot: it has the position of one.
  made.group(
    made.entry(snapshotRecord(NAMED['orders']!, 'orders', 99n, { first: 9n }), 'orders'),
    made.entry('o'.repeat(3000), 'orders'),
    made.entry('in the second'),
  )
  made.group(made.entry('more'), made.entry('order 4', 'orders'), made.entry('and more'))
  made.segment()
  made.group(made.entry('in the last'), made.entry('payment 1', 'payments'))
  made.group(made.entry('last'), made.entry('payment 2', 'payments'))
  for (const segment of made.segments) segment.indexed = true
  for (const segment of made.segments.slice(0, 2)) segment.sealed = true
  const { segments, entries } = made
  const tail = { older: {}, newer: {} }
  return { log: { logId: 0x1122_3344n, boot: THIS_BOOT, segments, tail }, entries }
}

/** Without syncs, its machine gone down, in one segment: all of it is whole, and none of it proven. */
function open(): ForgedLog {
  const made = new Maker()
  made.segment()
  made.group(made.entry('first'))
  made.group(made.entry('second'), made.declare('orders'), made.entry('order 0', 'orders'))
  made.group(made.entry('third'), made.entry('fourth'))
  made.group(
    made.entry('order 1', 'orders'),
    made.declare('payments'),
    made.entry('payment 0', 'payments'),
    made.entry('last', '', { term: 3n }),
  )
  const { segments, entries } = made
  segments[0]!.forged['mark'] = 1
  segments[0]!.behind = Buffer.alloc(256)
  const began = { segment: 1, offset: 192, lsn: 1, plainNext: 1, state: 0 }
  const tail = { older: began, newer: { ...began } }
  return { log: { logId: 0x5566n, boot: BOOT_BEFORE, segments, tail }, entries }
}

/** The same in three segments, none of them sealed. */
function chain(): ForgedLog {
  const made = new Maker()
  made.segment()
  made.group(made.entry('first'), made.declare('orders'), made.entry('order 0', 'orders'))
  made.group(made.entry('second'))
  made.segment()
  made.group(made.entry('in the second'), made.entry('order 1', 'orders'))
  made.group(made.entry('more'))
  made.segment()
  made.group(made.entry('in the last'))
  made.group(made.entry('last'), made.entry('order 2', 'orders'))
  const { segments, entries } = made
  for (const segment of segments) {
    segment.forged['mark'] = 1
    segment.forged['catalogSegment'] = 1
  }
  const began = { segment: 1, offset: 192, lsn: 1, plainNext: 1, salt: SALTS[0]!, state: 0 }
  const tail = { older: began, newer: { ...began } }
  return { log: { logId: 0x7788n, boot: BOOT_BEFORE, segments, tail }, entries }
}

/** Not closed, and all of it known to be durable. */
function proven(): ForgedLog {
  const { log, entries } = open()
  return { log: { ...log, tail: { older: { state: 0 }, newer: { state: 0 } } }, entries }
}

/** Closed, and in its first segment, which has no index, a group larger than a scan reads at once. */
function large(): ForgedLog {
  const made = new Maker()
  made.segment()
  made.group(made.entry('first'))
  for (let number = 0; number < 40; number++) made.group(made.entry(Buffer.alloc(30_000, number)))
  made.group(made.entry(Buffer.alloc(LARGE_BYTES * 2, 'large ')))
  made.group(made.entry('last'))
  made.segment()
  made.group(made.entry('in the second'))
  const { segments, entries } = made
  segments[1]!.forged['catalogSegment'] = 2
  const tail = { older: {}, newer: {} }
  return { log: { logId: 0x99n, boot: BOOT_BEFORE, segments, tail }, entries }
}

export type LogName = 'closed' | 'open' | 'chain' | 'proven' | 'large'

export const LOGS: Readonly<Record<LogName, () => ForgedLog>> = {
  closed,
  open,
  chain,
  proven,
  large,
}
