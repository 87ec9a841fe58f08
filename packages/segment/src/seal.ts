/**
 * The seal: what stands at the end of a segment that will never change again (docs/format.md, "Seal").
 */

import { Block, wordAligned } from './block.ts'
import { closingCheck, isWhole } from './checks.ts'

/** Bytes of a seal. */
export const SEAL_BYTES = 64

/** `WSEL`. */
export const SEAL_MAGIC = 0x4c455357

export interface Seal {
  readonly id: number
  /** LSN after the segment's last frame. */
  readonly endLsn: number
  /** The seal's own offset, which is the segment's end. */
  readonly end: number
  /** Number of the segment that follows; it was durable before this was written. */
  readonly successor: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** The plain log's next index. */
  readonly plainNext: number
}

/** The seal's 64 bytes, closed with the segment's salt. */
export function encodeSeal(seal: Seal, seed: number, salt: number): Uint8Array {
  const { bytes, words } = wordAligned(SEAL_BYTES)
  const block = new Block(bytes)
  block.putU32(0, SEAL_MAGIC)
  block.putU32(4, SEAL_BYTES)
  block.putU64(8, seal.id)
  block.putU64(16, seal.endLsn)
  block.putU64(24, seal.end)
  block.putU64(32, seal.successor)
  block.putU64(40, seal.time)
  block.putU64(48, seal.plainNext)
  words[15] = closingCheck(bytes, words, 0, SEAL_BYTES - 4, seed, salt)
  return bytes
}

/** The seal in these 64 bytes, found at offset `at` of segment `id`; `undefined` when they are not its seal. */
export function decodeSeal(
  bytes: Uint8Array,
  at: number,
  id: number,
  seed: number,
): Seal | undefined {
  if (bytes.length !== SEAL_BYTES) return undefined
  const copy = wordAligned(SEAL_BYTES)
  copy.bytes.set(bytes)
  const block = new Block(copy.bytes)
  if (block.u32(0) !== SEAL_MAGIC || block.u32(4) !== SEAL_BYTES) return undefined
  if (!isWhole(copy.bytes, copy.words, 0, SEAL_BYTES, seed)) return undefined
  if (block.u64(8) !== id || block.u64(24) !== at) return undefined
  return {
    id,
    endLsn: block.u64(16),
    end: at,
    successor: block.u64(32),
    time: block.u64(40),
    plainNext: block.u64(48),
  }
}
