/**
 * What a log may hold, after everything that was asked of it and answered.
 *
 * Calls are sequenced in the order they are made. So what a log holds is, over all streams, what it held when it was
 * last looked at, and then a beginning of the calls since, without those that were refused for good: each whole or
 * absent, each at the index it was told, none that was acknowledged missing, every byte as it was appended.
 * `appendSync` under `none` returns before the entry is written: such entries may be lost, at most 256 KiB of them.
 */

import type { Contents } from './contents.ts'
import { describePayload, type EntryId, isPayloadOf, nameOf } from './payload.ts'
import type { Unit } from './plan.ts'

/** What a killed process may lose of what `appendSync` under `none` returned. */
const MOST_LOST_BYTES = 0x4_0000
const MOST_FINDINGS = 10

interface Attempt {
  readonly life: number
  readonly unit: Unit
  state: 'unanswered' | 'returned' | 'acknowledged' | 'refused'
  indexes: readonly number[]
}

/** Where a call's entries must stand in its stream, if they are there. */
interface Place {
  readonly attempt: Attempt
  readonly from: number
  readonly to: number
}

export class Oracle {
  readonly #seed: number
  #settled = new Map<string, EntryId[]>()
  #life = 0
  /** By serial number, this life's. */
  #attempts: Attempt[] = []

  constructor(seed: number) {
    this.#seed = seed
  }

  /** From now on calls are those of this life. */
  begin(life: number): void {
    this.#life = life
  }

  began(unit: Unit): void {
    this.#attempts.push({ life: this.#life, unit, state: 'unanswered', indexes: [] })
  }

  /** A killed process must not lose it. */
  acknowledged(serial: number, indexes: readonly number[]): void {
    this.#answer(serial, 'acknowledged', indexes)
  }

  /** It may be lost until it is written. */
  returned(serial: number, index: number): void {
    this.#answer(serial, 'returned', [index])
  }

  /** It was rejected, and is promised not to be there. */
  refused(serial: number): void {
    this.#answer(serial, 'refused', [])
  }

  /** Everything returned among this life's first so many calls is written. */
  written(units: number = Number.POSITIVE_INFINITY): void {
    for (const attempt of this.#attempts) {
      const before = attempt.life < this.#life || attempt.unit.serial < units
      if (before && attempt.state === 'returned') attempt.state = 'acknowledged'
    }
  }

  #answer(serial: number, state: Attempt['state'], indexes: readonly number[]): void {
    const attempt = this.#attempts.findLast(({ unit }) => unit.serial === serial)
    if (attempt?.state !== 'unanswered') throw new Error(`call ${serial} was not open`)
    attempt.state = state
    attempt.indexes = indexes
  }

  /**
   * What is wrong with a log's contents, in words; nothing when every promise is kept.
   * @param all false for a reader that may be behind: then nothing need be there, the rest must hold
   */
  check(contents: Contents, all = true): string[] {
    const { expected, places } = this.#expected()
    const found: string[] = []
    for (const stream of new Set([...expected.keys(), ...contents.keys()])) {
      const settled = this.#settled.get(stream)?.length ?? 0
      const must = all ? settled : 0
      this.#checkStream(stream, contents, expected.get(stream) ?? [], must, found)
    }
    let lostBytes = 0
    let missing: Attempt | undefined
    for (const { attempt, from, to } of places) {
      const { unit, state, indexes } = attempt
      const there = contents.get(unit.stream)?.length ?? 0
      const what = nameOfAttempt(attempt)
      const first = firstIndex(unit.stream) + from
      if (indexes.some((index, at) => index !== first + at)) {
        found.push(`${what} was told index ${indexes.join(', ')}, and belongs at ${first}`)
      }
      if (there >= to) {
        // A reader beside a writer may read its streams at different times.
        if (missing === undefined || to === from || !all) continue
        found.push(`${what} is there, though ${nameOfAttempt(missing)} before it is not`)
        continue
      }
      missing ??= attempt
      if (there > from) {
        found.push(`${there - from} of the ${to - from} entries of ${what} are there`)
      } else if (all && state === 'acknowledged') {
        found.push(`${what} was acknowledged and is lost`)
      } else if (all && state === 'returned') lostBytes += unit.sizes[0]!
    }
    if (lostBytes > MOST_LOST_BYTES) {
      found.push(
        `${lostBytes} bytes that were returned are lost; at most ${MOST_LOST_BYTES} may be`,
      )
    }
    return found.slice(0, MOST_FINDINGS)
  }

  /** Takes what is there for what must be there from now on, and the rest for gone. */
  settle(contents: Contents): void {
    const { expected } = this.#expected()
    this.#attempts = []
    this.#settled = new Map()
    for (const [stream, ids] of expected) {
      this.#settled.set(stream, ids.slice(0, contents.get(stream)?.length ?? 0))
    }
  }

  /** Entries that must be there. */
  get settledEntries(): number {
    return [...this.#settled.values()].reduce((sum, ids) => sum + ids.length, 0)
  }

  /** Everything that may be there, by stream, and which call's it is. */
  #expected(): { expected: Map<string, EntryId[]>; places: Place[] } {
    const expected = new Map<string, EntryId[]>()
    for (const [stream, ids] of this.#settled) expected.set(stream, [...ids])
    const places: Place[] = []
    for (const attempt of this.#attempts) {
      if (attempt.state === 'refused') continue
      const { life, unit } = attempt
      const ids = expected.get(unit.stream) ?? []
      expected.set(unit.stream, ids)
      const from = ids.length
      unit.sizes.forEach((size, at) => ids.push({ life, unit: unit.serial, at, size }))
      places.push({ attempt, from, to: ids.length })
    }
    return { expected, places }
  }

  #checkStream(
    stream: string,
    contents: Contents,
    expected: readonly EntryId[],
    settled: number,
    found: string[],
  ): void {
    const entries = contents.get(stream) ?? []
    const name = stream === '' ? 'the plain log' : JSON.stringify(stream)
    if (entries.length < settled) {
      found.push(`${name} has ${entries.length} entries; it had ${settled} before`)
    }
    for (const [at, { index, data }] of entries.entries()) {
      const place = firstIndex(stream) + at
      if (index !== place) {
        found.push(`${name} has index ${index} where ${place} must be`)
        return
      }
      const id = expected[at]
      if (id !== undefined && isPayloadOf(this.#seed, id, data)) continue
      const must = id === undefined ? 'nothing was appended' : `${nameOf(id)} must be`
      found.push(`${name} has ${describePayload(this.#seed, data)} at ${index}, where ${must}`)
      return
    }
  }
}

function firstIndex(stream: string): number {
  return stream === '' ? 1 : 0
}

function nameOfAttempt({ life, unit }: Attempt): string {
  const where = unit.stream === '' ? 'the plain log' : JSON.stringify(unit.stream)
  return `call ${life}.${unit.serial} on ${where}`
}
