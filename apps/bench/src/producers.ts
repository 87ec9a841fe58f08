/**
 * Closed-loop load: each producer starts its next operation when its last one was acknowledged, as callers do who
 * await. Every operation begun is awaited and counted, so nothing unacknowledged is in the rate.
 */

import { performance } from 'node:perf_hooks'

/** Reading the clock twice an operation would be seen in the rate of the fast paths: so many producers do it. */
const TIMED_PRODUCERS = 8

export interface Load {
  /** Operations in flight, at least 1. */
  readonly producers: number
  readonly seconds: number
  /** Whether to keep latencies, of up to 8 of the producers. */
  readonly timed: boolean
}

export interface LoadResult {
  readonly operations: number
  readonly perSecond: number
  /** Microseconds. */
  readonly latencies: Float64Array
}

/** Runs `operation` from `load.producers` concurrent loops until the time is over and the last one has settled. */
export async function closedLoop(
  load: Load,
  operation: () => Promise<unknown>,
): Promise<LoadResult> {
  const { producers } = load
  const latencies: number[] = []
  let operations = 0
  let running = true
  const begun = performance.now()
  const deadline = begun + load.seconds * 1000

  // Operations that settle without I/O never let a timer fire, so the clock is asked, once a round of the producers.
  function count(): void {
    operations++
    if (operations % producers === 0 && performance.now() >= deadline) running = false
  }

  async function produce(): Promise<void> {
    while (running) {
      await operation()
      count()
    }
  }

  async function produceTimed(): Promise<void> {
    while (running) {
      const sent = performance.now()
      await operation()
      latencies.push((performance.now() - sent) * 1000)
      count()
    }
  }

  const timed = load.timed ? Math.min(producers, TIMED_PRODUCERS) : 0
  await Promise.all(
    Array.from({ length: producers }, (_, i) => (i < timed ? produceTimed() : produce())),
  )
  const seconds = (performance.now() - begun) / 1000
  return { operations, perSecond: operations / seconds, latencies: Float64Array.from(latencies) }
}
