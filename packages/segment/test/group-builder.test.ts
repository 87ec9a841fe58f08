/** What is put into a group stands there whole and checked, whatever the buffer held before. */

import { describe, expect, it } from 'vitest'
import { isWhole, seedOf } from '../src/checks.ts'
import { frameBytes, frameLength, framePosition, frameStream, frameTime } from '../src/frame.ts'
import { GROUP_HEADER_BYTES, GroupBuilder } from '../src/group.ts'
import { naiveScan, returnsToSeed } from './naive-scan.ts'
import { filled, SALT, scannedSync, SEED } from './segment-bytes.ts'

const STAMP = { firstLsn: 1, time: 1000, mark: 1, boot: 11, epoch: 3 }

/** The bodies of a group's frames, of which the checks have to pass. */
function bodiesOf(group: Uint8Array): Uint8Array[] {
  expect(naiveScan(group, SALT, 0, STAMP.firstLsn).end).toBe(group.length)
  const bodies: Uint8Array[] = []
  const words = new Int32Array(group.buffer)
  for (let at = GROUP_HEADER_BYTES; at < group.length && words[at / 4 + 2] !== 0; ) {
    const length = frameLength(words, at)
    bodies.push(group.slice(at + 24, at + 24 + length))
    at += frameBytes(length)
  }
  return bodies
}

/** A builder whose buffer is full of bytes that must not show. */
function usedBuilder(capacity: number): GroupBuilder {
  const builder = new GroupBuilder(capacity)
  builder.bytes.fill(0xee)
  builder.begin(SEED, SALT)
  return builder
}

describe('bodies', () => {
  const lengths = [...Array.from({ length: 65 }, (_, length) => length), 399, 400, 401, 512, 5000]

  for (const length of lengths) {
    it(`of ${length} bytes stand as they were given, with zeros up to a multiple of 4`, () => {
      const builder = usedBuilder(2 * frameBytes(length) + GROUP_HEADER_BYTES)
      const body = filled(length)
      const places = [builder.add(0, 1, 1, 5, body), builder.add(0, 1, 2, 5, body)]
      expect(places).toEqual([64, 64 + frameBytes(length)])
      const group = builder.bytes.slice(0, builder.close(STAMP, 4))
      expect(bodiesOf(group)).toEqual([body, body])
      for (const at of places) {
        const behind = group.subarray(at + 24 + length, at + frameBytes(length) - 4)
        expect(behind.every((byte) => byte === 0)).toBe(true)
      }
    })

    it(`of ${length} bytes, some of them attributes, do too`, () => {
      const builder = usedBuilder(frameBytes(length + 9) + GROUP_HEADER_BYTES)
      builder.addWithAttributes(0, 1, 1, 5, 4, filled(9), filled(length, 100))
      const group = builder.bytes.slice(0, builder.close(STAMP, 4))
      expect(bodiesOf(group)).toEqual([Uint8Array.of(...filled(9), ...filled(length, 100))])
      const behind = group.subarray(64 + 24 + 9 + length, -4)
      expect(behind.every((byte) => byte === 0)).toBe(true)
    })
  }
})

describe('the buffer', () => {
  it('grows as often as need be and keeps what it holds', () => {
    const builder = new GroupBuilder(GROUP_HEADER_BYTES)
    builder.begin(SEED, SALT)
    const bodies = Array.from({ length: 40 }, (_, number) => filled(number * 31, number))
    bodies.forEach((body, number) => {
      builder.reserve(frameBytes(body.length))
      builder.add(0, 1, number + 1, 5, body)
    })
    expect(builder.count).toBe(40)
    expect(bodiesOf(builder.bytes.slice(0, builder.close(STAMP, 4)))).toEqual(bodies)
  })

  it('is left alone while there is room, and doubled when there is not', () => {
    const builder = new GroupBuilder(1024)
    // Nothing is taken for groups that never come.
    expect(builder.capacity).toBe(0)
    builder.begin(SEED, SALT)
    const { bytes } = builder
    builder.reserve(1024 - GROUP_HEADER_BYTES)
    expect(builder.bytes).toBe(bytes)
    builder.reserve(1024 - GROUP_HEADER_BYTES + 1)
    expect(builder.capacity).toBe(2048)
    builder.reserve(10_001)
    expect(builder.capacity).toBe(10_068)
  })

  it('that grows for its padding alone keeps what it holds', () => {
    const builder = new GroupBuilder(GROUP_HEADER_BYTES + frameBytes(5))
    builder.begin(SEED, SALT)
    builder.add(0, 1, 1, 5, filled(5))
    const size = builder.close(STAMP, 4096)
    expect(size).toBe(4096)
    expect(bodiesOf(builder.bytes.slice(0, size))).toEqual([filled(5)])
  })

  it('used before for a longer group leaves nothing of it in the padding', () => {
    const builder = new GroupBuilder(8192)
    builder.begin(SEED, SALT)
    builder.add(0, 1, 1, 5, filled(4000))
    builder.close(STAMP, 512)
    builder.begin(SEED, SALT)
    builder.add(0, 1, 1, 5, filled(7))
    const size = builder.close(STAMP, 512)
    expect(size).toBe(512)
    const group = builder.bytes.slice(0, size)
    expect(bodiesOf(group)).toEqual([filled(7)])
    expect(group.subarray(100).every((byte) => byte === 0)).toBe(true)
  })

  it('takes the salt of each group it is used for', () => {
    const builder = new GroupBuilder(1024)
    for (const salt of [SALT, SALT + 1]) {
      builder.begin(seedOf(salt), salt)
      builder.add(0, 1, 1, 5, filled(9))
      const group = builder.bytes.slice(0, builder.close(STAMP, 4))
      expect(returnsToSeed(group, salt)).toBe(true)
      expect(returnsToSeed(group, SALT + 2)).toBe(false)
    }
  })
})

it('a copied frame is whole in the other segment, at its new time, and otherwise the same', () => {
  const other = 0x0b5e_55ed
  const from = new GroupBuilder(2048)
  from.begin(seedOf(other), other)
  const places = [3, 0, 700].map((length, number) =>
    from.add(16 + number, 1, 2 ** 33 + number, 5, filled(length)),
  )
  const to = usedBuilder(2048)
  places.forEach((at, number) => {
    to.addCopy(from.bytes, at, frameBytes(frameLength(from.words, at)), 1000 + number)
  })
  expect(to.end).toBe(from.end)
  expect(to.count).toBe(3)
  places.forEach((at, number) => {
    const end = places[number + 1] ?? to.end
    expect(isWhole(to.bytes, to.words, at, end, SEED)).toBe(true)
    expect(returnsToSeed(to.bytes.subarray(at, end), SALT)).toBe(true)
    expect(frameTime(to.words, at)).toBe(1000 + number)
    expect(frameStream(to.words, at)).toBe(16 + number)
    expect(framePosition(to.words, at)).toBe(2 ** 33 + number)
    const body = to.bytes.subarray(at + 24, at + 24 + frameLength(to.words, at))
    expect(body).toEqual(filled([3, 0, 700][number]!))
  })
})

it('a header carries all it is given, at the ends of its ranges', () => {
  const builder = new GroupBuilder(256)
  const max = Number.MAX_SAFE_INTEGER
  const stamp = { firstLsn: max - 5, time: max - 1, mark: max - 7, boot: -3, epoch: 0xffff_ffff }
  builder.begin(SEED, SALT)
  builder.add(0, 1, 1, 5, filled(3))
  const group = builder.bytes.slice(0, builder.close(stamp, 4))
  const { mark, time, nextLsn } = scannedSync(group, { firstLsn: max - 5 })
  expect({ mark, time, nextLsn }).toEqual({ mark: max - 7, time: max - 1, nextLsn: max - 4 })
  const view = new DataView(group.buffer)
  expect(view.getInt32(40, true)).toBe(-3)
  expect(view.getUint32(44, true)).toBe(0xffff_ffff)
})
