/** What the key-value store must reach, beside other people's: 1 million keys, values of 100 bytes. */

import { ratio, type Target } from './target.ts'

export const KV_TARGETS: readonly Target[] = [
  ...[1, 64, 512].map((producers): Target => {
    const lmdb = `lmdb kv put + flushed x${producers}`
    const sqlite = 'sqlite FULL autocommit'
    return {
      path: `kv: durable sets, ${producers} producer${producers === 1 ? '' : 's'}`,
      ours: `walrus kv set commit x${producers}`,
      comparisons: [
        ratio('lmdb put + flushed', [lmdb], 2),
        ...(producers === 1 ? [ratio(sqlite, [sqlite], 1.1)] : []),
      ],
    }
  }),
  {
    path: 'kv: unsynced sets',
    ours: 'walrus kv set none',
    comparisons: [ratio('lmdb, unsynced burst', ['lmdb kv burst'], 1.5)],
  },
  ...(['cached', 'mmap'] as const).map(
    (from): Target => ({
      path: `kv: random get, ${from}`,
      ours: `walrus kv getSync, ${from}`,
      // Either of the two has to reach it.
      comparisons: [
        ratio('lmdb getBinaryFast', ['lmdb kv getBinaryFast'], from === 'cached' ? 1.5 : undefined),
      ],
    }),
  ),
  {
    path: 'kv: range scan, keys and values',
    ours: 'walrus kv entriesSync, cached',
    comparisons: [ratio('lmdb getRange', ['lmdb kv getRange'], 2)],
  },
  {
    path: 'kv: durable batches of 1,000',
    ours: 'walrus kv batch commit x1,000',
    comparisons: [
      ratio('classic-level synced', ['classic-level synced batch x1,000'], 2),
      ratio('sqlite transaction', ['sqlite FULL transaction x1,000'], 1.5),
    ],
  },
  {
    path: 'kv: open, 1 million live keys',
    ours: 'walrus kv open, 1 million',
    comparisons: [
      {
        reference: 'an empty store: time',
        subjects: ['walrus kv open, empty'],
        metric: 'milliseconds',
        kind: 'difference',
        bound: 1000,
        unit: 'ms',
      },
      {
        reference: 'an empty store: memory',
        subjects: ['walrus kv open, empty'],
        metric: 'rssMiB',
        kind: 'difference',
        unit: 'MiB',
      },
    ],
  },
]
