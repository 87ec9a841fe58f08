/** The device's own rate of durable writes, one at a time: `native/sync-loop.c`. */

import { join } from 'node:path'

import { deviceStat, perSync, writesCounted } from './device.ts'
import { compileLoop } from './native-loop.ts'
import type { Subject } from './subject.ts'
import { LONE_GROUP_BYTES, MEASURE_SECONDS, WARMUP_SECONDS } from './workload.ts'

const MIB = 1 << 20

type Way = 'buffered' | 'direct'

interface Sizes {
  readonly recordBytes: number
  readonly fileBytes: number
}

const SIZES: Readonly<Record<Way, Sizes>> = {
  /** pwrite + fdatasync of what one of our lone appends writes. */
  buffered: { recordBytes: LONE_GROUP_BYTES, fileBytes: 64 * MIB },
  /** O_DIRECT and RWF_DSYNC, in pages: what every disk takes. */
  direct: { recordBytes: 4096, fileBytes: 256 * MIB },
}

/** One writer that syncs each record. Where the file fills up first, the loop ends early and says when. */
export async function syncLoop(directory: string, way: Way): Promise<Subject> {
  const loop = await compileLoop('sync-loop', directory)
  const { recordBytes, fileBytes } = SIZES[way]
  const stat = deviceStat(directory)
  const file = join(directory, 'data')
  const milliseconds = [WARMUP_SECONDS * 1000, MEASURE_SECONDS * 1000]
  return {
    async run() {
      const output = await loop([way, file, recordBytes, fileBytes, ...milliseconds, stat ?? ''])
      const [operations = 0, seconds = 0, ...counts] = output.heading
      const device = perSync(writesCounted(stat, counts))
      return {
        values: { perSecond: operations / seconds, ...device },
        latencies: output.latencies,
      }
    },
  }
}
