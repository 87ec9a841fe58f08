/** What the log on the fd storage without native code must reach, each against what is measured in the same rounds. */

import { lmdbBurst, lmdbDurable, openAndRead, ratio, SYNC_LOOP, type Target } from './target.ts'

const LMDB_RANGE = ratio('lmdb getRange', ['lmdb getRange'], 4)

export const FD_TARGETS: readonly Target[] = [
  {
    path: 'appendSync, none',
    ours: 'walrus appendSync none',
    comparisons: [lmdbBurst(4)],
  },
  {
    path: 'await append, none, 512 in flight',
    ours: 'walrus append none x512',
    comparisons: [ratio('promise ceiling', ['promise ceiling x512'], 0.3)],
  },
  {
    path: 'await append, commit, 1 producer',
    ours: 'walrus append commit x1',
    comparisons: [ratio(SYNC_LOOP, [SYNC_LOOP], 0.5)],
  },
  {
    path: 'await append, commit, 64 producers',
    ours: 'walrus append commit x64',
    comparisons: [ratio(SYNC_LOOP, [SYNC_LOOP], 28), ...lmdbDurable(64, 2.2)],
  },
  {
    path: 'await append, commit, 512 producers',
    ours: 'walrus append commit x512',
    comparisons: [ratio(SYNC_LOOP, [SYNC_LOOP], 100), ...lmdbDurable(512, 2.5)],
  },
  { path: 'iterate, verified, read()', ours: 'walrus read', comparisons: [LMDB_RANGE] },
  { path: 'iterate, verified, for await', ours: 'walrus entries', comparisons: [LMDB_RANGE] },
  {
    path: 'zeros written ahead, commit, 1 producer',
    ours: 'walrus append commit x1',
    comparisons: [ratio('the same, growing file', ['walrus append commit x1, growing'], 1.15)],
  },
  openAndRead('open, then get 100,000 of 100 million', 'walrus open and read, 100 million'),
  {
    path: 'open, 10 million entries, closed',
    ours: 'walrus open, 10 million',
    comparisons: [
      {
        reference: 'an empty log: time',
        subjects: ['walrus open, empty'],
        metric: 'milliseconds',
        kind: 'difference',
        bound: 100,
        unit: 'ms',
      },
      {
        reference: 'an empty log: memory',
        subjects: ['walrus open, empty'],
        metric: 'rssMiB',
        kind: 'difference',
        bound: 60,
        unit: 'MiB',
      },
    ],
  },
  ...(['commit', 'none'] as const).map(
    (durability): Target => ({
      path: `open after a kill, ${durability}`,
      ours: `walrus open, killed, ${durability}`,
      comparisons: [
        {
          reference: 'more than a clean open',
          subjects: [],
          metric: 'gigabytesPerSecond',
          kind: 'least',
          // Under 'none' all that was never synced is not only read but written and synced anew.
          bound: durability === 'commit' ? 1 : undefined,
          unit: 'GB/s',
        },
      ],
    }),
  ),
]
