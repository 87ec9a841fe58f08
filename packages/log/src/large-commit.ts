/**
 * A commit that is too large for memory, on its way to the disk (docs/format.md, "Commits over several groups").
 *
 * Invariant: until the first segment has got its name nothing of it is in the log; then all of it is, and durable.
 */

import { WalrusError } from '@walrus/codec'
import type { Storage } from '@walrus/segment'
import { Chain, type ChainStart } from './chain.ts'
import type { Commit, LargeCommit } from './commit.ts'
import { hasCode } from './errors.ts'
import type { EntryFormat } from './entry-format.ts'
import { segmentPath } from './names.ts'
import { linkTo } from './next-segment.ts'
import { type Operation, type Procedure, tried } from './operation.ts'
import type { Sequencer } from './sequencer.ts'
import type { Spool } from './spool.ts'
import type { FilesHost, WriterFiles } from './writer-files.ts'

/** One whose turn has come, until its end. */
export interface Large {
  readonly commit: Commit
  readonly contents: LargeCommit
  readonly resolve: (value: number) => void
  readonly reject: (error: unknown) => void
}

/** What it needs of the writer. */
export interface LargeHost extends FilesHost {
  readonly sequencer: Sequencer
  readonly segmentBytes: number
  readonly format: EntryFormat
  /** It is in the log, and that goes on behind it. */
  committed(chain: Chain): void
  /** It is not, and the log goes on without it. */
  refused(large: Large, error: unknown): void
}

/** Commits it. Everything sequenced is written. */
export function* commitLarge(host: LargeHost, files: WriterFiles, large: Large): Procedure {
  const { storage, dir, sequencer } = host
  const begun = host.watch.begin()
  // One that was planned and never begun is not followed.
  if (sequencer.segment !== files.active) sequencer.takeBack(files.active)
  const chain = new Chain(chainStart(host, files, large.contents.spool))
  try {
    yield* build(chain, large.contents)
    yield* syncWritten(host, files)
    yield* name(host, chain)
  } catch (error) {
    files.discard(chain)
    checkFailure(host)
    // What it kept in its file may not read as it was written; that concerns nobody else.
    if (!hasCode(error, 'WALRUS_DISK_FULL') && !hasCode(error, 'WALRUS_CORRUPT')) throw error
    host.refused(large, error)
    return
  }
  try {
    yield* tried(syncDirOf(storage, dir))
    checkFailure(host)
  } catch (error) {
    // It has its name: final, whatever the reason.
    chain.abandon()
    host.fail(error)
    throw error
  }
  adopt(host, chain, large)
  const { endLsn: lsn, frames, bytes } = chain
  host.watch.committed(begun, { lsn, frames, bytes, durable: true })
}

/** Goes on behind it: it is in the log now, and durable. */
function adopt(host: LargeHost, chain: Chain, { commit, contents, resolve }: Large): void {
  const { catalog } = host.sequencer
  for (const stream of chain.declared) catalog.declare(stream)
  for (const [stream, next] of chain.next) stream.next = next
  catalog.own.next = chain.ownNext
  host.committed(chain)
  try {
    contents.sequenced(chain.positions)
  } catch (error) {
    host.fail(error)
  }
  host.reachedDurable(host.written)
  commit.outcome?.acknowledged()
  resolve(0)
}

/** Makes everything written durable. */
function* syncWritten(host: LargeHost, { maintenance }: WriterFiles): Procedure {
  if (host.durable.lsn >= host.written.lsn) return
  yield* tried({ start: () => maintenance.sync(), now: () => maintenance.syncNow() })
  checkFailure(host)
}

function checkFailure({ failure }: LargeHost): void {
  if (failure !== undefined) throw failure
}

function chainStart(host: LargeHost, files: WriterFiles, spool: Spool): ChainStart {
  const { storage, dir, segmentBytes, sequencer } = host
  const { catalog, segment, stamps, nextLsn } = sequencer
  const { header, end } = segment
  const { id, logId, catalogSegment } = header
  const snapshot = sequencer.nextSegment.dueSnapshot()
  const undeclared = [...spool.streams.keys()].filter(({ declared }) => !declared)
  return {
    storage,
    dir,
    segmentBytes,
    mark: host.durable.lsn,
    unfinishedPath: (number) => files.unfinishedPath(number),
    stamps,
    logId,
    id: id + 1,
    predecessor: linkTo(header, end),
    firstLsn: nextLsn,
    plainNext: catalog.plain.next,
    ownNext: catalog.own.next,
    snapshot: snapshot ?? [],
    catalogSegment: snapshot === undefined ? catalogSegment : id + 1,
    frames: (snapshot?.length ?? 0) + undeclared.length + spool.count,
    time: sequencer.time(),
    format: host.format,
  }
}

/** Builds the segments under temporary names, and syncs them. */
function* build(chain: Chain, { spool }: LargeCommit): Procedure {
  for (let block = 0; block < spool.blocks; block++) {
    yield* chain.add(yield* spool.load(block))
  }
  yield* chain.add(spool.inMemory)
  yield* chain.finish()
}

/**
 * Gives the segments their names, the first one last. Where there is no space for that, none keeps its name; after
 * another failure only recovery can tell.
 */
function* name(host: LargeHost, { built }: Chain): Procedure {
  const { storage, dir } = host
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
    checkFailure(host)
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

function syncDirOf(storage: Storage, dir: string): Operation {
  return { start: () => storage.syncDir(dir), now: () => storage.syncDirSync(dir) }
}
