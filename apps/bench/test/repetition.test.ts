import { expect, it } from 'vitest'

import { repeat } from '../src/repetition.ts'

it('does exactly as many operations as asked for, and times one in so many', () => {
  let operations = 0
  const result = repeat({ operations: 1000, timedEvery: 97 }, () => operations++)
  expect(operations).toBe(1000)
  expect(result.operations).toBe(1000)
  expect(result.latencies.length).toBe(11)
})

it('counts what it did when the time was over first', () => {
  let operations = 0
  const result = repeat({ seconds: 0.02, timedEvery: 7 }, () => operations++)
  expect(result.operations).toBe(operations)
  expect(result.operations % 7).toBe(0)
  expect(result.latencies.length).toBe(operations / 7)
  expect(result.seconds).toBeGreaterThanOrEqual(0.02)
})

it('times the operation in microseconds', () => {
  const wait = new Int32Array(new SharedArrayBuffer(4))
  const { latencies } = repeat({ operations: 3, timedEvery: 1 }, () => Atomics.wait(wait, 0, 0, 5))
  expect(latencies.length).toBe(3)
  expect(Math.min(...latencies)).toBeGreaterThan(3000)
})
