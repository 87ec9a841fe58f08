/**
 * Row 5, without chance: a process killed at its n-th system call of each kind, and then the process that recovers
 * killed at one of its own. strace delivers the SIGKILL as the call begins, so the call is not made.
 */

import { join } from 'node:path'
import { checkLog } from './check.ts'
import { follow } from './follow.ts'
import { Oracle } from './oracle.ts'
import { Counts, type Outcome, type Violation } from './outcome.ts'
import { DURABILITIES, nameOfDurability, planOf, unitsOf } from './plan.ts'
import { nameOf, type Point, pointsOf, sample } from './points.ts'
import { LogProcess } from './process.ts'
import type { Task } from './protocol.ts'
import { between, oneOf, randomFrom } from './random.ts'
import { temporaryDirectory } from './resources.ts'
import { storageNamed } from './storages.ts'
import { type Injection, straceMissing, tracing } from './strace.ts'

const CALLS = [
  'pwrite64',
  'fdatasync',
  'fsync',
  'ftruncate',
  'rename',
  'openat',
  'link',
  'unlink',
] as const
const RECOVERING = ['pwrite64', 'fdatasync', 'fsync', 'rename', 'unlink'] as const
const STEPS = 10

export interface SweepOptions {
  /** How many places to try for each durability; there are some hundred. */
  readonly runs: number
  readonly seed: number
  readonly storage: string
  readonly progress?: (line: string) => void
}

export async function runSweep(options: SweepOptions): Promise<Outcome> {
  const counts = new Counts()
  const violations: Violation[] = []
  const missing = await straceMissing()
  if (missing !== undefined) {
    const skipped = [`kills at the n-th system call: ${missing}`]
    return { name: 'kill at call', counts: {}, violations, skipped }
  }
  const { seed, storage, runs, progress } = options
  for (const durability of DURABILITIES) {
    const task = { storage, durability, seed, steps: STEPS }
    const points = await pointsOf(task, CALLS)
    counts.add('places', points.length)
    const chosen = sample(points, runs, seed)
    for (const [at, point] of chosen.entries()) {
      const what = await killAtCall(task, point, counts)
      const replay = `node tools/real-faults/dist/main.js kill --runs ${runs} --seed ${seed} --storage ${storage}`
      if (what.length > 0) {
        const where = `${nameOfDurability(durability)}, killed at ${nameOf(point)}`
        violations.push({ what: `${where}: ${what.join('; ')}`, replay })
      }
      if (at % 50 === 49) {
        progress?.(`kill at call: ${nameOfDurability(durability)}, ${at + 1} of ${chosen.length}`)
      }
    }
  }
  return { name: 'kill at call', counts: counts.toRecord(), violations, skipped: [] }
}

async function killAtCall(
  given: Pick<Task, 'storage' | 'durability' | 'seed' | 'steps'>,
  point: Point,
  counts: Counts,
): Promise<string[]> {
  const { seed, durability, steps } = given
  const random = randomFrom(seed, point.number, point.path.length)
  const storage = await storageNamed(given.storage)
  const { path, remove } = temporaryDirectory()
  const dir = join(path, 'log')
  const oracle = new Oracle(seed)
  const found: string[] = []
  const places: readonly Injection[] = [
    { ...point, path: join(dir, point.path), instead: 'signal=KILL' },
    // Whose files have other names.
    { call: oneOf(random, RECOVERING), instead: 'signal=KILL', number: between(random, 1, 6) },
  ]
  try {
    for (const [life, injection] of places.entries()) {
      const task = { ...given, dir, life, linger: false }
      const under = tracing('/dev/null', injection.call, injection)
      const { reports, how, errors, hung } = await new LogProcess(task, undefined, under).ended
      if (hung) found.push('the process hung')
      else if (how === 'SIGKILL') counts.add(life === 0 ? 'kills' : 'kills of the next process')
      else if (how !== 0) found.push(`the process ended with ${how}: ${errors.trim()}`)
      const units = unitsOf(planOf(seed, life, steps))
      for (const { what, failure } of follow(oracle, life, units, reports, durability === 'none')) {
        found.push(`${what} failed with nothing wrong: ${failure.message}`)
      }
      const options = { storage, durability, segmentBytes: 0x1_0000 }
      const { found: wrong } = await checkLog(dir, options, oracle, life === 1)
      found.push(...wrong)
    }
    return found
  } finally {
    remove()
  }
}
