/** The memory's own rate: `native/memory-read.c`. */

import { compileLoop } from './native-loop.ts'
import type { Subject } from './subject.ts'
import { MEASURE_SECONDS } from './workload.ts'

/** Far more than any processor's caches hold. */
const BLOCK_BYTES = 512 << 20

/** One thread that reads a large block again and again. The latencies are those of a pass. */
export async function memoryRead(directory: string): Promise<Subject> {
  const loop = await compileLoop('memory-read', directory)
  return {
    async run() {
      const { heading, latencies } = await loop([BLOCK_BYTES, MEASURE_SECONDS * 1000])
      const [passes = 0, seconds = 0] = heading
      return {
        values: { gigabytesPerSecond: (passes * BLOCK_BYTES) / 1e9 / seconds },
        latencies,
      }
    },
  }
}
