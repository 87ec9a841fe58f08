/** What can be measured, and what one run of it gives. */

import type { Sizes } from './workload.ts'

/** What one run gave. */
export interface Sample {
  /** Figures by name: `perSecond`, or whatever else the subject measures. */
  readonly values: Readonly<Record<string, number>>
  /** Microseconds of each operation that was timed, in no order. */
  readonly latencies?: Float64Array
}

/** Something that can be run again and again in one process, each time on fresh data. */
export interface Subject {
  /** One run. Its own preparation, warm-up and cleaning up are not in the figures. */
  run(): Promise<Sample>
}

/** Where a subject keeps its data: a directory of its own, removed by whoever made it. */
export type SubjectFactory = (directory: string, sizes: Sizes) => Subject | Promise<Subject>

/** Thrown by a subject that cannot be measured on this machine; the report says so instead of leaving it out. */
export class NotRun extends Error {
  override readonly name = 'NotRun'
}

/** What became of a subject: its samples, or why there are none. */
export type Measured =
  | { readonly samples: readonly Sample[] }
  | { readonly missing: string; readonly failed: boolean }

/** The outcome of a subject that threw. */
export function missing(error: unknown): Measured {
  if (error instanceof NotRun) return { missing: error.message, failed: false }
  return { missing: error instanceof Error ? error.message : String(error), failed: true }
}
