/** What the log on the storages with native code must reach. */

import { lmdbBurst, lmdbDurable, openAndRead, ratio, SYNC_LOOP, type Target } from './target.ts'

const BANDWIDTH = 'gigabytesPerSecond'

export const NATIVE_TARGETS: readonly Target[] = [
  {
    path: 'appendSync, none, mmap',
    ours: 'walrus appendSync none, mmap',
    comparisons: [lmdbBurst(6)],
  },
  {
    path: 'appendSync, none, uring',
    ours: 'walrus appendSync none, uring',
    comparisons: [ratio('the same on mmap', ['walrus appendSync none, mmap'], 0.8)],
  },
  ...(['appendSync', 'appendBatch'] as const).map(
    (how): Target => ({
      path: `1 KiB ${how}, none, then one sync, mmap`,
      ours: `walrus ${how} none 1 KiB + sync, mmap`,
      comparisons: [
        ratio('fio, sequential write + sync', ['fio write + fsync'], 0.85, BANDWIDTH),
        ratio('the same in C', ['C write + fsync'], undefined, BANDWIDTH),
      ],
    }),
  ),
  {
    path: 'await append, commit, 1 producer, uring',
    ours: 'walrus append commit x1, uring',
    comparisons: [
      ratio('C O_DIRECT RWF_DSYNC', ['C O_DIRECT RWF_DSYNC'], 0.85),
      ...lmdbDurable(1, 3),
    ],
  },
  {
    path: 'await append, commit, 64 producers, uring',
    ours: 'walrus append commit x64, uring',
    comparisons: [ratio(SYNC_LOOP, [SYNC_LOOP], 38), ...lmdbDurable(64, 3)],
  },
  {
    path: 'await append, commit, 512 producers, uring',
    ours: 'walrus append commit x512, uring',
    comparisons: [ratio(SYNC_LOOP, [SYNC_LOOP], 130), ...lmdbDurable(512, 3)],
  },
  ...(['uring', 'mmap'] as const).map(
    (storage): Target => ({
      path: `appendSync, commit, ${storage}`,
      ours: `walrus appendSync commit, ${storage}`,
      comparisons: [ratio(SYNC_LOOP, [SYNC_LOOP], 0.9)],
    }),
  ),
  openAndRead(
    'open, then get 100,000 of 100 million, mmap',
    'walrus open and read, 100 million, mmap',
  ),
  {
    path: 'random view, 10 million entries, mmap',
    ours: 'walrus view, 10 million, mmap',
    comparisons: [ratio('lmdb getBinaryFast', ['lmdb getBinaryFast, 10 million'], 4)],
  },
  ...(
    [
      ['100 B', 0.25],
      ['1 KiB', 0.45],
    ] as const
  ).map(
    ([payload, bound]): Target => ({
      path: `verified scan into an index, ${payload}, mmap`,
      ours: `walrus indexed scan ${payload}, mmap`,
      comparisons: [ratio('memory read by C', ['C memory read'], bound, BANDWIDTH)],
    }),
  ),
]
