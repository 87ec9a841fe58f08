/** The command line: `pnpm bench targets [--only TEXT] [--runs N] [--bulk-mib N] [--json FILE] [--dir DIRECTORY]`. */

import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { conditions } from './conditions.ts'
import { defaultParent } from './directories.ts'
import { measure } from './measure.ts'
import {
  conditionLines,
  type Result,
  type SubjectSummary,
  subjectTable,
  summarize,
  summary,
  targetTable,
} from './report.ts'
import { SYNC_LOOP, subjectsOf } from './target.ts'
import { TARGETS } from './targets.ts'
import type { Sizes } from './workload.ts'

const LEAST_RUNS = 5
const BULK_MIB = 4096

const USAGE = `usage: pnpm bench targets [options]

  --only TEXT      only the paths whose name contains TEXT
  --runs N         counted runs of each subject, at least and by default ${LEAST_RUNS}
  --bulk-mib N     MiB to write before the one sync, on the paths that do so; by default ${BULK_MIB}
  --json FILE      write every figure of every run to FILE
  --dir DIRECTORY  where the data goes; by default a temporary folder on the filesystem of the working directory

paths:
${TARGETS.map(({ path }) => `  ${path}`).join('\n')}
`

class UsageError extends Error {}

interface Arguments {
  readonly only: string
  readonly runs: number
  readonly sizes: Sizes
  readonly json: string | undefined
  readonly dir: string | undefined
}

function parse(argv: readonly string[]): Arguments {
  let parsed: ReturnType<typeof parseRaw>
  try {
    parsed = parseRaw(argv)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  if (positionals.length !== 1 || positionals[0] !== 'targets') {
    throw new UsageError(`no such bench: ${positionals.join(' ') || '(none given)'}`)
  }
  const runs = wholeNumber('runs', values.runs, LEAST_RUNS)
  const bulkBytes = wholeNumber('bulk-mib', values['bulk-mib'], 1) * 2 ** 20
  const { json, dir } = values
  return { only: values.only.toLowerCase(), runs, sizes: { bulkBytes }, json, dir }
}

function wholeNumber(option: string, value: string, least: number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new UsageError(`--${option} must be a whole number of at least ${least}, not ${value}`)
}

function parseRaw(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      runs: { type: 'string', default: String(LEAST_RUNS) },
      'bulk-mib': { type: 'string', default: String(BULK_MIB) },
      json: { type: 'string' },
      dir: { type: 'string' },
    },
  })
}

function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`)
}

async function targets({ only, runs, sizes, json, dir }: Arguments): Promise<number> {
  const chosen = TARGETS.filter(({ path }) => path.toLowerCase().includes(only))
  if (chosen.length === 0) throw new UsageError(`no path contains "${only}"`)

  const directory = mkdtempSync(join(resolve(dir ?? (await defaultParent())), 'walrus-bench-'))
  const clean = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('exit', clean)
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => process.exit(code))
  }

  const at = await conditions(directory)
  const deviceSync = async (): Promise<SubjectSummary> => {
    const options = { directory, runs: 1, sizes, onProgress: progress }
    const [device] = (await measure([SYNC_LOOP], options)).values()
    if (device === undefined) throw new Error('the C loop has neither samples nor a reason')
    return summary(device)
  }
  const before = await deviceSync()
  const results: Result[] = []
  for (const [i, target] of chosen.entries()) {
    const onProgress = (what: string): void =>
      progress(`[${i + 1}/${chosen.length}] ${target.path}: ${what}`)
    results.push(
      summarize(target, await measure(subjectsOf(target), { directory, runs, sizes, onProgress })),
    )
  }
  const device = [before, await deviceSync()]
  progress('')

  process.stdout.write(`${conditionLines(at, device)}\n`)
  process.stdout.write(`${targetTable(results, runs)}\n${subjectTable(results)}`)
  if (json !== undefined) {
    await writeFile(
      json,
      `${JSON.stringify({ conditions: at, device, runs, sizes, results }, null, 2)}\n`,
    )
  }
  const failed = results.some(({ subjects }) =>
    Object.values(subjects).some((one) => 'missing' in one && one.failed),
  )
  return failed ? 1 : 0
}

try {
  process.exitCode = await targets(parse(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
