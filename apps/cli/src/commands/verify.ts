/**
 * `walrus verify`: the whole log read and checked, and a report.
 *
 * A torn tail is what a killed writer may leave: it was never acknowledged, and the next writer cuts it off. Every
 * damage is reported, not only the first; one that is corruption makes the exit code 3.
 */
import { verify as verifyLog, type VerifyReport } from '@walrus/log'
import { EXIT_CORRUPT, EXIT_FAILURE, isCorruption } from '../errors.ts'
import { escapeText } from '../escape.ts'
import { formatBytes, formatCount, formatTable, plural } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'
import { Progress } from '../progress.ts'

export interface VerifyOptions {
  readonly dir: string
  readonly json?: true
}

export async function verify(options: VerifyOptions): Promise<number> {
  const progress = new Progress('verifying')
  let report: VerifyReport
  try {
    report = await verifyLog(options.dir, {
      onProgress: (done, total) => progress.update(done, total),
    })
  } finally {
    progress.end()
  }
  await print(options.json ? toJsonLine(report) : describeReport(report))
  if (report.ok) return 0
  return report.damage.some(({ code }) => isCorruption(code)) ? EXIT_CORRUPT : EXIT_FAILURE
}

function describeReport(report: VerifyReport): string {
  const { firstIndex, lastIndex, torn } = report
  const range = lastIndex === 0 ? '' : `; indexes ${firstIndex} to ${lastIndex}`
  const rows: [string, string][] = [
    ['segments', formatCount(report.segments)],
    ['groups', formatCount(report.groups)],
    ['entries', `${formatCount(report.entries)}${range}`],
    ['checked', formatBytes(report.bytes)],
  ]
  if (torn !== undefined) {
    const where = `${escapeText(torn.file)} at byte ${torn.offset}`
    rows.push([
      'torn tail',
      `${where}: ${plural(torn.length, 'byte', 'bytes')} never written whole`,
    ])
  }
  for (const path of report.staleIndexes) {
    rows.push(['stale index', `${escapeText(path)}: will be rebuilt`])
  }
  for (const { file, offset, index, message, code } of report.damage) {
    const at = offset === undefined ? '' : ` at byte ${offset}`
    const from = index === undefined ? '' : `, index ${index}`
    rows.push(['damaged', escapeText(`${file}${at}${from}: ${message} (${code})`)])
  }
  const places = plural(report.damage.length, 'damaged place', 'damaged places')
  rows.push(['result', report.ok ? 'ok' : places])
  return formatTable(rows)
}
