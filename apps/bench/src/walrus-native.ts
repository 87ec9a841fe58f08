/** Our side, what native code is for: entries looked at where they lie, and the scan that recovery and verify do. */

import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Log } from '@walrus/log'
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  SegmentIndex,
  type Storage,
  scanGroups,
  seedOf,
} from '@walrus/segment'

import { randomIndex } from './random-index.ts'
import { repeat, SPARSELY } from './repetition.ts'
import { type StorageName, storageNamed } from './storages.ts'
import type { Subject } from './subject.ts'
import { expectEntries, fill } from './walrus.ts'
import {
  INDEXED_SCAN_BYTES,
  LOOKUP_ENTRIES,
  MEASURE_SECONDS,
  PAYLOAD,
  WARMUP_SECONDS,
} from './workload.ts'

/** `view` of a random entry, its checksum verified as it is by default. */
export async function views(directory: string, name: StorageName): Promise<Subject> {
  const storage = await storageNamed(name)
  await fill(directory, LOOKUP_ENTRIES, { storage })
  const next = randomIndex(LOOKUP_ENTRIES)
  return {
    async run() {
      const log = await Log.open(directory, { storage })
      let bytes = 0
      let firsts = 0
      const view = (): void => {
        const { data } = log.view(next() + 1)
        bytes += data.length
        firsts += data[0]!
      }
      const warm = repeat({ seconds: WARMUP_SECONDS, timedEvery: SPARSELY }, view)
      const result = repeat({ seconds: MEASURE_SECONDS, timedEvery: SPARSELY }, view)
      await log.close()
      const operations = warm.operations + result.operations
      expectEntries(bytes / PAYLOAD.length, operations)
      expectEntries(firsts / PAYLOAD[0]!, operations)
      return {
        values: { perSecond: result.operations / result.seconds },
        latencies: result.latencies,
      }
    },
  }
}

/**
 * Every group of every segment, checked and put into a new index. The rate counts the bytes of the files. The latencies
 * are those of a segment.
 */
export async function indexedScan(
  directory: string,
  name: StorageName,
  payload: Uint8Array,
): Promise<Subject> {
  const storage = await storageNamed(name)
  const entries = Math.floor(INDEXED_SCAN_BYTES / payload.length)
  await fill(directory, entries, { payload, storage })
  const names = await storage.list(directory)
  const segments = names
    .filter((file) => file.endsWith('.seg'))
    .map((file) => join(directory, file))
  return {
    async run() {
      const latencies: number[] = []
      const begun = performance.now()
      let bytes = 0
      let seconds = 0
      while (seconds < MEASURE_SECONDS) {
        let found = 0
        for (const path of segments) {
          const before = performance.now()
          const segment = await scanSegment(storage, path)
          latencies.push((performance.now() - before) * 1000)
          bytes += segment.bytes
          found += segment.entries
        }
        expectEntries(found, entries)
        seconds = (performance.now() - begun) / 1000
      }
      return {
        values: { gigabytesPerSecond: bytes / 1e9 / seconds },
        latencies: Float64Array.from(latencies),
      }
    },
  }
}

async function scanSegment(
  storage: Storage,
  path: string,
): Promise<{ readonly bytes: number; readonly entries: number }> {
  const file = await storage.open(path, 'read')
  try {
    const head = new Uint8Array(SEGMENT_HEADER_BYTES)
    await file.read(head, 0)
    const { id, salt, firstGroup, firstLsn, baseTime } = decodeSegmentHeader(head, path)
    const to = await file.size()
    const { checksums } = storage
    const range = { file, id, seed: seedOf(salt), from: firstGroup, to, firstLsn, checksums }
    const index = new SegmentIndex()
    const { end } = await scanGroups(range, (group) => index.addScanned(group, baseTime, firstLsn))
    const entries = index.streams().reduce((sum, [, { count }]) => sum + count, 0)
    return { bytes: end, entries }
  } finally {
    await file.close()
  }
}
