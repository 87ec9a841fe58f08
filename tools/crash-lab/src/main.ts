/** The crash lab: shows that the log keeps its promises, or which one it does not, and how to see that again. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { WalrusError } from '@walrus/codec'
import { type Arguments, parseArguments, USAGE } from './arguments.ts'
import { replayKilling, searchKilling, siteNamed } from './killing.ts'
import { runLong } from './long.ts'
import { parsePlan } from './plan.ts'
import { Pool } from './pool.ts'
import { runPrograms } from './programs.ts'
import { ROWS } from './rows/index.ts'
import { runRows } from './run-rows.ts'
import { neutralise } from './sites/neutralise.ts'
import { type Line, notesOf, tableOf, violationsOf } from './table.ts'

function say(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`)
}

function progress(line: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

/** Prints what was found; whether every promise was kept. */
function told(lines: readonly Line[]): boolean {
  endProgress()
  say(tableOf(lines))
  say(notesOf(lines))
  say(violationsOf(lines))
  return lines.every(({ violations }) => violations === 0)
}

async function replaySites(pool: Pool, names: readonly string[]): Promise<boolean> {
  const { sites, killed, problems } = await replayKilling(pool, names, progress)
  endProgress()
  for (const problem of problems) say(`SITE ${problem}`)
  say(`sites: ${sites}, killed: ${killed}`)
  return problems.length === 0
}

/**
 * In a process of its own, without the flags that make the rows quick: an engine with a part left out may allocate
 * without end, and is then stopped by its worker's bound.
 */
async function replaySitesApart(): Promise<boolean> {
  const child = spawn(process.execPath, [process.argv[1]!, 'sites'], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

async function replay(pool: Pool, text: string, site: string | undefined): Promise<boolean> {
  const plan = String(parsePlan(text, ROWS).plan)
  const job = { plans: [plan], ...(site && { replacement: neutralise(siteNamed(site)) }) }
  let kept = true
  await pool.run([job], ({ violations, counts }) => {
    kept = violations.length === 0
    for (const violation of violations) say(`VIOLATION ${violation.what}\n  ${violation.plan}`)
    const numbers = Object.entries(counts).map(([name, count]) => `${name}: ${count}`)
    say(`${plan}: ${kept ? 'every promise kept' : 'not kept'}; ${numbers.join(', ')}`)
  })
  return kept
}

async function run(pool: Pool, given: Exclude<Arguments, { command: 'help' }>): Promise<boolean> {
  switch (given.command) {
    case 'run': {
      const runs = given.rows.map((row) => ({ row, plans: row.ciPlans() }))
      const lines = await runRows(pool, runs, progress)
      if (!given.whole) return told(lines)
      const kept = told([...lines, ...(await runPrograms(progress))])
      return (await replaySitesApart()) && kept
    }
    case 'replay':
      return await replay(pool, given.plan, given.site)
    case 'long':
      return told(await runLong(pool, given.rows, given.from, given.to, progress))
    case 'sites': {
      if (!given.search) return await replaySites(pool, given.sites)
      const survivors = await searchKilling(pool, given.sites, given.rows, given.seconds, progress)
      endProgress()
      for (const survivor of survivors) say(`SURVIVES ${survivor}`)
      return survivors.length === 0
    }
  }
}

let pool: Pool | undefined
try {
  const given = parseArguments(process.argv.slice(2), ROWS)
  if (given.command === 'help') say(USAGE)
  else {
    pool = new Pool()
    process.exitCode = (await run(pool, given)) ? 0 : 1
  }
} catch (error) {
  const isUsage = error instanceof WalrusError && error.code === 'WALRUS_INVALID_OPTION'
  const what = isUsage ? `${error.message}\n${USAGE}` : String((error as Error).stack ?? error)
  process.stderr.write(`crash lab: ${what}\n`)
  process.exitCode = isUsage ? 2 : 1
} finally {
  await pool?.close()
}
