/** Every subject by name. Modules are loaded on demand, so that a process holds only what it measures. */

import type { SubjectFactory } from './subject.ts'

export const SUBJECTS: Readonly<Record<string, SubjectFactory>> = {
  'walrus appendSync none': async (at) => (await import('./walrus.ts')).burst(at),
  'walrus append none x512': async (at) => (await import('./walrus.ts')).appends(at, 'none', 512),
  'walrus append commit x1': async (at) => (await import('./walrus.ts')).appends(at, 'commit', 1),
  'walrus append commit x64': async (at) => (await import('./walrus.ts')).appends(at, 'commit', 64),
  'walrus append commit x512': async (at) =>
    (await import('./walrus.ts')).appends(at, 'commit', 512),
  'walrus append commit x1, growing': async (at) =>
    (await import('./walrus.ts')).appends(at, 'commit', 1, { zeroAhead: false }),
  'walrus read': async (at) => (await import('./walrus.ts')).scan(at, 'read'),
  'walrus entries': async (at) => (await import('./walrus.ts')).scan(at, 'entries'),
  'walrus open, 10 million': async (at) =>
    (await import('./opening.ts')).openClosed(at, 10_000_000),
  'walrus open, empty': async (at) => (await import('./opening.ts')).openClosed(at, 0),
  'walrus open, killed, commit': async (at) =>
    (await import('./opening.ts')).openKilled(at, 'commit'),
  'walrus open, killed, none': async (at) => (await import('./opening.ts')).openKilled(at, 'none'),
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
  'C pwrite + fdatasync': async (at) => (await import('./sync-loop.ts')).syncLoop(at),
  'promise ceiling x512': async () => (await import('./promise-ceiling.ts')).promiseCeiling(512),
}
