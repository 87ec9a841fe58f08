/**
 * One synchronous loop around an operation. Reading the clock takes as long as many of the operations do, so only one in
 * `timedEvery` is timed, and the time is only looked at then.
 */

import { performance } from 'node:perf_hooks'

/** A prime, so that what happens every so many operations (a full buffer, say) is met as often as it is in truth. */
export const SPARSELY = 97

export interface Repetition {
  /** Ends after so many operations, or the seconds, whichever comes first. */
  readonly operations?: number
  readonly seconds?: number
  readonly timedEvery: number
}

export interface RepetitionResult {
  readonly operations: number
  readonly seconds: number
  /** Microseconds of the operations that were timed. */
  readonly latencies: Float64Array
}

export function repeat(
  {
    operations = Number.POSITIVE_INFINITY,
    seconds = Number.POSITIVE_INFINITY,
    timedEvery,
  }: Repetition,
  operation: () => void,
): RepetitionResult {
  const latencies: number[] = []
  const begun = performance.now()
  const deadline = begun + seconds * 1000
  let done = 0
  let after = begun
  while (done < operations && after < deadline) {
    const before = performance.now()
    operation()
    after = performance.now()
    latencies.push((after - before) * 1000)
    const untimed = Math.min(done + timedEvery, operations)
    for (done++; done < untimed; done++) operation()
  }
  return {
    operations: done,
    seconds: (performance.now() - begun) / 1000,
    latencies: Float64Array.from(latencies),
  }
}
