/** What streams and those who follow may cost. */

import { ratio, type Target } from './target.ts'

export const STREAM_TARGETS: readonly Target[] = [
  {
    path: 'follow in the same process, appendSync none',
    ours: 'walrus followed',
    comparisons: [ratio('appendSync alone', ['walrus appendSync none'], 0.5)],
  },
  ...(
    [
      // A third, and a fifteenth.
      ['mmap', 0.333],
      ['fd', 0.067],
    ] as const
  ).map(
    ([storage, bound]): Target => ({
      path: `one stream among 1,000, ${storage}`,
      ours: `walrus one of 1,000 streams, ${storage}`,
      comparisons: [ratio('a log of it alone', [`walrus one of 1 stream, ${storage}`], bound)],
    }),
  ),
  {
    path: 'transactions of 10 entries, commit, 64 producers',
    ours: 'walrus transactions of 10 x64',
    comparisons: [ratio('batches of 10', ['walrus batches of 10 x64'], 0.8)],
  },
  {
    path: 'await append, commit, 512 producers over 1,000 streams',
    ours: 'walrus append commit x512 over 1,000 streams',
    comparisons: [ratio('over one', ['walrus append commit x512 over 1 stream'], 0.85)],
  },
]
