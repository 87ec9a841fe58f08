/** The state of topics: what its records make of it, also when some are taken back, and from snapshots. */

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRecords, encodeRecords, type TopicRecord } from '../src/records.ts'
import { TopicsState } from '../src/state.ts'

const small = fc.nat({ max: 5 })
const number = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 }))
const bytes = fc.option(number, { nil: undefined })

/** Records of a few topics, cursors and producers. */
const record: fc.Arbitrary<TopicRecord> = fc.oneof(
  fc.record({
    kind: fc.constant('deleted' as const),
    topic: small,
    position: number,
    bytes: fc.constant(0),
  }),
  fc.record({
    kind: fc.constantFrom('counted' as const),
    topic: small,
    position: number,
    bytes: number,
  }),
  fc.record({ kind: fc.constantFrom('front' as const), topic: small, position: number, bytes }),
  fc.record({ kind: fc.constant('clean' as const), topic: small, at: bytes }),
  fc.record({
    kind: fc.constant('moved' as const),
    topic: small,
    cursor: small,
    position: number,
    bytes,
  }),
  fc.record({ kind: fc.constant('cursorDeleted' as const), topic: small, cursor: small }),
  fc
    .record({ topic: small, cursor: small, position: number, bytes })
    .map((each) => ({ kind: 'cursor' as const, name: `c${each.cursor}`, ...each })),
  fc.record({
    kind: fc.constantFrom('leased' as const, 'returned' as const),
    topic: small,
    cursor: small,
    position: fc.nat({ max: 400 }),
    attempts: number,
    due: number,
  }),
  fc.record({
    kind: fc.constant('acked' as const),
    topic: small,
    cursor: small,
    position: fc.nat({ max: 400 }),
  }),
  fc
    .record({ topic: small, producer: small })
    .map((each) => ({ kind: 'producer' as const, name: `p${each.producer}`, ...each })),
)

function named(records: readonly TopicRecord[]): TopicRecord[] {
  const topics = [0, 1, 2, 3, 4, 5].map((topic) => ({
    kind: 'topic' as const,
    topic,
    name: `topic ${topic}`,
  }))
  return [...topics, ...records]
}

function stateOf(records: readonly TopicRecord[]): TopicsState {
  const state = new TopicsState(3)
  for (const each of records) state.perform(each)
  return state
}

/** What a state is, in a form that can be compared. */
function shown(state: TopicsState): TopicRecord[] {
  return [...state.snapshot()].flatMap((entry) => decodeRecords(entry))
}

describe('records', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const entries = encodeRecords(records)
        expect(entries.flatMap((entry) => decodeRecords(entry))).toEqual(records)
      }),
    )
  })

  it('fill entries of a bounded size', () => {
    const many = Array.from({ length: 20_000 }, (_, topic) => ({
      kind: 'topic' as const,
      topic,
      name: `topic ${topic}`,
    }))
    const entries = encodeRecords(many)
    expect(entries.length).toBeGreaterThan(3)
    expect(Math.max(...entries.map(({ length }) => length))).toBeLessThan(0x1_0000 + 2_000)
    expect(entries.flatMap((entry) => decodeRecords(entry))).toEqual(many)
  })

  it('that cannot be are refused, and none makes memory of a length it only says', () => {
    const whole = encodeRecords([{ kind: 'topic', topic: 1, name: 'a topic' }])[0]!
    const corrupt = expect.objectContaining({ code: 'WALRUS_CORRUPT' })
    for (let length = 1; length < whole.length; length++) {
      expect(() => decodeRecords(whole.subarray(0, length))).toThrow(corrupt)
    }
    expect(() => decodeRecords(Uint8Array.of(200, 1))).toThrow(corrupt)
    expect(() => decodeRecords(Uint8Array.of(0, 1, 255, 255, 255, 255, 15, 1))).toThrow(corrupt)
    expect(() => decodeRecords(new Uint8Array(20).fill(255))).toThrow(corrupt)
    expect(() => decodeRecords(Uint8Array.of(0, 1, 1, 0xff))).toThrow(corrupt)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (some) => {
        try {
          decodeRecords(some)
        } catch (error) {
          expect(error).toEqual(corrupt)
        }
      }),
    )
  })
})

describe('the state', () => {
  it('is the same from a snapshot', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (records) => {
        const state = stateOf(named(records))
        const again = new TopicsState(3)
        for (const entry of state.snapshot()) again.restore(entry)
        expect(shown(again)).toEqual(shown(state))
      }),
    )
  })

  it('is what it was when what came last is taken back', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 40 }),
        fc.array(record, { maxLength: 10 }),
        (before, after) => {
          const state = stateOf(named(before))
          const was = shown(state)
          const undo = after.map((each) => state.perform(each))
          for (const each of undo.toReversed()) each()
          expect(shown(state)).toEqual(was)
        },
      ),
    )
  })

  it('in a snapshot stays as it was while more is performed', () => {
    const state = stateOf(named([]))
    const was = shown(state)
    const snapshot = state.snapshot()
    state.perform({ kind: 'counted', topic: 1, position: 5, bytes: 6 })
    expect([...snapshot].flatMap((entry) => decodeRecords(entry))).toEqual(was)
  })

  it('does not have what is only planned', () => {
    const state = new TopicsState(3)
    state.topic('planned')
    expect(shown(state)).toEqual([])
  })

  it('refuses records that speak of what has no name, or give a number twice', () => {
    const state = stateOf(named([]))
    const corrupt = expect.objectContaining({ code: 'WALRUS_CORRUPT' })
    const wrong: TopicRecord[] = [
      { kind: 'counted', topic: 77, position: 1, bytes: 1 },
      { kind: 'topic', topic: 1, name: 'another' },
      { kind: 'topic', topic: 9, name: 'topic 1' },
      { kind: 'produced', topic: 1, producer: 5, sequence: 1, position: 1, count: 1, time: 1 },
    ]
    for (const each of wrong) expect(() => state.perform(each)).toThrow(corrupt)
  })
})

it('the example in docs/format.md is what is written', () => {
  const document = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8')
  const [bytes] = encodeRecords([
    { kind: 'topic', topic: 0, name: 'orders' },
    { kind: 'cursor', topic: 0, cursor: 0, name: '', position: 0, bytes: 0 },
  ])
  const hex = Buffer.from(bytes!)
    .toString('hex')
    .replaceAll(/..(?=.)/g, '$& ')
  const [topic, cursor] = [hex.slice(0, 26), hex.slice(27)]
  expect(document).toContain(`\`${topic}\` (topic 0 is \`orders\`), \`${cursor}\``)
})
