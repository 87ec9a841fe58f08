/** The most that awaiting can give: an async function that does nothing, in the same loops as the appends. */

import { closedLoop } from './producers.ts'
import type { Subject } from './subject.ts'
import { MEASURE_SECONDS, WARMUP_SECONDS } from './workload.ts'

async function resolveAtOnce(): Promise<number> {
  return 1
}

export function promiseCeiling(producers: number): Subject {
  return {
    async run() {
      await closedLoop({ producers, seconds: WARMUP_SECONDS, timed: false }, resolveAtOnce)
      const load = { producers, seconds: MEASURE_SECONDS, timed: false }
      return { values: { perSecond: (await closedLoop(load, resolveAtOnce)).perSecond } }
    },
  }
}
