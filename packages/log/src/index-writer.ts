/**
 * Writing a segment's index file: under a temporary name, then renamed. Not synced: it can be rebuilt.
 */

import { encodeIndex, type IndexedSegment, type SegmentIndex, type Storage } from '@walrus/segment'
import { indexPath, unfinishedIndexPath } from './names.ts'
import type { Procedure } from './operation.ts'

export function* writeIndex(
  storage: Storage,
  dir: string,
  index: SegmentIndex,
  segment: IndexedSegment,
): Procedure {
  const bytes = encodeIndex(index, segment)
  const attempt = new Uint32Array(1)
  storage.env.random(new Uint8Array(attempt.buffer))
  const unfinished = unfinishedIndexPath(dir, segment.id, attempt[0]!)
  const file = storage.openSync(unfinished, 'create')
  try {
    yield { start: () => file.write(bytes, 0, false), now: () => file.writeSync(bytes, 0, false) }
  } finally {
    file.closeSync()
  }
  storage.renameSync(unfinished, indexPath(dir, segment.id))
}
