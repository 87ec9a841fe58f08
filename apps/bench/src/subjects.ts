/** Every subject by name. Modules are loaded on demand, so that a process holds only what it measures. */

import type { Subject, SubjectFactory } from './subject.ts'
import { LARGE_PAYLOAD, PAYLOAD } from './workload.ts'

const FD: Readonly<Record<string, SubjectFactory>> = {
  'walrus appendSync none': async (at) => (await import('./walrus.ts')).burst(at, 'fd'),
  'walrus append none x512': async (at) =>
    (await import('./walrus.ts')).appends(at, 'fd', 'none', 512),
  'walrus append commit x1': async (at) =>
    (await import('./walrus.ts')).appends(at, 'fd', 'commit', 1),
  'walrus append commit x64': async (at) =>
    (await import('./walrus.ts')).appends(at, 'fd', 'commit', 64),
  'walrus append commit x512': async (at) =>
    (await import('./walrus.ts')).appends(at, 'fd', 'commit', 512),
  'walrus append commit x1, growing': async (at) =>
    (await import('./walrus.ts')).appends(at, 'fd, growing', 'commit', 1),
  'walrus read': async (at) => (await import('./walrus.ts')).scan(at, 'read'),
  'walrus entries': async (at) => (await import('./walrus.ts')).scan(at, 'entries'),
  'walrus open, 10 million': async (at) =>
    (await import('./opening.ts')).openClosed(at, 10_000_000),
  'walrus open and read, 100 million': async (at) =>
    (await import('./opening.ts')).openAndRead(at, 'fd', 100_000_000),
  'walrus open, empty': async (at) => (await import('./opening.ts')).openClosed(at, 0),
  'walrus open, killed, commit': async (at) =>
    (await import('./opening.ts')).openKilled(at, 'commit'),
  'walrus open, killed, none': async (at) => (await import('./opening.ts')).openKilled(at, 'none'),
}

const NATIVE: Readonly<Record<string, SubjectFactory>> = {
  'walrus appendSync none, mmap': async (at) => (await import('./walrus.ts')).burst(at, 'mmap'),
  'walrus appendSync none, uring': async (at) => (await import('./walrus.ts')).burst(at, 'uring'),
  'walrus appendSync none 1 KiB + sync, mmap': async (at, { bulkBytes }) =>
    (await import('./walrus.ts')).bulk(at, 'mmap', 'appendSync', bulkBytes),
  'walrus appendBatch none 1 KiB + sync, mmap': async (at, { bulkBytes }) =>
    (await import('./walrus.ts')).bulk(at, 'mmap', 'appendBatch', bulkBytes),
  'walrus append commit x1, uring': async (at) =>
    (await import('./walrus.ts')).appends(at, 'uring', 'commit', 1),
  'walrus append commit x64, uring': async (at) =>
    (await import('./walrus.ts')).appends(at, 'uring', 'commit', 64),
  'walrus append commit x512, uring': async (at) =>
    (await import('./walrus.ts')).appends(at, 'uring', 'commit', 512),
  'walrus appendSync commit, uring': async (at) =>
    (await import('./walrus.ts')).durableSync(at, 'uring'),
  'walrus appendSync commit, mmap': async (at) =>
    (await import('./walrus.ts')).durableSync(at, 'mmap'),
  'walrus open and read, 100 million, mmap': async (at) =>
    (await import('./opening.ts')).openAndRead(at, 'mmap', 100_000_000),
  'walrus view, 10 million, mmap': async (at) =>
    (await import('./walrus-native.ts')).views(at, 'mmap'),
  'walrus indexed scan 100 B, mmap': async (at) =>
    (await import('./walrus-native.ts')).indexedScan(at, 'mmap', PAYLOAD),
  'walrus indexed scan 1 KiB, mmap': async (at) =>
    (await import('./walrus-native.ts')).indexedScan(at, 'mmap', LARGE_PAYLOAD),
}

const STREAMS: Readonly<Record<string, SubjectFactory>> = {
  'walrus followed': async (at) => (await import('./walrus-streams.ts')).followed(at, 'fd'),
  'walrus one of 1,000 streams, mmap': async (at) =>
    (await import('./walrus-streams.ts')).readOneOf(at, 'mmap', 1000),
  'walrus one of 1 stream, mmap': async (at) =>
    (await import('./walrus-streams.ts')).readOneOf(at, 'mmap', 1),
  'walrus one of 1,000 streams, fd': async (at) =>
    (await import('./walrus-streams.ts')).readOneOf(at, 'fd', 1000),
  'walrus one of 1 stream, fd': async (at) =>
    (await import('./walrus-streams.ts')).readOneOf(at, 'fd', 1),
  'walrus transactions of 10 x64': async (at) =>
    (await import('./walrus-transactions.ts')).tens(at, 'fd', 'transaction', 64),
  'walrus batches of 10 x64': async (at) =>
    (await import('./walrus-transactions.ts')).tens(at, 'fd', 'batch', 64),
  'walrus append commit x512 over 1,000 streams': async (at) =>
    (await import('./walrus-streams.ts')).appendsOver(at, 'fd', 1000, 512),
  'walrus append commit x512 over 1 stream': async (at) =>
    (await import('./walrus-streams.ts')).appendsOver(at, 'fd', 1, 512),
}

const LMDB: Readonly<Record<string, SubjectFactory>> = {
  'lmdb burst, put': async (at) => (await import('./lmdb.ts')).burst(at, 'put'),
  'lmdb burst, put in batch': async (at) => (await import('./lmdb.ts')).burst(at, 'batch'),
  'lmdb burst, putSync in transactionSync': async (at) =>
    (await import('./lmdb.ts')).burst(at, 'putSync'),
  'lmdb put + flushed x1': async (at) => (await import('./lmdb.ts')).durable(at, 'flushed', 1),
  'lmdb put + flushed x64': async (at) => (await import('./lmdb.ts')).durable(at, 'flushed', 64),
  'lmdb put + flushed x512': async (at) => (await import('./lmdb.ts')).durable(at, 'flushed', 512),
  'lmdb put, overlappingSync off x1': async (at) =>
    (await import('./lmdb.ts')).durable(at, 'committed', 1),
  'lmdb put, overlappingSync off x64': async (at) =>
    (await import('./lmdb.ts')).durable(at, 'committed', 64),
  'lmdb put, overlappingSync off x512': async (at) =>
    (await import('./lmdb.ts')).durable(at, 'committed', 512),
  'lmdb getRange': async (at) => (await import('./lmdb.ts')).scan(at),
  'lmdb getBinaryFast, 10 million': async (at) => (await import('./lmdb.ts')).lookups(at),
}

const KV: Readonly<Record<string, SubjectFactory>> = {
  ...forProducers('walrus kv set commit', async (at, producers) =>
    (await import('./walrus-kv.ts')).durable(at, producers),
  ),
  ...forProducers('lmdb kv put + flushed', async (at, producers) =>
    (await import('./lmdb-kv.ts')).durable(at, producers),
  ),
  'walrus kv set none': async (at) => (await import('./walrus-kv.ts')).burst(at),
  'walrus kv getSync, cached': async (at) => (await import('./walrus-kv.ts')).lookups(at, 'cached'),
  'walrus kv getSync, mmap': async (at) => (await import('./walrus-kv.ts')).lookups(at, 'mmap'),
  'walrus kv entriesSync, cached': async (at) => (await import('./walrus-kv.ts')).scan(at),
  'walrus kv batch commit x1,000': async (at) => (await import('./walrus-kv.ts')).batches(at),
  'walrus kv open, 1 million': async (at) =>
    (await import('./walrus-kv.ts')).opening(at, 1_000_000),
  'walrus kv open, empty': async (at) => (await import('./walrus-kv.ts')).opening(at, 0),
  'lmdb kv burst': async (at) => (await import('./lmdb-kv.ts')).burst(at),
  'lmdb kv getBinaryFast': async (at) => (await import('./lmdb-kv.ts')).lookups(at),
  'lmdb kv getRange': async (at) => (await import('./lmdb-kv.ts')).scan(at),
  'classic-level synced batch x1,000': async (at) =>
    (await import('./classic-level.ts')).batches(at),
  'sqlite FULL autocommit': async (at) => (await import('./sqlite.ts')).durable(at),
  'sqlite FULL transaction x1,000': async (at) => (await import('./sqlite.ts')).batches(at),
}

/** The same for 1, 64 and 512 producers. */
function forProducers(
  name: string,
  make: (at: string, producers: number) => Promise<Subject>,
): Record<string, SubjectFactory> {
  return Object.fromEntries(
    [1, 64, 512].map((producers) => [`${name} x${producers}`, async (at) => make(at, producers)]),
  )
}

const MACHINE: Readonly<Record<string, SubjectFactory>> = {
  'C pwrite + fdatasync': async (at) => (await import('./sync-loop.ts')).syncLoop(at, 'buffered'),
  'C O_DIRECT RWF_DSYNC': async (at) => (await import('./sync-loop.ts')).syncLoop(at, 'direct'),
  'fio write + fsync': async (at, { bulkBytes }) =>
    (await import('./sequential-write.ts')).fioWrite(at, bulkBytes),
  'C write + fsync': async (at, { bulkBytes }) =>
    (await import('./sequential-write.ts')).sequentialWrite(at, bulkBytes),
  'C memory read': async (at) => (await import('./memory-read.ts')).memoryRead(at),
  'promise ceiling x512': async () => (await import('./promise-ceiling.ts')).promiseCeiling(512),
}

export const SUBJECTS: Readonly<Record<string, SubjectFactory>> = {
  ...FD,
  ...NATIVE,
  ...STREAMS,
  ...LMDB,
  ...KV,
  ...MACHINE,
}
