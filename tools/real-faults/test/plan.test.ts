import { describe, expect, test } from 'vitest'
import { isPayloadOf, payloadOf } from '../src/payload.ts'
import { planOf, unitsOf } from '../src/plan.ts'

describe('a plan', () => {
  test('is the same for the same seed and life, and another for another', () => {
    expect(planOf(1, 2, 30)).toEqual(planOf(1, 2, 30))
    expect(planOf(1, 2, 30).steps).not.toEqual(planOf(2, 2, 30).steps)
    expect(planOf(1, 2, 30).steps).not.toEqual(planOf(1, 3, 30).steps)
  })

  test('is begun the same way whatever its length', () => {
    expect(planOf(9, 0, 40).steps.slice(0, 10)).toEqual(planOf(9, 0, 10).steps)
  })

  test('has a little of everything, its calls numbered in order', () => {
    const plan = planOf(3, 0, 400)
    const units = unitsOf(plan)
    expect(units.map(({ serial }) => serial)).toEqual(units.map((_, at) => at))
    const sizes = units.flatMap((unit) => unit.sizes)
    for (const [least, most] of [
      [0, 0],
      [1, 100],
      [4000, 30_000],
      [100_000, 204_800],
    ] as const) {
      expect(sizes.some((size) => size >= least && size <= most)).toBe(true)
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(204_800)
    expect(new Set(units.map(({ stream }) => stream)).size).toBe(4)
    expect(units.some(({ batch, sizes: { length } }) => batch && length > 5)).toBe(true)
    expect(new Set(plan.steps.map(({ after }) => after)).size).toBe(3)
    const both = plan.steps.some(({ together, blocking }) => together.length * blocking.length > 0)
    expect(both).toBe(true)
  })
})

describe('a payload', () => {
  const id = { life: 1, unit: 2, at: 3, size: 500 }

  test('is told from every other', () => {
    const data = payloadOf(7, id)
    expect(isPayloadOf(7, id, data)).toBe(true)
    for (const other of [
      { ...id, life: 2 },
      { ...id, unit: 3 },
      { ...id, at: 4 },
      { ...id, size: 499 },
    ]) {
      expect(isPayloadOf(7, other, data)).toBe(false)
    }
    expect(isPayloadOf(8, id, data)).toBe(false)
  })

  test('is told from one with any bit changed', () => {
    const data = payloadOf(7, id)
    for (let bit = 0; bit < data.length * 8; bit++) {
      data[bit >> 3]! ^= 1 << (bit & 7)
      expect(isPayloadOf(7, id, data)).toBe(false)
      data[bit >> 3]! ^= 1 << (bit & 7)
    }
  })
})
