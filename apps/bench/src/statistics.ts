/**
 * The few statistics a benchmark needs. Runs on a shared machine have outliers on one side only, so the middle and the
 * whole range are given, never a mean with a deviation.
 */

/** The middle of some runs, and how far they went either side. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Latency in microseconds: half, 99 % and 99.9 % of the operations took at most this long. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** How many operations were timed; a p99.9 of fewer than 1,000 is their slowest. */
  readonly count: number
}

/** The middle value; of an even number of values, the mean of the middle two. `values` must not be empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  if (upper === undefined || lower === undefined) throw new RangeError('no median of no values')
  return (lower + upper) / 2
}

/** Median and range of at least one value. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) }
}

/**
 * The smallest value that at least `percent` of the values do not exceed (nearest rank: always a value that occurred).
 *
 * @param sorted ascending, not empty
 * @param percent above 0, at most 100
 */
export function percentile(sorted: Float64Array, percent: number): number {
  if (!(percent > 0 && percent <= 100)) {
    throw new RangeError(`a percentile lies above 0 and at most at 100, not at ${percent}`)
  }
  const value = sorted[Math.ceil((percent / 100) * sorted.length) - 1]
  if (value === undefined) throw new RangeError('no percentile of no values')
  return value
}

/** Percentiles of the latencies of all runs together. */
export function latency(runs: readonly Float64Array[]): Latency {
  const all = new Float64Array(runs.reduce((count, run) => count + run.length, 0))
  let at = 0
  for (const run of runs) {
    all.set(run, at)
    at += run.length
  }
  all.sort()
  return {
    p50: percentile(all, 50),
    p99: percentile(all, 99),
    p999: percentile(all, 99.9),
    count: all.length,
  }
}
