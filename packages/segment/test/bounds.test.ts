/** Stream bounds, and what they do to the index of the segment they stand in. */

import { describe, expect, it } from 'vitest'
import {
  CATALOG_STREAM,
  encodeBounds,
  FrameKind,
  GROUP_HEADER_BYTES,
  GroupBuilder,
  readBounds,
  type ScannedGroup,
  SegmentIndex,
  seedOf,
} from '../src/index.ts'

const SALT = 0x1234_5678

/** A group at an offset of its segment: entries of stream 0 by position, or a cut. */
function groupOf(offset: number, frames: readonly (number | { cut: number })[]): ScannedGroup {
  const builder = new GroupBuilder(0x1000)
  builder.begin(seedOf(SALT), SALT)
  for (const frame of frames) {
    if (typeof frame === 'number') builder.add(0, FrameKind.entry, frame, 0, new Uint8Array(4))
    else {
      const body = encodeBounds({ stream: 0, first: 1, next: frame.cut, cut: true })
      builder.add(CATALOG_STREAM, FrameKind.streamBounds, offset, 0, body)
    }
  }
  const stamp = { firstLsn: 1, time: 5, mark: 1, boot: 1, epoch: 1 }
  const size = builder.close(stamp, 4)
  const { bytes, words } = builder
  return {
    header: { ...stamp, size, count: frames.length },
    offset,
    bytes,
    words,
    at: 0,
  } as ScannedGroup
}

function indexOf(...groups: readonly ScannedGroup[]): SegmentIndex {
  const index = new SegmentIndex()
  for (const group of groups) index.addScanned(group, 0, 1)
  return index
}

/** The positions of stream 0 that are found from 0 to 19. */
function found(index: SegmentIndex): number[] {
  return Array.from({ length: 20 }, (_, at) => at).filter((at) => index.find(0, at) >= 0)
}

describe('a frame of stream bounds', () => {
  it('is read as it was encoded, with numbers beyond 32 bits', () => {
    for (const cut of [true, false]) {
      const bounds = { stream: 0xffff_fff0, first: 2 ** 40 + 1, next: 2 ** 52 + 3, cut }
      const builder = new GroupBuilder(0x1000)
      builder.begin(seedOf(SALT), SALT)
      builder.add(CATALOG_STREAM, FrameKind.streamBounds, 0, 0, encodeBounds(bounds))
      expect(readBounds(builder.words, GROUP_HEADER_BYTES)).toEqual(bounds)
    }
  })

  it.each([
    ['a first position behind the next', { stream: 0, first: 6, next: 5, cut: true }, 24],
    ['a position beyond 2^53', { stream: 0, first: 0, next: 2 ** 53, cut: true }, 24],
    ['a body too short', { stream: 0, first: 0, next: 5, cut: true }, 20],
  ])('with %s says nothing', (_, bounds, length) => {
    const builder = new GroupBuilder(0x1000)
    builder.begin(seedOf(SALT), SALT)
    const body = encodeBounds(bounds).subarray(0, length)
    builder.add(CATALOG_STREAM, FrameKind.streamBounds, 0, 0, body)
    expect(readBounds(builder.words, GROUP_HEADER_BYTES)).toBeUndefined()
  })
})

it('unknown flags say nothing, either', () => {
  const builder = new GroupBuilder(0x1000)
  builder.begin(seedOf(SALT), SALT)
  const body = encodeBounds({ stream: 0, first: 0, next: 5, cut: true })
  body[4] = 3
  builder.add(CATALOG_STREAM, FrameKind.streamBounds, 0, 0, body)
  expect(readBounds(builder.words, GROUP_HEADER_BYTES)).toBeUndefined()
})

describe('an index that is scanned', () => {
  it('drops what is cut, and takes the positions anew', () => {
    const index = indexOf(
      groupOf(192, [5, 6, 7, 8]),
      groupOf(1000, [{ cut: 7 }]),
      groupOf(2000, [7]),
    )
    expect(found(index)).toEqual([5, 6, 7])
    expect(index.find(0, 7)).toBe(2000 + GROUP_HEADER_BYTES)
    expect(index.heads().find(({ stream }) => stream === 0)).toEqual({
      stream: 0,
      first: 5,
      next: 8,
    })
  })

  it('drops all of it when the cut is below, and takes lower positions', () => {
    const index = indexOf(groupOf(192, [5, 6]), groupOf(1000, [{ cut: 3 }]), groupOf(2000, [3, 4]))
    expect(found(index)).toEqual([3, 4])
  })

  it('knows where the stream stood at an offset, also with no entry since the cut', () => {
    const index = indexOf(groupOf(192, [5, 6]), groupOf(1000, [{ cut: 3 }]))
    expect(index.nextAt(0, 3000)).toBe(3)
    expect(index.nextAt(0, 1000)).toBeUndefined()
    expect(index.nextAt(7, 3000)).toBeUndefined()
    index.addScanned(groupOf(2000, [3]), 0, 1)
    expect([index.nextAt(0, 2000), index.nextAt(0, 3000)]).toEqual([3, 4])
    expect([index.cutsFrom(1000), index.cutsFrom(2000)]).toEqual([true, false])
  })

  it('forgets a cut with everything behind an offset', () => {
    const index = indexOf(groupOf(192, [5]), groupOf(1000, [{ cut: 5 }]))
    index.cutAt(192)
    expect(index.cutsFrom(0)).toBe(false)
    index.addScanned(groupOf(192, [5]), 0, 1)
    expect(found(index)).toEqual([5])
  })
})

describe('an index that is merged', () => {
  it('is what one scan of everything gives', () => {
    const groups = [
      groupOf(192, [5, 6, 7, 8]),
      groupOf(1000, [9, 10]),
      groupOf(2000, [{ cut: 7 }, { cut: 9 }]),
      groupOf(3000, [7, 8]),
      groupOf(4000, [{ cut: 8 }]),
      groupOf(5000, [8, 9]),
    ]
    const whole = indexOf(...groups)
    for (let at = 0; at <= groups.length; at++) {
      const merged = indexOf(...groups.slice(0, at))
      merged.merge(indexOf(...groups.slice(at)))
      expect(merged.heads()).toEqual(whole.heads())
      for (let position = 0; position < 20; position++) {
        expect(merged.find(0, position)).toBe(whole.find(0, position))
      }
      expect(merged.nextAt(0, 9000)).toBe(whole.nextAt(0, 9000))
    }
  })
})
