/** A seal is read back as it was written, where it was written, and is nothing anywhere else. */

import { describe, expect, it } from 'vitest'
import { seedOf } from '../src/checks.ts'
import { decodeSeal, encodeSeal, SEAL_BYTES, type Seal } from '../src/seal.ts'
import { SALT, SEED } from './segment-bytes.ts'

const seal: Seal = {
  id: 2 ** 40 + 7,
  endLsn: Number.MAX_SAFE_INTEGER,
  end: 2 ** 32 + 192,
  successor: 2 ** 40 + 8,
  time: 1_700_000_000_123,
  plainNext: 2 ** 35,
}

describe('a seal', () => {
  const bytes = encodeSeal(seal, SEED, SALT)
  const read = (from: Uint8Array) => decodeSeal(from, seal.end, seal.id, SEED)

  it('is read back as it was written, at any alignment in memory', () => {
    expect(bytes).toHaveLength(SEAL_BYTES)
    expect(read(bytes)).toEqual(seal)
    expect(read(Uint8Array.of(1, ...bytes).subarray(1))).toEqual(seal)
  })

  it('is none with any one bit flipped, or cut short', () => {
    for (let at = 0; at < SEAL_BYTES; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = bytes.slice()
        damaged[at]! ^= 1 << bit
        expect(read(damaged)).toBeUndefined()
      }
      expect(read(bytes.subarray(0, at))).toBeUndefined()
    }
  })

  it('is none at another offset, under another number, or with another salt', () => {
    expect(decodeSeal(bytes, seal.end + 4, seal.id, SEED)).toBeUndefined()
    expect(decodeSeal(bytes, seal.end, seal.id + 1, SEED)).toBeUndefined()
    expect(decodeSeal(bytes, seal.end, seal.id, seedOf(SALT + 1))).toBeUndefined()
  })
})
