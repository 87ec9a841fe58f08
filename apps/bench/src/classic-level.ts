/** classic-level: LevelDB, by batches that are synced. */

import { withDirectory } from './directories.ts'
import { KEYS, keyOf } from './kv-keys.ts'
import { closedLoop } from './producers.ts'
import { randomIndex } from './random-index.ts'
import { NotRun, type Subject } from './subject.ts'
import { MEASURE_SECONDS, PAYLOAD, WARMUP_SECONDS } from './workload.ts'

const BATCH = 1000

/** Durable batches, one after another; the rate counts keys. */
export function batches(directory: string): Subject {
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const { ClassicLevel } = await import('classic-level').catch((error: Error) => {
          throw new NotRun(`classic-level does not load (${error.message})`)
        })
        const db = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' })
        await db.open()
        const next = randomIndex(KEYS)
        const batch = async (): Promise<void> => {
          const operations = Array.from({ length: BATCH }, () => ({
            type: 'put' as const,
            key: keyOf(next()),
            value: PAYLOAD,
          }))
          await db.batch(operations, { sync: true })
        }
        await closedLoop({ producers: 1, seconds: WARMUP_SECONDS, timed: false }, batch)
        const load = { producers: 1, seconds: MEASURE_SECONDS, timed: true }
        const { perSecond, latencies } = await closedLoop(load, batch)
        await db.close()
        return { values: { perSecond: perSecond * BATCH }, latencies }
      }),
  }
}
