/**
 * `walrus retain`: removes the oldest segments, as far as the limits given let them go, and what was truncated away.
 *
 * With `--dry-run` it opens the log for reading, works beside a running writer, and changes nothing. What a running
 * writer's readers have claimed is known only to that writer, which holds the log while it runs.
 */
import { basename } from 'node:path'
import { Log, type RetentionPolicy, type RetentionReport } from '@walrus/log'
import { escapeText } from '../escape.ts'
import { formatBytes, formatTable, plural } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'

export interface RetainOptions {
  readonly dir: string
  readonly maxSegments?: number
  readonly maxBytes?: number
  readonly maxAge?: number
  readonly dryRun?: true
  readonly json?: true
}

export async function retain(options: RetainOptions): Promise<number> {
  const { dir, maxSegments, maxBytes, maxAge: maxAgeMs, dryRun = false } = options
  const policy: RetentionPolicy = {
    ...(maxSegments === undefined ? {} : { maxSegments }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  }
  // Opening for writing makes a log where there is none; there must be one.
  const reader = await Log.open(dir, { readOnly: true })
  let report: RetentionReport
  try {
    report = await reader.retain({ ...policy, dryRun: true })
  } finally {
    await reader.close()
  }
  if (!dryRun) {
    const log = await Log.open(dir)
    try {
      report = await log.retain(policy)
    } finally {
      await log.close()
    }
  }
  await print(options.json ? toJsonLine(report) : describe(report))
  return 0
}

function describe({ dryRun, segments, bytes, streams, kept }: RetentionReport): string {
  const rows: [string, string][] = segments.map(({ file, bytes: size }) => [
    dryRun ? 'would go' : 'removed',
    `${escapeText(basename(file))}, ${formatBytes(size)}`,
  ])
  for (const { stream, first, last } of streams) {
    const name = stream === '' ? 'entries' : `stream ${escapeText(stream)}`
    rows.push([name, `${first} to ${last} ${dryRun ? 'would go' : 'are gone'}`])
  }
  const total = `${plural(segments.length, 'segment', 'segments')}, ${formatBytes(bytes)}`
  const left = `${plural(kept.segments, 'segment', 'segments')}, ${formatBytes(kept.bytes)}`
  rows.push([dryRun ? 'would free' : 'freed', total], ['kept', left])
  return formatTable(rows)
}
