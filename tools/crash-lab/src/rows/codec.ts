/**
 * Row 3 for single entries and records: cut at every byte, every bit flipped, and bytes changed by somebody who makes
 * the checksum right again. Whoever decodes that gets a coded error, or what these very bytes are the encoding of; of
 * a text also, what means the same by JSON's rules, and an error says where it stops making sense.
 */

import { isDeepStrictEqual } from 'node:util'
import {
  binaryCodec,
  crc32,
  decodeKvRecord,
  encodeFrame,
  encodeKvRecord,
  type Entry,
  type EntryCodec,
  jsonCodec,
  type KvRecord,
  readFrame,
  WalrusError,
} from '@walrus/codec'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'

const CI_SEEDS = 40

/** One way to put something into bytes. */
interface Layout {
  readonly make: (random: Random) => Uint8Array
  /** Decodes, and encodes what that gives. */
  readonly again: (bytes: Uint8Array) => Uint8Array
  /** Makes the checksum right, where there is one. */
  readonly seal: (bytes: Uint8Array) => Uint8Array
  /** JSON: the same can be written in several ways, such as `\u003c` and `\u003C`. */
  readonly isText?: true
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  binary: {
    make: (random) => binaryCodec.encode(randomEntry(random)),
    again: (bytes) => decodedAgain(binaryCodec, bytes),
    seal(bytes) {
      if (bytes.length >= 4) {
        viewOf(bytes).setUint32(bytes.length - 4, crc32(bytes, 0, 0, bytes.length - 4), true)
      }
      return bytes
    },
  },
  json: {
    make: (random) => jsonCodec.encode(randomEntry(random)),
    again(bytes) {
      const encoded = decodedAgain(jsonCodec, bytes)
      // Whatever is taken for JSON is JSON, and says so.
      if (isDeepStrictEqual(valueOf(bytes), valueOf(encoded))) return encoded
      throw new TypeError(`as JSON it is ${Buffer.from(bytes).toString()}`)
    },
    isText: true,
    seal(bytes) {
      const text = Buffer.from(bytes).toString('latin1')
      const sum = crc32(Buffer.from(text.replace(CHECKSUM, '$10'), 'latin1'))
      return Buffer.from(text.replace(CHECKSUM, `$1${sum}`), 'latin1')
    },
  },
  record: {
    make: (random) => encodeKvRecord(randomRecord(random)),
    again(bytes) {
      const { record, next } = decodeKvRecord(bytes, 0)
      // What follows is the next record's.
      return Buffer.concat([encodeKvRecord(record), bytes.subarray(next)])
    },
    seal(bytes) {
      if (bytes.length < 12) return bytes
      viewOf(bytes).setUint32(4, bytes.length - 12)
      viewOf(bytes).setUint32(8, crc32(bytes, 0, 12))
      return bytes
    },
  },
  frame: {
    make: (random) => encodeFrame(choose(random, [binaryCodec, jsonCodec]), randomEntry(random)),
    again(bytes) {
      const { bytes: held, next } = readFrame(bytes, 0)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(held.length)
      return Buffer.concat([length, held, bytes.subarray(next)])
    },
    seal: (bytes) => bytes,
  },
}

const CHECKSUM = /("checksum":)\d+/

export const codec: Row = {
  name: 'codec',
  title: 'encodings damaged, also with a right checksum',
  keys: { layout: oneOf(Object.keys(LAYOUTS)), seed: SEED, change: whole(0, 1e7) },
  run,
  *ciPlans() {
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) {
      for (const layout of Object.keys(LAYOUTS)) yield new Plan('codec', { layout, seed })
    }
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const names = plan.text('layout') === undefined ? Object.keys(LAYOUTS) : [plan.text('layout')!]
  const found: Violation[] = []
  counts.seeds++
  for (const layout of names) {
    const { make, again, seal, isText = false } = LAYOUTS[layout]!
    const random = randomFrom(plan.number('seed') ?? 0)
    const whole = make(random)
    if (!sameBytes(whole, again(whole))) found.push({ plan, what: 'comes back as another' })
    const right: Right = isText ? { whole, tokens: tokensOf(whole) } : {}
    let change = 0
    for (const changed of changesOf(whole, seal, random)) {
      const number = change++
      if ((plan.number('change') ?? number) !== number) continue
      counts.faults++
      const what = wrongWith(changed, again, right)
      if (what !== undefined) found.push({ plan: plan.with({ layout, change: number }), what })
    }
  }
  return found
}

/** What a damaged text may be taken for, and where its tokens begin. */
type Right = { readonly whole: Uint8Array; readonly tokens: readonly number[] } | { whole?: never }

/** What is wrong with the answer to some bytes. */
function wrongWith(
  bytes: Uint8Array,
  again: (bytes: Uint8Array) => Uint8Array,
  right: Right,
): string | undefined {
  let encoded: Uint8Array
  try {
    encoded = again(bytes)
  } catch (error) {
    if (!(error instanceof WalrusError) || error.code === 'WALRUS_INVALID_OPTION') {
      return `damaged bytes are answered with ${String(error)}`
    }
    return right.whole === undefined ? undefined : wrongPlace(error, bytes, right)
  }
  if (sameBytes(bytes, encoded)) return undefined
  if (right.whole !== undefined && sameBytes(right.whole, encoded)) return undefined
  return 'damaged bytes are taken for something else than what they are'
}

/** What is wrong with where a text is said to stop making sense: not before the token that was changed, or behind all. */
function wrongPlace(
  { code, offset, index }: WalrusError,
  bytes: Uint8Array,
  { whole, tokens }: Exclude<Right, { whole?: never }>,
): string | undefined {
  if (offset === undefined) {
    // It could be read as far as it is about one entry.
    const isOfEntry = code === 'WALRUS_CHECKSUM_MISMATCH' || index !== undefined
    return isOfEntry ? undefined : 'text is refused without saying where'
  }
  let same = 0
  while (same < bytes.length && bytes[same] === whole[same]) same++
  const from = tokens.findLast((token) => token < same) ?? 0
  if (offset >= from && offset <= bytes.length) return undefined
  return `the same up to ${same} of ${bytes.length} bytes, it is refused at ${offset}`
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+|null|[{}:,]/g

function tokensOf(text: Uint8Array): number[] {
  return [...Buffer.from(text).toString('latin1').matchAll(TOKEN)].map(({ index }) => index)
}

function valueOf(text: Uint8Array): unknown {
  return JSON.parse(Buffer.from(text).toString())
}

function* changesOf(
  whole: Uint8Array,
  seal: Layout['seal'],
  random: Random,
): Generator<Uint8Array> {
  for (let length = 0; length < whole.length; length++) {
    yield whole.slice(0, length)
    yield seal(whole.slice(0, length))
  }
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const changed = Uint8Array.from(whole)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    yield Uint8Array.from(changed)
    yield seal(changed)
  }
  for (let count = 0; count < whole.length * 4; count++) {
    const changed = Uint8Array.from(whole)
    changed[pick(random, whole.length)] = choose(random, BYTES)
    yield seal(changed)
  }
  // What was escaped, raw: it has the same checksum.
  for (let at = 0; at + 2 <= whole.length; at++) {
    yield Buffer.concat([whole.subarray(0, at), Buffer.of(10), whole.subarray(at + 2)])
  }
  // A part out, a part in, a part twice.
  for (let at = 0; at < whole.length; at++) {
    const to = at + 1 + pick(random, 8)
    const parts = [whole.subarray(0, at), whole.subarray(at, to), whole.subarray(to)] as const
    yield seal(Buffer.concat([parts[0], parts[2]]))
    yield seal(Buffer.concat([parts[0], parts[1], parts[1], parts[2]]))
    yield seal(Buffer.concat([parts[0], Buffer.alloc(to - at), parts[1], parts[2]]))
  }
  // One byte out, one byte in.
  for (let at = 0; at <= whole.length; at++) {
    const [before, after] = [whole.subarray(0, at), whole.subarray(at)]
    for (const changed of [
      Buffer.concat([before, after.subarray(1)]),
      ...Array.from(INSERTED, (byte) => Buffer.concat([before, Buffer.of(byte), after])),
    ]) {
      yield Buffer.from(changed)
      yield seal(changed)
    }
  }
}

const BYTES = [0, 1, 2, 10, 31, 34, 43, 45, 48, 61, 65, 92, 127, 128, 255]
const INSERTED = Buffer.from(' "0=A')

function decodedAgain(of: EntryCodec, bytes: Uint8Array): Uint8Array {
  return of.encode(of.decode(bytes))
}

function randomEntry(random: Random): Entry {
  return {
    index: BigInt(pick(random, 2 ** 40)),
    term: BigInt(pick(random, 300)),
    data: pick(random, 5) === 0 ? null : randomBytes(random),
    timestamp: BigInt(pick(random, 2 ** 50)) - 2n ** 20n,
    transactionId: choose(random, ['', 'tx_1', 'a\nb', 'tx_é"<\n']),
  }
}

function randomRecord(random: Random): KvRecord {
  const key = randomBytes(random)
  if (pick(random, 3) === 0) return { op: 'delete', key }
  return { op: 'set', key, value: randomBytes(random) }
}

function randomBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: pick(random, 24) }, () => pick(random, 256))
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
