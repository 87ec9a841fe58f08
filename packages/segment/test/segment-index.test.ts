/** An index finds every frame that was noted, and nothing else, also after some were forgotten. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GROUP_HEADER_BYTES, GroupBuilder } from '../src/group.ts'
import { Postings, SegmentIndex } from '../src/segment-index.ts'
import { scanGroupsSync } from '../src/scan.ts'
import { MemoryFile } from './memory-file.ts'
import { filled, SALT, SEED, SEGMENT } from './segment-bytes.ts'

interface Place {
  readonly position: number
  readonly offset: number
}

/** The same as `Postings`, as a list that is searched from end to end. */
class Model {
  places: Place[] = []

  find(position: number): number {
    return this.places.find((place) => place.position === position)?.offset ?? -1
  }

  slice(position: number, count: number): number[] {
    const offsets: number[] = []
    while (offsets.length < count && this.find(position + offsets.length) >= 0) {
      offsets.push(this.find(position + offsets.length))
    }
    return offsets
  }

  nextBefore(offset: number): number | undefined {
    const last = this.places.findLast((place) => place.offset < offset)
    return last && last.position + 1
  }

  runs(): { first: number; count: number }[] {
    return this.places
      .filter(({ position }) => this.find(position - 1) < 0)
      .map(({ position }) => ({ first: position, count: this.slice(position, Infinity).length }))
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ add: fc.nat(2), skip: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ cut: fc.nat(60) }) },
)

describe('the postings of a stream', () => {
  it('are what a plain list of them would be', () => {
    fc.assert(
      fc.property(fc.nat(5), fc.array(step, { maxLength: 60 }), (origin, steps) => {
        const postings = new Postings()
        const model = new Model()
        let offset = 192
        for (const taken of steps) {
          if ('cut' in taken) {
            postings.cut(taken.cut)
            model.places = model.places.filter(({ position }) => position < taken.cut)
          } else {
            const last = model.places.at(-1)
            const gap = taken.add === 0 ? taken.skip : 0
            const position = (last === undefined ? origin : last.position + 1) + gap
            postings.add(position, offset)
            model.places.push({ position, offset })
            offset += 28
          }
          const places = model.places
          expect(postings.count).toBe(places.length)
          expect(postings.runs()).toEqual(model.runs())
          expect([...postings.offsets()]).toEqual(places.map((place) => place.offset))
          if (places.length === 0) continue
          expect(postings.first).toBe(places[0]!.position)
          expect(postings.next).toBe(places.at(-1)!.position + 1)
        }
        const end = (model.places.at(-1)?.position ?? 0) + 3
        for (let position = 0; position <= end; position++) {
          expect(postings.find(position)).toBe(model.find(position))
          for (const count of [0, 1, 3, 100]) {
            expect(Array.from(postings.slice(position, count))).toEqual(
              model.slice(position, count),
            )
          }
        }
        for (let at = 190; at < offset + 28; at += 7) {
          expect(postings.nextBefore(at)).toBe(model.nextBefore(at))
        }
      }),
    )
  })

  it('of a stream cut back into a gap go on behind it', () => {
    const postings = new Postings()
    postings.add(1, 192)
    postings.add(10, 220)
    postings.cut(7)
    postings.add(7, 300)
    expect([1, 2, 7, 10].map((position) => postings.find(position))).toEqual([192, -1, 300, -1])
  })

  it('hold offsets up to 4 GiB', () => {
    const postings = new Postings()
    postings.add(0, 0xffff_fffc)
    expect(postings.find(0)).toBe(0xffff_fffc)
  })
})

describe('the index of a segment', () => {
  const FIRST_LSN = 100
  const BASE_TIME = 5000

  /** Two groups of several streams, the second one with a gap in a stream. */
  function segment(): Uint8Array {
    const frames: [number, number, number][][] = [
      [
        [0, 1, 5],
        [16, 7, 0],
        [16, 8, 3],
        [0, 2, 40],
      ],
      [
        [17, 0, 1],
        [16, 20, 9],
        [0, 3, 2],
      ],
    ]
    let firstLsn = FIRST_LSN
    const parts = frames.map((group, number) => {
      const builder = new GroupBuilder(4096)
      builder.begin(SEED, SALT)
      for (const [stream, position, length] of group) {
        builder.add(stream, 1, position, 0, filled(length))
      }
      const stamp = { firstLsn, time: BASE_TIME + number * 8, mark: 1, boot: 1, epoch: 1 }
      firstLsn += group.length
      return builder.bytes.slice(0, builder.close(stamp, 4))
    })
    return new Uint8Array(Buffer.concat([new Uint8Array(192), ...parts]))
  }

  function indexOf(bytes: Uint8Array): SegmentIndex {
    const index = new SegmentIndex()
    const file = new MemoryFile(bytes)
    const range = {
      file,
      id: SEGMENT,
      seed: SEED,
      from: 192,
      to: bytes.length,
      firstLsn: FIRST_LSN,
    }
    const result = scanGroupsSync(range, (group) => index.addScanned(group, BASE_TIME, FIRST_LSN))
    expect(result.stop).toBe('end')
    return index
  }

  it('leads to every frame of the groups it has seen', () => {
    const bytes = segment()
    const index = indexOf(bytes)
    const view = new DataView(bytes.buffer)
    const seen = index
      .streams()
      .flatMap(([stream, postings]) =>
        [...postings.offsets()].map((offset) => [
          stream,
          view.getUint32(offset + 4, true),
          Number(view.getBigUint64(offset + 12, true)),
        ]),
      )
    expect(seen).toEqual([
      [0, 0, 1],
      [0, 0, 2],
      [0, 0, 3],
      [16, 16, 7],
      [16, 16, 8],
      [16, 16, 20],
      [17, 17, 0],
    ])
    expect(index.find(0, 1)).toBe(192 + GROUP_HEADER_BYTES)
    expect(index.find(16, 9)).toBe(-1)
    expect(index.find(99, 0)).toBe(-1)
    expect(Array.from(index.slice(16, 7, 10))).toEqual([index.find(16, 7), index.find(16, 8)])
    expect(Array.from(index.slice(99, 0, 10))).toEqual([])
    expect(index.nextBefore(16, bytes.length)).toBe(21)
    expect(index.nextBefore(99, bytes.length)).toBeUndefined()
  })

  it('names each stream with its first position and the one after its last', () => {
    expect(indexOf(segment()).heads()).toEqual([
      { stream: 0, first: 1, next: 4 },
      { stream: 16, first: 7, next: 21 },
      { stream: 17, first: 0, next: 1 },
    ])
  })

  it('cut at any offset is what it was when it came to there', () => {
    const whole = indexOf(segment())
    const frames = whole
      .streams()
      .flatMap(([stream, postings]) =>
        postings
          .runs()
          .flatMap(({ first, count }) =>
            Array.from({ length: count }, (_, i) => ({ stream, position: first + i })),
          ),
      )
    for (let at = 192; at <= segment().length; at += 4) {
      const index = indexOf(segment())
      index.cutAt(at)
      for (const { stream, position } of frames) {
        const offset = whole.find(stream, position)
        expect(index.find(stream, position)).toBe(offset < at ? offset : -1)
      }
      expect(index.samples()).toHaveLength(at > 192 ? 1 : 0)
    }
  })

  it('leaves out streams of which nothing is left', () => {
    const index = indexOf(segment())
    index.stream(17).cut(0)
    index.stream(18)
    expect(index.streams().map(([stream]) => stream)).toEqual([0, 16])
  })

  it('samples a group about every 64 KiB, and forgets those behind a cut', () => {
    const index = new SegmentIndex()
    const offsets = Array.from({ length: 30 }, (_, number) => 192 + number * 10_000)
    offsets.forEach((offset, number) => index.addGroup(offset, number, number * 2))
    expect(index.samples()).toEqual([
      { offset: 192, time: 0, lsn: 0 },
      { offset: 70_192, time: 7, lsn: 14 },
      { offset: 140_192, time: 14, lsn: 28 },
      { offset: 210_192, time: 21, lsn: 42 },
      { offset: 280_192, time: 28, lsn: 56 },
    ])
    index.cutGroups(140_192)
    expect(index.samples().map(({ offset }) => offset)).toEqual([192, 70_192])
  })
})
