/** The oracle finds every lie that a log could tell. */

import { describe, expect, it } from 'vitest'
import {
  type Attempt,
  type Contents,
  type Ending,
  Trace,
  violations,
  violationsInView,
} from '../src/oracle.ts'

const MARKS = { sequenced: 9, written: 9, durable: 9 }

/** Three entries of the plain log and a batch of two in a stream, of which a power loss may take the last three. */
function trace(): { trace: Trace; one: Attempt; two: Attempt; three: Attempt; batch: Attempt[] } {
  const made = new Trace()
  const [one, two, three] = [made.attempt(10), made.attempt(20), made.attempt(30)] as const
  const number = made.newBatch()
  const batch = [made.attempt(40, 'orders', number), made.attempt(50, 'orders', number)]
  made.acknowledge(one, 1, true)
  made.acknowledge(two, 2, true)
  made.acknowledge(three, 3, false)
  return { trace: made, one, two, three, batch }
}

/** What a log holds, each entry where it comes. */
function holding(...attempts: readonly (Attempt | Uint8Array)[]): Contents {
  const contents = new Map<string, { index: number; data: Uint8Array }[]>()
  for (const attempt of attempts) {
    const [stream, data] =
      attempt instanceof Uint8Array ? ['', attempt] : [attempt.stream, attempt.data]
    const entries = contents.get(stream) ?? []
    entries.push({ index: entries.length + (stream === '' ? 1 : 0), data })
    contents.set(stream, entries)
  }
  return contents
}

function found(
  made: Trace,
  ending: Ending,
  contents: Contents,
  marks: typeof MARKS = MARKS,
): string[] {
  return violations(made, made.moment(), ending, contents, marks)
}

describe('nothing is found', () => {
  it('when all is there, or all that is owed', () => {
    const { trace: made, one, two, three, batch } = trace()
    expect(found(made, 'kill', holding(one, two, three, ...batch))).toEqual([])
    expect(found(made, 'kill', holding(one, two, three))).toEqual([])
    expect(found(made, 'power', holding(one, two))).toEqual([])
  })
})

describe('what is found', () => {
  it('an entry lost that was durable, or written when the process was killed', () => {
    const { trace: made, one, two } = trace()
    expect(found(made, 'power', holding(one))).toEqual([
      'plain log[2] was acknowledged as entry 1, and is lost',
    ])
    expect(found(made, 'kill', holding(one, two))).toEqual([
      'plain log[3] was acknowledged as entry 2, and is lost',
    ])
  })

  it('an entry at another index than it was acknowledged with', () => {
    const { trace: made, one, two, three } = trace()
    expect(found(made, 'kill', holding(two, one, three)).join()).toContain('is another')
  })

  it('a hole', () => {
    const { trace: made, one, two, three, batch } = trace()
    expect(found(made, 'power', holding(one, two, ...batch))).toEqual([
      'entry 2 is lost, and entry 4 after it is there',
    ])
    const gap = new Map([
      [
        '',
        [
          { index: 1, data: one.data },
          { index: 3, data: three.data },
        ],
      ],
    ])
    expect(found(made, 'power', gap)).toContain('plain log[3] stands where 2 must')
  })

  it('an entry twice', () => {
    const { trace: made, one, two, three } = trace()
    expect(found(made, 'kill', holding(one, two, three, three))).toEqual([
      'plain log[4] is out of order, or a copy',
    ])
  })

  it('a part of a batch', () => {
    const { trace: made, one, two, three, batch } = trace()
    const part = holding(one, two, three, batch[0]!)
    expect(found(made, 'power', part)).toEqual(['1 of the 2 of batch 1 are there'])
    expect(violationsInView(made, part)).toEqual(['1 of the 2 of batch 1 are there'])
  })

  it('bytes that were never appended there', () => {
    const { trace: made, one, two, three } = trace()
    const changed = Uint8Array.from(two.data)
    changed[9]! ^= 1
    expect(found(made, 'power', holding(one, changed))).toContain(
      'plain log[2] holds 20 bytes that were never appended there',
    )
    const elsewhere = new Map([['orders', [{ index: 0, data: three.data }]]])
    expect(violationsInView(made, elsewhere)).toHaveLength(1)
    expect(found(made, 'power', holding(one, two, Buffer.alloc(3)))).toHaveLength(1)
  })

  it('an entry that was appended only after the crash', () => {
    const { trace: made, one, two, three } = trace()
    const moment = made.moment()
    const later = made.attempt(60)
    expect(violations(made, moment, 'kill', holding(one, two, three, later))).toEqual([
      'plain log[4] holds 60 bytes that were never appended there',
    ])
  })

  it('less than the marks said', () => {
    const { trace: made, one, two } = trace()
    const moment = { ...made.moment(), marks: { sequenced: 8, written: 7, durable: 6 } }
    const short = { sequenced: 5, written: 5, durable: 5 }
    expect(violations(made, moment, 'power', holding(one, two), short)).toEqual([
      'the log said it was durable up to LSN 6, and ends at 5',
    ])
  })

  it('an entry that was refused, once the log was closed', () => {
    const { trace: made, one, two, three, batch } = trace()
    for (const attempt of batch) made.refuse(attempt)
    expect(found(made, 'close', holding(one, two, three, ...batch))).toHaveLength(2)
    expect(found(made, 'close', holding(one, two, three))).toEqual([])
  })

  it('an entry that comes back after a recovery did not find it', () => {
    const { trace: made, one, two, three } = trace()
    made.settle(holding(one, two))
    expect(found(made, 'power', holding(one, two))).toEqual([])
    expect(found(made, 'power', holding(one, two, three))).toEqual([
      'plain log[3] was lost in a crash, and is there again',
    ])
    expect(violationsInView(made, holding(one, two, three))).toHaveLength(1)
  })

  it('an index given twice, and an entry with two', () => {
    const { trace: made, one, batch } = trace()
    made.acknowledge(made.attempt(10), 1, false)
    made.acknowledge(one, 7, false)
    expect(made.broken).toEqual([
      'plain log[1] was given to entries 0 and 5',
      'entry 0 was acknowledged as plain log[1], then as 7',
    ])
    expect(batch).toHaveLength(2)
  })

  it('something that could be read and was never appended', () => {
    const { trace: made } = trace()
    made.seen(holding(Buffer.alloc(10, 7)), true)
    expect(made.broken).toEqual(['plain log[1] could be read, and was never appended there'])
  })
})

describe('what a killed process may lose of what appendSync returned', () => {
  it('is the last 256 KiB, and nothing once it is written', () => {
    const made = new Trace()
    const early = made.attempt(100_000)
    made.promise(early, 1)
    const late = [2, 3].map((index) => {
      const attempt = made.attempt(150_000)
      made.promise(attempt, index)
      return attempt
    })
    expect(made.owed(made.moment(), 'kill')).toEqual([early, late[0]])
    made.written(made.moment())
    expect(made.owed(made.moment(), 'kill')).toEqual([early, ...late])
    expect(made.owed(made.moment(), 'power')).toEqual([])
  })
})

describe('a trace that goes on from a moment', () => {
  it('knows nothing of what came after it', () => {
    const { trace: made, one, two } = trace()
    const moment = made.moment()
    made.acknowledge(made.attempt(10), 4, true)
    made.settle(holding(one, two))
    const before = made.from(moment)
    expect(before.attempts).toHaveLength(5)
    expect(before.owed(before.moment(), 'power').map(({ serial }) => serial)).toEqual([0, 1])
    expect(before.owed(before.moment(), 'kill').map(({ serial }) => serial)).toEqual([0, 1, 2])
  })
})
