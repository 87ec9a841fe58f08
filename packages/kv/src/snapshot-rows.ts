/**
 * The rows of a store's snapshots: which keys there are, and where. docs/format.md: "Key-value snapshots".
 *
 *   header          0 | version of this layout, 1; the first row, and the only one of its kind
 *   keys            1 | key length, u16 | position, u48 | key | ...
 *   keys expiring   2 | key length, u16 | position, u48 | expires at, u48 | key | ...
 *
 * A row is read from the table when it is asked for, while the store goes on. So one may hold more than the entries
 * the snapshot speaks of have made of a key; what is more is behind them, and is applied again.
 */

import { WalrusError } from '@walrus/codec'
import type { ByteString } from './byte-string.ts'
import { badSnapshot } from './errors.ts'
import type { Entry } from './key-table.ts'
import { bufferOf } from './record.ts'

/** The first row of a snapshot. */
export const HEADER_ROW: Uint8Array = Uint8Array.of(0, 1)

const HEADER = 0
const VERSION = 1
const KEYS = 1
const KEYS_EXPIRING = 2
const ROW_BYTES = 0x1_0000
const LARGEST_BYTES = 14 + 0xffff

export function* encodeRows(
  entries: Iterable<readonly [ByteString, Entry]>,
): Generator<Uint8Array> {
  const lasting = new Row(KEYS)
  const expiring = new Row(KEYS_EXPIRING)
  for (const [key, { position, expiresAt }] of entries) {
    const row = expiresAt === 0 ? lasting : expiring
    row.add(key, position, expiresAt)
    if (row.isFull) yield row.take()
  }
  for (const row of [lasting, expiring]) if (!row.isEmpty) yield row.take()
}

class Row {
  readonly #kind: number
  #buffer = Buffer.allocUnsafeSlow(ROW_BYTES + LARGEST_BYTES)
  #end = 1

  constructor(kind: number) {
    this.#kind = kind
  }

  get isEmpty(): boolean {
    return this.#end === 1
  }

  get isFull(): boolean {
    return this.#end >= ROW_BYTES
  }

  add(key: ByteString, position: number, expiresAt: number): void {
    const buffer = this.#buffer
    let at = buffer.writeUInt16LE(key.length, this.#end)
    at = buffer.writeUIntLE(position, at, 6)
    if (this.#kind === KEYS_EXPIRING) at = buffer.writeUIntLE(expiresAt, at, 6)
    this.#end = at + buffer.write(key, at, 'latin1')
  }

  take(): Uint8Array {
    const bytes = new Uint8Array(this.#buffer.subarray(0, this.#end))
    bytes[0] = this.#kind
    this.#end = 1
    return bytes
  }
}

/** @throws `WALRUS_CORRUPT`; `WALRUS_UNSUPPORTED_FORMAT` when a later version made it */
export function decodeRow(
  data: Uint8Array,
  take: (key: ByteString, position: number, expiresAt: number) => void,
): void {
  const [kind, version] = data
  if (kind === HEADER) {
    if (version === VERSION) return
    throw new WalrusError(
      'WALRUS_UNSUPPORTED_FORMAT',
      `the store's snapshot is of version ${version}, and this reads version ${VERSION}`,
    )
  }
  if (kind !== KEYS && kind !== KEYS_EXPIRING) throw badSnapshot('is of no kind that a store knows')
  const head = kind === KEYS ? 8 : 14
  const buffer = bufferOf(data)
  for (let at = 1; at < buffer.length; ) {
    if (at + head > buffer.length) throw badSnapshot('ends early')
    const end = at + head + buffer.readUInt16LE(at)
    if (end > buffer.length) throw badSnapshot('ends early')
    const position = buffer.readUIntLE(at + 2, 6)
    const expiresAt = kind === KEYS ? 0 : buffer.readUIntLE(at + 8, 6)
    take(buffer.toString('latin1', at + head, end), position, expiresAt)
    at = end
  }
}
