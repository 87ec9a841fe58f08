/**
 * `real-faults kill|full|eio|same`: the log under real faults. Exit codes: 0 every promise kept, 1 a violation, 2 usage.
 */

import { type Arguments, parseArguments, USAGE } from './arguments.ts'
import { runEio } from './eio.ts'
import { runFailingDisk } from './failing-disk.ts'
import { runFull } from './full.ts'
import { runKill, seedsFor } from './kill.ts'
import type { Outcome } from './outcome.ts'
import { letGoOnSignals } from './resources.ts'
import { runSame } from './same.ts'
import { storageMissing } from './storages.ts'
import { runSweep } from './sweep.ts'

async function run(given: Arguments): Promise<Outcome[]> {
  const { program } = given
  if (program === 'same') return [await runSame({ ...given, progress: progressOf(given) })]
  const outcomes: Outcome[] = []
  for (const storage of given.storages) {
    const missing = await storageMissing(storage)
    if (missing === undefined) {
      const done = await runOn(storage, program, given)
      outcomes.push(...done.map((outcome) => ({ ...outcome, name: `${storage}: ${outcome.name}` })))
    } else {
      const name = `${storage}: ${program}`
      outcomes.push({ name, counts: {}, violations: [], skipped: [missing] })
    }
  }
  return outcomes
}

function progressOf({ json }: Arguments): (line: string) => void {
  return (line) => {
    if (!json) process.stderr.write(`${line}\n`)
  }
}

async function runOn(
  storage: string,
  program: Exclude<Arguments['program'], 'same'>,
  given: Arguments,
): Promise<Outcome[]> {
  const { runs, seed, seeds } = given
  const progress = progressOf(given)
  const options = { runs, seed, storage, progress }
  switch (program) {
    case 'kill': {
      if (seeds !== undefined) return [await runKill({ seeds, storage, progress })]
      const killed = await runKill({ seeds: seedsFor(runs, seed), storage, progress })
      return [killed, await runSweep({ ...options, runs: Math.ceil(runs / 2) })]
    }
    case 'full':
      return [await runFull(options)]
    case 'eio':
      return [await runEio(options), await runFailingDisk({ runs, seed, storage })]
  }
}

function print({ name, counts, violations, skipped }: Outcome): void {
  const lines = [
    ...Object.entries(counts).map(([what, count]) => `${what}: ${count}`),
    ...skipped.map((what) => `skipped ${what}`),
    ...violations.flatMap(({ what, replay }) => [`VIOLATION ${what}`, `  again: ${replay}`]),
    `violations: ${violations.length}`,
  ]
  for (const line of lines) process.stdout.write(`${name}: ${line}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

let parsed: Arguments | undefined
try {
  parsed = parseArguments(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`real faults: ${messageOf(error)}\n${USAGE}\n`)
  process.exitCode = 2
}
if (parsed !== undefined) {
  letGoOnSignals()
  try {
    const outcomes = await run(parsed)
    if (parsed.json) process.stdout.write(`${JSON.stringify(outcomes)}\n`)
    else for (const outcome of outcomes) print(outcome)
    if (outcomes.some(({ violations }) => violations.length > 0)) process.exitCode = 1
  } catch (error) {
    process.stderr.write(`real faults: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
