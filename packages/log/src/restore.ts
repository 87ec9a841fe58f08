/**
 * The catalog of streams, read back from the log: the newest snapshot, and what was logged after it.
 */

import {
  Begun,
  CATALOG_STREAM,
  FRAME_HEADER_BYTES,
  FrameKind,
  frameKind,
  frameLength,
  framePosition,
  frameStream,
  readBounds,
} from '@walrus/segment'
import { Catalog, decodeDeclaration, decodeSnapshot } from './catalog.ts'
import { corrupt, hasCode } from './errors.ts'
import { readFrameSync } from './frame-reader.ts'
import type { FrameFinder, SegmentTable, TableSegment } from './segment-table.ts'

/** The catalog as of the end of the log; `plainNext` is the plain log's next index there. */
export function restoreCatalog(table: SegmentTable, plainNext: number): Catalog {
  const catalog = new Catalog(table.segments[0]!.header.plainNext)
  advanceCatalog(catalog, table, newestSnapshot(table), plainNext)
  return catalog
}

/** The segment that begins with the newest snapshot there is; one that was torn as it was begun has lost its own. */
function newestSnapshot(table: SegmentTable): number {
  for (let at = table.segments.length - 1; ; at--) {
    if (at === 0 || table.indexAt(at).heads().length > 0)
      return table.segments[at]!.header.catalogSegment
  }
}

/**
 * Brings a catalog to the end of the log; it knows all that stands in segments before `from`.
 * @param lsn the LSN of the last frame, for those who read meanwhile; none when nobody can
 */
export function advanceCatalog(
  catalog: Catalog,
  table: SegmentTable,
  from: number,
  plainNext: number,
  lsn?: number,
): void {
  table.segments.forEach((segment, at) => {
    if (segment.id >= from) restoreFrom(table, at, catalog, lsn)
  })
  const oldest = table.segments[0]!.id
  for (const stream of catalog.all()) stream.cuts?.drop(oldest)
  catalog.plain.next = plainNext
}

function restoreFrom(
  table: SegmentTable,
  at: number,
  catalog: Catalog,
  lsn: number | undefined,
): void {
  const segment = table.segments[at]!
  const end = table.endOf(at)
  const index = table.indexAt(at)
  try {
    restoreBy(index, segment, end.end, catalog, lsn)
  } catch (error) {
    // Unless the index led astray, it fails again.
    if (index !== segment.indexFile || !hasCode(error, 'WALRUS_CORRUPT')) throw error
    restoreBy(segment.rebuild(end), segment, end.end, catalog, lsn)
  }
}

function restoreBy(
  index: FrameFinder,
  segment: TableSegment,
  end: number,
  catalog: Catalog,
  lsn: number | undefined,
): void {
  const heads = index.heads()
  const own = heads.find(({ stream }) => stream === CATALOG_STREAM)
  const known = catalog.own.next
  // What a recovery has written anew is known, but not that it stands there now.
  const from = segment.header.begun === Begun.recovery ? 0 : known
  for (let position = Math.max(from, own?.first ?? 0); position < (own?.next ?? 0); position++) {
    const offset = index.find(CATALOG_STREAM, position)
    const { words, bytes } = readFrameSync(segment, offset, end, position)
    if (frameStream(words, 0) !== CATALOG_STREAM || framePosition(words, 0) !== position) {
      throw corrupt(segment.path, offset, `no frame ${position} of the catalog stands`)
    }
    const body = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + frameLength(words, 0))
    try {
      const kind = frameKind(words, 0)
      if (kind === FrameKind.streamDeclared) catalog.restore(decodeDeclaration(body))
      else if (kind === FrameKind.streamBounds) {
        catalog.bound(readBounds(words, 0), segment.id, position < known ? undefined : lsn)
      } else for (const record of decodeSnapshot(body)) catalog.restore(record)
    } catch (error) {
      throw hasCode(error, 'WALRUS_CORRUPT')
        ? corrupt(segment.path, offset, (error as Error).message)
        : error
    }
  }
  for (const { stream, next } of heads) catalog.reached(stream, next)
}
