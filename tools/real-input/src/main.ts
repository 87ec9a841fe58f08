/**
 * `real-input [FILE] [--dir D] [--rounds N] [--seed S]`: a real text through the command line, with kills.
 *
 * Without FILE the text is made from the installed npm packages. Without --dir everything happens in a temporary
 * directory, which stays where it is when something was wrong. Exit codes: 0 all equal, 1 a difference, 2 usage.
 */
import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CORPUS_BYTES, writeCorpus } from './corpus.ts'
import { Input } from './input.ts'
import { randomFrom } from './random.ts'
import { runRounds } from './rounds.ts'

const USAGE =
  'usage: real-input [FILE] [--dir EMPTY_DIRECTORY] [--rounds 1..1000] [--seed 0..4294967295]'
const NODE_MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

interface Arguments {
  readonly file: string | undefined
  readonly dir: string | undefined
  readonly rounds: number
  readonly seed: number
}

async function main({ file, dir, rounds, seed }: Arguments): Promise<void> {
  const given = file === undefined ? undefined : await Input.open(file)
  if (dir !== undefined) {
    await mkdir(dir, { recursive: true })
    if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty`)
  }
  const work = await mkdtemp(join(tmpdir(), 'walrus-real-input-'))
  const log = dir ?? join(work, 'log')
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  say(`seed ${seed}, log in ${log}`)
  const input = given ?? (await makeInput(join(work, 'input.txt')))
  await runRounds({ dir: log, input, rounds, random: randomFrom(seed), say })
  await input.close()
  await rm(work, { recursive: true })
  const megabytes = (input.bytes / 1e6).toFixed(1)
  say(
    `real input: ${rounds} rounds, ${rounds} kills, ${input.lines} lines, ${megabytes} MB, all equal`,
  )
}

async function makeInput(path: string): Promise<Input> {
  await writeCorpus(NODE_MODULES, path, CORPUS_BYTES)
  return Input.open(path)
}

function parse(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { dir: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string' } },
  })
  if (positionals.length > 1) throw new Error(`one file at a time, not ${positionals.length}`)
  return {
    file: pathOf(positionals[0]),
    dir: pathOf(values.dir),
    rounds: parseNumber('rounds', values.rounds ?? '5', 1, 1000),
    seed: parseNumber('seed', values.seed ?? String(randomInt(2 ** 32)), 0, 2 ** 32 - 1),
  }
}

/** A package manager starts scripts in its own directory and says in INIT_CWD where it was called. */
function pathOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? '.', path)
}

function parseNumber(name: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw new Error(`--${name} must be a whole number from ${least} to ${most}, not ${value}`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

let parsed: Arguments | undefined
try {
  parsed = parse(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`real input: ${messageOf(error)}\n${USAGE}\n`)
  process.exitCode = 2
}
if (parsed !== undefined) {
  try {
    await main(parsed)
  } catch (error) {
    process.stderr.write(`real input: FAILED with --seed ${parsed.seed}: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
