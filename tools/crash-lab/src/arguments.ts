/** The command line. */

import { parseArgs } from 'node:util'
import { WalrusError } from '@walrus/codec'
import type { Row } from './plan.ts'

export const USAGE = `Usage: pnpm crash [--row ROW]...           all rows with the counts of a CI run
       pnpm crash --replay "PLAN" [--site SITE]   one case; with SITE left out of the engine
       pnpm crash:long --seeds FROM-TO [--row ROW]...
                                             seeds from FROM up to, and without, TO; resumes
       pnpm crash sites [--search [--seconds N]] [--site SITE]...
                                             replays, or looks for, the plans that kill each site
A plan is a row and what it takes: crash seed=815 call=17 loss=tail
Exit codes: 0 every promise kept, 1 a violation, 2 usage.`

export type Arguments =
  | { readonly command: 'run'; readonly rows: readonly Row[]; readonly whole: boolean }
  | { readonly command: 'replay'; readonly plan: string; readonly site: string | undefined }
  | {
      readonly command: 'long'
      readonly rows: readonly Row[]
      readonly from: number
      readonly to: number
    }
  | {
      readonly command: 'sites'
      readonly sites: readonly string[]
      readonly search: boolean
      /** How long to search for each site. */
      readonly seconds: number
    }
  | { readonly command: 'help' }

const OPTIONS = {
  row: { type: 'string', multiple: true },
  replay: { type: 'string' },
  seeds: { type: 'string' },
  search: { type: 'boolean' },
  seconds: { type: 'string' },
  site: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const

type OptionName = keyof typeof OPTIONS

/** What each command takes. */
const TAKES: Readonly<Record<string, readonly OptionName[]>> = {
  run: ['row', 'replay', 'site'],
  long: ['row', 'seeds'],
  sites: ['search', 'seconds', 'site'],
}

/** @throws `WALRUS_INVALID_OPTION` */
export function parseArguments(args: readonly string[], rows: readonly Row[]): Arguments {
  const { values, positionals } = parsed(args)
  if (values.help === true) return { command: 'help' }
  const [command = 'run', ...more] = positionals
  if (!Object.hasOwn(TAKES, command)) throw wrong(`there is no command ${JSON.stringify(command)}`)
  if (more.length > 0) throw wrong(`what is ${JSON.stringify(more[0])}?`)
  for (const name of Object.keys(values) as OptionName[]) {
    if (!TAKES[command]!.includes(name)) throw wrong(`${command} takes no --${name}`)
  }
  const { row: names = [], site: sites = [], replay, search = false } = values
  const chosen = rowsNamed(names, rows)
  if (command === 'sites') {
    if (values.seconds !== undefined && !search) throw wrong('--seconds needs --search')
    return { command, search, sites, seconds: secondsOf(values.seconds) }
  }
  if (command === 'long') return { command, rows: chosen, ...rangeOf(values.seeds) }
  if (replay === undefined) {
    if (sites.length > 0) throw wrong('--site needs --replay, or the command sites')
    return { command: 'run', rows: chosen, whole: names.length === 0 }
  }
  if (names.length > 0) throw wrong('a plan names its row: --replay takes no --row')
  if (sites.length > 1) throw wrong('--replay takes one --site')
  return { command: 'replay', plan: replay, site: sites[0] }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (cause) {
    throw new WalrusError('WALRUS_INVALID_OPTION', (cause as Error).message, { cause })
  }
}

function rowsNamed(names: readonly string[], rows: readonly Row[]): readonly Row[] {
  if (names.length === 0) return rows
  return names.map((name) => {
    const row = rows.find((each) => each.name === name)
    if (row !== undefined) return row
    const known = rows.map((each) => each.name).join(', ')
    throw wrong(`there is no row ${JSON.stringify(name)}: it is one of ${known}`)
  })
}

function secondsOf(text = '120'): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw wrong(`--seconds must be a whole number from 1 to 99999; got ${JSON.stringify(text)}`)
}

function rangeOf(text: string | undefined): { from: number; to: number } {
  const [, from, to] = /^(\d{1,10})-(\d{1,10})$/.exec(text ?? '') ?? []
  const range = { from: Number(from), to: Number(to) }
  if (from === undefined || range.from >= range.to || range.to > 2 ** 32) {
    const got = text === undefined ? 'nothing' : JSON.stringify(text)
    throw wrong(`--seeds must be FROM-TO, with FROM below TO and TO at most 2^32; got ${got}`)
  }
  return range
}

function wrong(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}
