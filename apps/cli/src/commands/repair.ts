/**
 * `walrus repair`: leaves out of a damaged log what is damaged and all behind it, so that it opens again.
 *
 * Without `--yes` it only says what it would do. Nothing is deleted: what is left out goes to the folder `quarantine`
 * in the log's directory. A log that is whole is not touched.
 */
import { type RepairReport, repair as repairLog, type SalvageReport } from '@walrus/log'
import { EXIT_CORRUPT } from '../errors.ts'
import { escapeText } from '../escape.ts'
import { formatTable } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'

export interface RepairOptions {
  readonly dir: string
  readonly yes?: true
  readonly json?: true
}

export async function repair(options: RepairOptions): Promise<number> {
  const { dir, yes = false, json } = options
  const { salvaged, quarantined } = await repairLog(dir, { dryRun: !yes })
  const done = yes && salvaged !== undefined
  const text = json
    ? toJsonLine({ damaged: salvaged !== undefined, done, salvaged: salvaged ?? null, quarantined })
    : describe(salvaged, quarantined, done)
  await print(text)
  return salvaged === undefined || done ? 0 : EXIT_CORRUPT
}

function describe(
  salvaged: SalvageReport | undefined,
  quarantined: RepairReport['quarantined'],
  done: boolean,
): string {
  if (salvaged === undefined) return 'the log is whole; nothing to repair\n'
  const { code, message, file, offset, firstLost, lastLost } = salvaged
  const rows: [string, string][] = [
    ['damaged', escapeText(`${message} (${code})`)],
    [done ? 'ends now' : 'would end', `${escapeText(file)} at byte ${offset}`],
    [done ? 'lost' : 'would lose', describeLost(firstLost, lastLost)],
    ...quarantined.map((path): [string, string] => ['kept in', escapeText(path)]),
  ]
  if (!done) rows.push(['result', 'nothing was changed. Add --yes to do it'])
  return formatTable(rows)
}

function describeLost(first: number, last: number | undefined): string {
  if (last === undefined) return `no entry of the plain log; ${first} comes next`
  return first === last ? `entry ${first}` : `entries ${first} to ${last}`
}
