/**
 * `real-faults kill|full|eio`: the log under real faults. Exit codes: 0 every promise kept, 1 a violation, 2 usage.
 */

import { type Arguments, parseArguments, USAGE } from './arguments.ts'
import { runEio } from './eio.ts'
import { runFull } from './full.ts'
import { runKill, seedsFor } from './kill.ts'
import type { Outcome } from './outcome.ts'
import { letGoOnSignals } from './resources.ts'
import { runSweep } from './sweep.ts'

async function run({ program, runs, seed, seeds, storage, json }: Arguments): Promise<Outcome[]> {
  const progress = (line: string): void => {
    if (!json) process.stderr.write(`${line}\n`)
  }
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
      return [await runEio(options)]
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
