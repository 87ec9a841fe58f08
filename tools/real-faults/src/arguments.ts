/** The command line: what is asked for, or what is wrong with it. */

import { parseArgs } from 'node:util'
import { LIVES } from './kill.ts'
import { STORAGE_NAMES } from './storages.ts'

export const USAGE: string =
  'usage: real-faults kill|full|eio [--runs 1..1000000] [--seed 0..1000000000] [--storage fd] [--json]\n' +
  `       real-faults kill --seeds FROM-TO   (${LIVES} kills a seed)`

const PROGRAMS = ['kill', 'full', 'eio'] as const
const MOST_SEED = 1_000_000_000
const MOST_RUNS = 1_000_000

export interface Arguments {
  readonly program: (typeof PROGRAMS)[number]
  /** How many of each kind. */
  readonly runs: number
  readonly seed: number
  readonly seeds: { readonly from: number; readonly to: number } | undefined
  readonly storage: string
  readonly json: boolean
}

const DEFAULT_RUNS: Readonly<Record<Arguments['program'], number>> = { kill: 10, full: 20, eio: 12 }

/** @throws Error that says what is wrong */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      storage: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const program = PROGRAMS.find((name) => name === positionals[0])
  if (program === undefined || positionals.length > 1) {
    const given = positionals.length === 0 ? 'nothing' : positionals.join(' ')
    throw new Error(`one of ${PROGRAMS.join(', ')} must be named, not ${given}`)
  }
  const { seeds, storage = 'fd' } = values
  if (seeds !== undefined) {
    if (program !== 'kill') throw new Error(`--seeds is for kill, not for ${program}`)
    if (values.runs !== undefined || values.seed !== undefined) {
      throw new Error('--seeds says it all: --runs and --seed cannot be given with it')
    }
  }
  if (!STORAGE_NAMES.includes(storage)) {
    throw new Error(`--storage must be one of ${STORAGE_NAMES.join(', ')}, not ${storage}`)
  }
  return {
    program,
    runs: parseNumber('--runs', values.runs ?? String(DEFAULT_RUNS[program]), 1, MOST_RUNS),
    seed: parseNumber('--seed', values.seed ?? '0', 0, MOST_SEED),
    seeds: seeds === undefined ? undefined : parseRange(seeds),
    storage,
    json: values.json ?? false,
  }
}

function parseRange(given: string): { from: number; to: number } {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(given) ?? []
  if (first === undefined || last === undefined) {
    throw new Error(`--seeds must be FROM-TO, such as 0-1999, not ${given}`)
  }
  const from = parseNumber('--seeds', first, 0, MOST_SEED)
  const to = parseNumber('--seeds', last, 0, MOST_SEED)
  if (from > to) throw new Error(`--seeds must go up, not from ${from} to ${to}`)
  return { from, to }
}

function parseNumber(name: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
