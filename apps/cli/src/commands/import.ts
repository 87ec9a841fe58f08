/**
 * `walrus import`: the data of an earlier system, brought into a directory of ours.
 *
 * What is torn or damaged is told on standard error as it is found, whatever becomes of the import.
 */
import { constants } from 'node:os'
import { type Finding, importDirectory, type SourceFormat } from '@walrus/import'
import { escapeText } from '../escape.ts'
import { formatBytes, formatTable, plural } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'
import { Progress } from '../progress.ts'
import { stopOnSignals } from '../signals.ts'

export interface ImportOptions {
  readonly dir: string
  readonly from: 'auto' | SourceFormat
  readonly salvage?: true
  readonly json?: true
}

const RECORDS = {
  go: ['entry', 'entries'],
  rust: ['entry', 'entries'],
  kv: ['change', 'changes'],
} as const

export async function importInto(options: ImportOptions, ...given: string[]): Promise<number> {
  const [source = ''] = given
  const { dir, from, salvage = false } = options
  const stop = new AbortController()
  const stopped = stopOnSignals(stop)
  const progress = new Progress('importing')
  try {
    const report = await importDirectory(source, dir, {
      ...(from !== 'auto' && { from }),
      salvage,
      signal: stop.signal,
      onProgress: ({ read, total }) => progress.update(read, total),
      onFinding: (finding) => {
        process.stderr.write(`walrus: ${escapeText(describeFinding(finding))}\n`)
      },
    })
    progress.end()
    const { format, records, bytes, resumed } = report
    const [one, many] = RECORDS[format]
    const rows: [string, string][] = [
      ['format', format],
      ['imported', `${plural(records, one, many)}, ${formatBytes(bytes)}`],
      ['into', escapeText(dir)],
    ]
    if (resumed) rows.push(['went on', 'where an import of it had stopped, or ended'])
    const { findingCount } = report
    if (findingCount > 0) rows.push(['left out', plural(findingCount, 'place', 'places')])
    await print(options.json ? toJsonLine(report) : formatTable(rows))
    return 0
  } catch (error) {
    progress.end()
    const signal = stopped()
    if (signal === undefined || (error as Error).name !== 'AbortError') throw error
    process.stderr.write(`walrus: ${signal}: the same command goes on where this one stopped\n`)
    return 128 + constants.signals[signal]
  }
}

function describeFinding({ kind, file, offset, bytes, what }: Finding): string {
  const left = bytes === 0 ? '' : `; ${plural(bytes, 'byte', 'bytes')} left out`
  return `${kind}: ${file} at byte ${offset}: ${what}${left}`
}
