import { describe, expect, it } from 'vitest'

import { latency, median, percentile, spread } from '../src/statistics.ts'

describe('median', () => {
  it('is the middle of an odd number of values, in whatever order they come', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  it('is the mean of the middle two of an even number', () => {
    expect(median([1, 10, 2, 100])).toBe(6)
  })

  it('orders by value, not by text, and leaves its argument alone', () => {
    const values = [100, 20, 3]
    expect(median(values)).toBe(20)
    expect(values).toEqual([100, 20, 3])
  })

  it('does not exist for no values', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('spread', () => {
  it('gives the whole range, outliers included', () => {
    expect(spread([4, 400, 3, 5, 4])).toEqual({ median: 4, least: 3, most: 400 })
  })
})

describe('percentile', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1)

  it('is the value of nearest rank', () => {
    expect(percentile(hundred, 50)).toBe(50)
    expect(percentile(hundred, 99)).toBe(99)
    expect(percentile(hundred, 99.9)).toBe(100)
    expect(percentile(hundred, 100)).toBe(100)
  })

  it('of one value is that value', () => {
    expect(percentile(Float64Array.of(7), 0.1)).toBe(7)
  })

  it.each([0, -1, 100.1, Number.NaN])('refuses %d percent', (percent) => {
    expect(() => percentile(hundred, percent)).toThrow(RangeError)
  })

  it('does not exist for no values', () => {
    expect(() => percentile(new Float64Array(), 50)).toThrow(RangeError)
  })
})

describe('latency', () => {
  it('pools the runs, so that a slow run weighs as much as its operations', () => {
    const fast = new Float64Array(900).fill(100)
    const slow = new Float64Array(100).fill(5000)
    expect(latency([slow, fast])).toEqual({ p50: 100, p99: 5000, p999: 5000, count: 1000 })
  })
})
