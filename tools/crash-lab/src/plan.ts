/**
 * Plans: one line of text names one case of one row, and the same line is the same case for ever.
 *
 * `crash seed=815 call=17 loss=tail`: the row, then what it takes, in any order. What a plan leaves open is all of
 * it: without `call` and `loss`, that case with every call and every loss its row tries.
 */

import { WalrusError } from '@walrus/codec'

/** What a value of a plan may be. */
export interface Key {
  /** As messages say it. */
  readonly expects: string
  readonly isValid: (text: string) => boolean
}

export type Keys = Readonly<Record<string, Key>>

/** A whole number. */
export function whole(least: number, most: number): Key {
  return {
    expects: `a whole number from ${least} to ${most}`,
    isValid: (text) => /^(0|[1-9]\d{0,15})$/.test(text) && +text >= least && +text <= most,
  }
}

export function oneOf(names: readonly string[]): Key {
  return { expects: `one of ${names.join(', ')}`, isValid: (text) => names.includes(text) }
}

export function matching(pattern: RegExp, expects: string): Key {
  return { expects, isValid: (text) => pattern.test(text) }
}

/** The seeds that there are: 0 to 2^32 - 1. */
export const SEED: Key = whole(0, 2 ** 32 - 1)

/** Without spaces, so that it is one word of a plan. */
export class Plan {
  readonly row: string
  readonly values: Readonly<Record<string, string>>

  constructor(row: string, values: Readonly<Record<string, string | number>> = {}) {
    this.row = row
    this.values = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, String(value)]),
    )
  }

  text(key: string): string | undefined {
    return this.values[key]
  }

  number(key: string): number | undefined {
    const text = this.values[key]
    return text === undefined ? undefined : Number(text)
  }

  /** The same case, made narrower. */
  with(values: Readonly<Record<string, string | number>>): Plan {
    return new Plan(this.row, { ...this.values, ...values })
  }

  toString(): string {
    const values = Object.entries(this.values).map(([key, value]) => `${key}=${value}`)
    return [this.row, ...values].join(' ')
  }
}

/** What was promised and not kept. */
export interface Violation {
  /** The narrowest plan that shows it. */
  readonly plan: Plan
  readonly what: string
}

export interface Numbers {
  readonly workloads: number
  readonly crashPoints: number
  readonly recoveries: number
  readonly seeds: number
  readonly faults: number
}

/** What a run came to: added up over all cases, printed in the table. */
export class Counts {
  workloads = 0
  crashPoints = 0
  recoveries = 0
  seeds = 0
  /** Calls that were made to fail, and bytes that were damaged. */
  faults = 0

  add(other: Numbers): void {
    this.workloads += other.workloads
    this.crashPoints += other.crashPoints
    this.recoveries += other.recoveries
    this.seeds += other.seeds
    this.faults += other.faults
  }

  numbers(): Numbers {
    const { workloads, crashPoints, recoveries, seeds, faults } = this
    return { workloads, crashPoints, recoveries, seeds, faults }
  }
}

/** One row of the table: a kind of case. */
export interface Row {
  readonly name: string
  /** What its cases are, in a few words. */
  readonly title: string
  readonly keys: Keys
  /**
   * Runs one case: deterministic, without real time or files. What the case promises and does not keep is returned;
   * an error that it throws is a violation, too.
   */
  run(plan: Plan, counts: Counts): Promise<Violation[]>
  ciPlans(): Iterable<Plan>
  /** Seeds from `from` up to, and without, `to`; of a row without seeds everything, whatever they are. */
  longPlans(from: number, to: number): Iterable<Plan>
}

function badPlan(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}

/**
 * Reads a plan.
 * @throws `WALRUS_INVALID_OPTION`: says which word is wrong, and what is expected there
 */
export function parsePlan(text: string, rows: readonly Row[]): { row: Row; plan: Plan } {
  const [name = '', ...words] = text.trim().split(/\s+/)
  const row = rows.find((each) => each.name === name)
  if (row === undefined) {
    const names = rows.map((each) => each.name).join(', ')
    throw badPlan(`a plan begins with a row, one of ${names}; got ${JSON.stringify(name)}`)
  }
  const values: Record<string, string> = {}
  for (const word of words) {
    const [, key, value] = /^([a-z]+)=(.+)$/i.exec(word) ?? []
    if (key === undefined || value === undefined) {
      throw badPlan(`a plan consists of key=value after its row; got ${JSON.stringify(word)}`)
    }
    const known = Object.hasOwn(row.keys, key) ? row.keys[key] : undefined
    if (known === undefined) {
      const keys = Object.keys(row.keys).join(', ')
      throw badPlan(`row ${name} takes ${keys}; got ${JSON.stringify(key)}`)
    }
    if (Object.hasOwn(values, key)) throw badPlan(`${key} is given twice`)
    if (!known.isValid(value)) {
      throw badPlan(`${key} must be ${known.expects}; got ${JSON.stringify(value)}`)
    }
    values[key] = value
  }
  return { row, plan: new Plan(name, values) }
}
