/**
 * From samples to a verdict. The figure is taken inside each round, ours against the reference's of the same round, and
 * judged by its median: two medians of their own would compare a fast minute with a slow one.
 */

import { median, type Spread, spread } from './statistics.ts'
import type { Measured } from './subject.ts'

export interface Comparison {
  /** The reference, in words. */
  readonly reference: string
  /** The subjects it consists of: several ways of doing the same, of which the fastest counts. None: ours stands alone. */
  readonly subjects: readonly string[]
  /** Which of the sample's values is compared. */
  readonly metric: string
  /**
   * `ratio`: ours divided by the reference, at least `bound`; `difference`: ours less the reference, at most `bound`;
   * `least`: ours alone, at least `bound`.
   */
  readonly kind: 'ratio' | 'difference' | 'least'
  /** Absent where nothing is asked and the figure is only shown. */
  readonly bound?: number | undefined
  readonly unit: string
}

export type Verdict =
  | (Grade & {
      readonly ours: Spread
      /** The subject that counted, and what it reached; nothing for `least`. */
      readonly against?: { readonly subject: string; readonly values: Spread }
    })
  | Unmeasured

interface Grade {
  readonly verdict: 'met' | 'missed' | 'no target'
  /** How many rounds, each judged by itself, agree with the verdict: fewer than all is a close call, or noise. */
  readonly agreeing: number
  readonly figure: Spread
}

interface Unmeasured {
  readonly verdict: 'not run' | 'failed'
  readonly reason: string
}

/** Judges one comparison. A reference of several ways is judged by those that ran; none at all is "not run". */
export function judge(
  comparison: Comparison,
  ours: string,
  measured: ReadonlyMap<string, Measured>,
): Verdict {
  const { kind } = comparison
  const mine = values(measured, ours, comparison.metric)
  if ('reason' in mine) return mine

  if (kind === 'least') {
    return { ...grade(mine.values, comparison), ours: spread(mine.values) }
  }

  const reference = strongest(comparison, measured)
  if ('reason' in reference) return reference
  const pairs = mine.values.map((value, round) => {
    const other = reference.values[round]
    if (other === undefined) throw new Error(`round ${round} of ${reference.subject} is missing`)
    return kind === 'ratio' ? value / other : value - other
  })
  return {
    ...grade(pairs, comparison),
    ours: spread(mine.values),
    against: { subject: reference.subject, values: spread(reference.values) },
  }
}

function grade(figures: readonly number[], { kind, bound }: Comparison): Grade {
  const figure = spread(figures)
  if (bound === undefined) return { verdict: 'no target', agreeing: figures.length, figure }
  const meets = (one: number): boolean => (kind === 'difference' ? one <= bound : one >= bound)
  const met = meets(figure.median)
  const agreeing = figures.filter((one) => meets(one) === met).length
  return { verdict: met ? 'met' : 'missed', agreeing, figure }
}

interface Reference {
  readonly subject: string
  readonly values: readonly number[]
}

/** Of the subjects that ran, the one that leaves ours the least room: the highest rate, or the lowest cost. */
function strongest(
  { reference, subjects, metric, kind }: Comparison,
  measured: ReadonlyMap<string, Measured>,
): Reference | Unmeasured {
  const ran: Reference[] = []
  let unmeasured: Unmeasured | undefined
  for (const subject of subjects) {
    const result = values(measured, subject, metric)
    if ('reason' in result) unmeasured ??= result
    else ran.push({ subject, values: result.values })
  }
  const better = kind === 'ratio' ? 1 : -1
  ran.sort((a, b) => better * (median(b.values) - median(a.values)))
  const found = ran[0] ?? unmeasured
  if (found === undefined) throw new Error(`${reference} has no subjects`)
  return found
}

function values(
  measured: ReadonlyMap<string, Measured>,
  subject: string,
  metric: string,
): { readonly values: readonly number[] } | Unmeasured {
  const result = measured.get(subject)
  if (result === undefined) throw new Error(`${subject} was not measured`)
  if ('missing' in result) {
    const verdict = result.failed ? 'failed' : 'not run'
    return { verdict, reason: `${subject}: ${result.missing}` }
  }
  return {
    values: result.samples.map((sample) => {
      const value = sample.values[metric]
      if (value === undefined) throw new Error(`${subject} does not measure ${metric}`)
      return value
    }),
  }
}
