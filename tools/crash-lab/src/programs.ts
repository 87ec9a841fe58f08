/** The rows that are programs of their own: real faults (rows 5 and 6), and the tests named after defects (row 10). */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Counts } from './plan.ts'
import { ROOT } from './sites/root.ts'
import type { Line, Shown } from './table.ts'

/** What a program of `tools/real-faults` prints with `--json`. */
interface Outcome {
  readonly name: string
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly Shown[]
  readonly skipped: readonly string[]
}

/** What vitest's JSON reporter prints, as far as it is used. */
interface TestReport {
  readonly numTotalTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** What counts as a fault in the table; everything else is told below it. */
const FAULTS = ['kills', 'kills of the next process', 'calls made to fail', 'times full']

const REAL_FAULTS: readonly { readonly program: string; readonly title: string }[] = [
  { program: 'kill', title: 'kill -9 of a real process' },
  { program: 'full', title: 'a real disk without space' },
  { program: 'eio', title: 'system calls that fail' },
]

/** Runs them one after the other: they are about real time. */
export async function runPrograms(progress: (line: string) => void): Promise<Line[]> {
  const lines = [await runDefects(progress)]
  for (const { program, title } of REAL_FAULTS) {
    progress(`${program}: ${title}`)
    const began = performance.now()
    const command = ['tools/real-faults/dist/main.js', program, '--json']
    const outcomes = JSON.parse(await outputOf(command, ROOT)) as readonly Outcome[]
    const seconds = (performance.now() - began) / 1000 / outcomes.length
    lines.push(...outcomes.map((outcome) => lineOf(outcome, title, seconds)))
  }
  return lines
}

function lineOf(
  { name, counts, violations, skipped }: Outcome,
  title: string,
  seconds: number,
): Line {
  const numbers = new Counts()
  for (const fault of FAULTS) numbers.faults += counts[fault] ?? 0
  const told = Object.entries(counts).map(([what, count]) => `${what}: ${count}`)
  const notes = [
    ...(told.length > 0 ? [told.join(', ')] : []),
    ...skipped.map((what) => `skipped: ${what}`),
  ]
  return {
    name,
    title,
    cases: numbers.faults,
    counts: numbers,
    violations: violations.length,
    shown: violations,
    notes,
    seconds,
  }
}

async function runDefects(progress: (line: string) => void): Promise<Line> {
  progress('defects: the tests named after them')
  const began = performance.now()
  const test = 'test/defects.test.ts'
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const output = await outputOf(
    [vitest, 'run', test, '--reporter=json'],
    join(ROOT, 'packages/log'),
  )
  const report = JSON.parse(output) as TestReport
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = results.filter(({ status }) => status !== 'passed')
  return {
    name: 'defects',
    title: 'what other logs did wrong, by its number',
    cases: report.numTotalTests,
    counts: new Counts(),
    violations: failed.length,
    shown: failed.map(({ fullName, failureMessages }) => ({
      what: `${fullName}: ${failureMessages.join('; ')}`,
      replay: `pnpm --filter @walrus/log exec vitest run ${test}`,
    })),
    notes: [],
    seconds: (performance.now() - began) / 1000,
  }
}

/** What a program printed. That it failed is for what it printed to tell. */
async function outputOf(command: readonly string[], cwd: string): Promise<string> {
  const child = spawn(process.execPath, command, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const isReport = output.trim() !== '' && (code === 0 || code === 1)
  if (isReport) return output
  throw new Error(`${command.join(' ')} ended with ${code}: ${errors || output}`)
}
