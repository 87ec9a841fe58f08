/** What a path must reach, and the references that several paths have. */

import type { Comparison } from './verdict.ts'

export interface Target {
  /** What a caller does. */
  readonly path: string
  /** Our subject. */
  readonly ours: string
  readonly comparisons: readonly Comparison[]
}

/** The subject that shows what the device itself does. */
export const SYNC_LOOP = 'C pwrite + fdatasync'

export function ratio(
  reference: string,
  subjects: readonly string[],
  bound?: number,
  metric = 'perSecond',
): Comparison {
  return { reference, subjects, metric, kind: 'ratio', bound, unit: '×' }
}

/** What lmdb does without a sync, in the fastest of its ways. */
export function lmdbBurst(bound: number): Comparison {
  const ways = ['put', 'put in batch', 'putSync in transactionSync']
  return ratio(
    'lmdb, unsynced burst',
    ways.map((way) => `lmdb burst, ${way}`),
    bound,
  )
}

/** The target is set against lmdb's default mode; its older one can be faster, so that is shown too. */
export function lmdbDurable(producers: number, bound: number): readonly Comparison[] {
  const older = 'lmdb put, overlappingSync off'
  return [
    ratio('lmdb put + flushed', [`lmdb put + flushed x${producers}`], bound),
    ratio(older, [`${older} x${producers}`]),
  ]
}

/** That very many entries cost next to nothing to open, and no memory to read. */
export function openAndRead(path: string, ours: string): Target {
  const compared = { subjects: ['walrus open, empty'], kind: 'difference', bound: 150 } as const
  return {
    path,
    ours,
    comparisons: [
      { ...compared, reference: 'opening an empty log: time', metric: 'milliseconds', unit: 'ms' },
      { ...compared, reference: 'opening an empty log: memory', metric: 'rssMiB', unit: 'MiB' },
    ],
  }
}

/** The subjects of a target, ours first, each once. */
export function subjectsOf(target: Target): string[] {
  return [...new Set([target.ours, ...target.comparisons.flatMap(({ subjects }) => subjects)])]
}
