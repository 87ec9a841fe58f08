/**
 * A commit that is too large for memory, on its way to the disk (docs/format.md, "Commits over several groups").
 *
 * Invariant: until the first segment has got its name nothing of it is in the log; then all of it is, and durable.
 */

import { WalrusError } from '@walrus/codec'
import type { Storage } from '@walrus/segment'
import type { Chain, ChainStart } from './chain.ts'
import type { LargeCommit } from './commit.ts'
import { hasCode } from './errors.ts'
import { segmentPath } from './names.ts'
import { type Operation, type Procedure, tried } from './operation.ts'
import type { Sequencer } from './sequencer.ts'
import type { Spool } from './spool.ts'

/** What a chain begins with; nothing sequenced is unwritten. */
export function chainStart(
  sequencer: Sequencer,
  spool: Spool,
  from: Pick<ChainStart, 'storage' | 'dir' | 'segmentBytes' | 'mark' | 'unfinishedPath'>,
): ChainStart {
  const { catalog, segment, stamps, nextLsn } = sequencer
  const { header, end } = segment
  const { id, generation, salt, logId, catalogSegment } = header
  const undeclared = [...spool.streams.keys()].filter(({ declared }) => !declared)
  return {
    ...from,
    stamps,
    logId,
    id: id + 1,
    predecessor: { id, generation, salt, end },
    firstLsn: nextLsn,
    plainNext: catalog.plain.next,
    ownNext: catalog.own.next,
    catalogSegment,
    frames: spool.count + undeclared.length,
    time: sequencer.time(),
  }
}

/** Builds the segments under temporary names, and syncs them. */
export function* build(chain: Chain, { spool }: LargeCommit): Procedure {
  for (let block = 0; block < spool.blocks; block++) {
    yield* chain.add(yield* spool.load(block))
  }
  yield* chain.add(spool.inMemory)
  yield* chain.finish()
}

/**
 * Gives the segments their names, the first one last. Where there is no space for that, none keeps its name; after
 * another failure only recovery can tell.
 * @param check throws when the log has failed meanwhile
 */
export function* name(
  storage: Storage,
  dir: string,
  { built }: Chain,
  check: () => void,
): Procedure {
  const named: { readonly path: string; readonly final: string }[] = []
  const give = (path: string, id: number): void => {
    const final = segmentPath(dir, id)
    storage.renameSync(path, final)
    named.push({ path, final })
  }
  const [first, ...others] = built
  try {
    for (const { path, header } of others) give(path, header.id)
    if (others.length > 0) yield* tried(syncDirOf(storage, dir))
    check()
    give(first!.path, first!.header.id)
  } catch (error) {
    if (hasCode(error, 'WALRUS_DISK_FULL')) {
      for (const { path, final } of named.toReversed()) takeBackName(storage, final, path)
    }
    throw error
  }
}

/** Whatever the reason: without it there are names that nothing may have. */
function takeBackName(storage: Storage, final: string, path: string): void {
  try {
    storage.renameSync(final, path)
  } catch (cause) {
    const message = `cannot take back the name of ${final}`
    throw new WalrusError('WALRUS_IO', message, { cause, file: final })
  }
}

export function syncDirOf(storage: Storage, dir: string): Operation {
  return { start: () => storage.syncDir(dir), now: () => storage.syncDirSync(dir) }
}
