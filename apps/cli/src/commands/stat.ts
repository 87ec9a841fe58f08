/**
 * `walrus stat`: what a log holds, how far it is durable, and who writes to it.
 *
 * Opened read-only, so it changes nothing: beside a writer it shows what that has made durable, beside none what the
 * next writer would find.
 */
import { readdir, stat as statFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LogStats, Log, type RecoveryReport } from '@walrus/log'
import { fd, type Holder } from '@walrus/segment'
import { escapeText } from '../escape.ts'
import { formatBytes, formatCount, formatTable, plural } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'
import { type Gauge, toPrometheus } from '../prometheus.ts'

export interface StatOptions {
  readonly dir: string
  readonly json?: true
  readonly prometheus?: true
}

interface Facts {
  readonly dir: string
  readonly entries: number
  readonly firstIndex: number
  readonly lastIndex: number
  readonly streams: number
  readonly segments: number
  /** Bytes of all files in the directory, what was written ahead and set aside included. */
  readonly bytes: number
  readonly marks: LogStats['marks']
  /** Who is writing. */
  readonly writer: Holder | null
  /** Whether the next writer has to recover the log: its last one did not close it. */
  readonly recoveryNeeded: boolean
  /** What a write that never finished has left behind the end. */
  readonly torn: NonNullable<RecoveryReport['torn']> | null
}

export async function stat(options: StatOptions): Promise<number> {
  const facts = await gather(options.dir)
  if (options.prometheus) await print(toPrometheus(gaugesOf(facts)))
  else await print(options.json ? toJsonLine(facts) : describeFacts(facts))
  return 0
}

function gaugesOf(facts: Facts): Gauge[] {
  const { dir, marks, writer } = facts
  const gauge = (name: string, help: string, value: number): Gauge => {
    return { name, help, samples: [{ labels: { dir }, value }] }
  }
  return [
    gauge('walrus_entries', 'Entries of the plain log.', facts.entries),
    gauge('walrus_first_index', 'First index of the plain log, 0 when empty.', facts.firstIndex),
    gauge('walrus_last_index', 'Last index of the plain log, 0 when empty.', facts.lastIndex),
    gauge('walrus_streams', 'Named streams.', facts.streams),
    gauge('walrus_segments', 'Segment files.', facts.segments),
    gauge('walrus_disk_bytes', 'Bytes of all files in the directory.', facts.bytes),
    {
      name: 'walrus_lsn',
      help: 'LSN after the last frame that is sequenced, written, durable.',
      samples: Object.entries(marks).map(([mark, value]) => ({ labels: { dir, mark }, value })),
    },
    gauge('walrus_writer_up', 'Whether a process is writing to it.', writer === null ? 0 : 1),
    gauge(
      'walrus_recovery_needed',
      'Whether the last writer did not close it.',
      facts.recoveryNeeded ? 1 : 0,
    ),
  ]
}

async function gather(dir: string): Promise<Facts> {
  const log = await Log.open(dir, { readOnly: true })
  try {
    const { firstIndex, lastIndex, streams, segments, marks } = log.stats()
    const writer = (await fd().locked(dir)) ?? null
    return {
      dir,
      entries: lastIndex === 0 ? 0 : lastIndex - firstIndex + 1,
      firstIndex,
      lastIndex,
      streams,
      segments,
      bytes: await bytesBelow(dir),
      marks,
      writer,
      recoveryNeeded: writer === null && !log.recovery.clean,
      torn: log.recovery.torn ?? null,
    }
  } finally {
    await log.close()
  }
}

async function bytesBelow(dir: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += await sizeOf(join(entry.parentPath, entry.name))
  }
  return bytes
}

/** A file that a writer has removed since it was listed takes no space. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await statFile(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

function describeFacts(facts: Facts): string {
  const { entries, firstIndex, lastIndex, marks, streams } = facts
  const range = entries === 0 ? '' : `, ${firstIndex} to ${lastIndex}`
  return formatTable([
    ['directory', escapeText(facts.dir)],
    ['entries', `${formatCount(entries)}${range}`],
    ['named streams', formatCount(streams)],
    ['segments', formatCount(facts.segments)],
    ['on disk', formatBytes(facts.bytes)],
    ['durable', `before LSN ${marks.durable}`],
    ['writer', describeWriter(facts.writer)],
    ['recovery', describeRecovery(facts)],
  ])
}

function describeWriter(writer: Holder | null): string {
  if (writer === null) return 'none'
  const since = new Date(writer.since).toISOString()
  return `process ${writer.pid} on ${escapeText(writer.host)} since ${since}`
}

function describeRecovery({ recoveryNeeded, torn }: Facts): string {
  if (!recoveryNeeded) return 'not needed'
  const left =
    torn === null
      ? ''
      : `; ${plural(torn.length, 'byte', 'bytes')} at ${escapeText(torn.file)}:${torn.offset} were never written whole`
  return `needed: the last writer did not close the log${left}`
}
