import { expect, it } from 'vitest'

import { randomIndex } from '../src/random-index.ts'

it('reaches every index, about equally often, and none beyond', () => {
  const next = randomIndex(10)
  const counts = Array.from({ length: 10 }, () => 0)
  for (let i = 0; i < 10_000; i++) counts[next()]!++
  expect(counts.length).toBe(10)
  expect(Math.min(...counts)).toBeGreaterThan(850)
  expect(Math.max(...counts)).toBeLessThan(1150)
})

it('gives everyone the same order', () => {
  const one = randomIndex(1_000_000)
  const other = randomIndex(1_000_000)
  const orders = [one, other].map((next) => Array.from({ length: 100 }, next))
  expect(orders[0]).toEqual(orders[1])
})
