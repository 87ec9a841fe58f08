/**
 * Writing a segment's index file: under a temporary name, then renamed. Not synced: it can be rebuilt.
 */

import { encodeIndex, type IndexedSegment, type SegmentIndex, type Storage } from '@walrus/segment'
import { indexPath, unfinishedIndexPath } from './names.ts'
import { type Procedure, tried } from './operation.ts'

/** A temporary name for the index of a segment. */
export function newUnfinishedIndexPath(storage: Storage, dir: string, id: number): string {
  const attempt = new Uint32Array(1)
  storage.env.random(new Uint8Array(attempt.buffer))
  return unfinishedIndexPath(dir, id, attempt[0]!)
}

/** Writes an index under a temporary name. */
export function* writeUnfinishedIndex(
  storage: Storage,
  path: string,
  index: SegmentIndex,
  segment: IndexedSegment,
): Procedure {
  const bytes = encodeIndex(index, segment)
  const file = storage.openSync(path, 'create')
  try {
    yield* tried({
      start: () => file.write(bytes, 0, false),
      now: () => file.writeSync(bytes, 0, false),
    })
  } finally {
    file.closeSync()
  }
}

export function* writeIndex(
  storage: Storage,
  dir: string,
  index: SegmentIndex,
  segment: IndexedSegment,
): Procedure {
  const unfinished = newUnfinishedIndexPath(storage, dir, segment.id)
  yield* writeUnfinishedIndex(storage, unfinished, index, segment)
  storage.renameSync(unfinished, indexPath(dir, segment.id))
}
