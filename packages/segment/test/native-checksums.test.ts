/** Native checksums give the same bytes and the same verdicts as JavaScript's. */

import { crc32Words } from '@walrus/codec'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWhole } from '../src/checks.ts'
import { frameBytes } from '../src/frame.ts'
import { GroupBuilder } from '../src/group.ts'
import type { NativeChecksums } from '../src/storage.ts'
import { filled, SALT, scannedSync, SEED } from './segment-bytes.ts'

const STAMP = { firstLsn: 1, time: 1000, mark: 1, boot: 11, epoch: 3 }

/** Stands for native code, and counts what is asked of it. */
function counted(): NativeChecksums & { calls: number; units: number } {
  const checksums = {
    calls: 0,
    units: 0,
    crc32(bytes: Uint8Array, value: number, from: number, to: number): number {
      checksums.calls++
      return crc32(bytes.subarray(from, to), value)
    },
    crc32Units(
      bytes: Uint8Array,
      from: number,
      ends: Uint32Array,
      count: number,
      register: number,
      into: Int32Array,
    ): void {
      checksums.calls++
      const words = new Int32Array(bytes.buffer)
      let at = from
      for (let unit = 0; unit < count; unit++) {
        into[unit] = crc32Words(words, at >>> 2, ends[unit]! >>> 2, register)
        at = ends[unit]! + 4
        checksums.units++
      }
    },
  }
  return checksums
}

interface Frame {
  readonly how: 'add' | 'attributes' | 'copy'
  readonly length: number
}

function groupOf(frames: readonly Frame[], native: NativeChecksums | undefined): Uint8Array {
  const builder = new GroupBuilder(64, native)
  builder.begin(SEED, SALT)
  const from = new GroupBuilder(8192)
  frames.forEach(({ how, length }, number) => {
    builder.reserve(frameBytes(length + 9))
    if (how === 'add') builder.add(0, 1, number, 5, filled(length))
    else if (how === 'attributes')
      builder.addWithAttributes(16, 1, number, 5, 4, filled(9), filled(length))
    else {
      from.begin(7, 9)
      const at = from.add(3, 1, number, 4, filled(length))
      builder.addCopy(from.bytes, at, frameBytes(length), 6)
    }
  })
  return builder.bytes.slice(0, builder.close(STAMP, 4))
}

const frame: fc.Arbitrary<Frame> = fc.record({
  how: fc.constantFrom('add', 'attributes', 'copy'),
  length: fc.nat(1000),
})

describe('a group', () => {
  it('is the same, whoever closes its frames', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), (frames) => {
        expect(groupOf(frames, counted())).toEqual(groupOf(frames, undefined))
      }),
    )
  })

  it('of many frames is closed in one call, of few in none', () => {
    const many = counted()
    const frames = Array.from({ length: 1000 }, () => ({ how: 'add', length: 10 }) as const)
    const group = groupOf(frames, many)
    expect(many).toMatchObject({ calls: 1, units: 1000 })
    expect(scannedSync(group, { firstLsn: 1 }).nextLsn).toBe(1001)
    const few = counted()
    groupOf(frames.slice(0, 2), few)
    expect(few.calls).toBe(0)
  })

  it('begun anew holds nothing of the one before', () => {
    const builder = new GroupBuilder(8192, counted())
    for (const count of [10, 4, 1, 0, 7]) {
      builder.begin(SEED, SALT)
      for (let number = 0; number < count; number++) builder.add(0, 1, number, 5, filled(50))
      if (count === 0) continue
      const group = builder.bytes.slice(0, builder.close(STAMP, 4))
      expect(scannedSync(group, { firstLsn: 1 }).nextLsn).toBe(1 + count)
    }
  })
})

describe('a run of units', () => {
  it('is whole or not, whoever looks', () => {
    const lengths = [0, 20, 100, 132, 160, 200, 500, 5000]
    for (const length of lengths) {
      const group = groupOf([{ how: 'add', length }], undefined)
      const words = new Int32Array(group.buffer)
      const native = counted()
      expect(isWhole(group, words, 64, group.length, SEED, native)).toBe(true)
      expect(native.calls).toBe(group.length - 64 > 160 ? 1 : 0)
      for (const at of [64, group.length - 1]) {
        group[at]! ^= 1
        expect(isWhole(group, words, 64, group.length, SEED, native)).toBe(false)
        group[at]! ^= 1
      }
    }
  })
})
