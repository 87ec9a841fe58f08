/** A directory of one of the earlier systems, imported: the public face of the package. */

import { Kv } from '@walrus/kv'
import { Log, type LogOptions } from '@walrus/log'
import { Topics } from '@walrus/topics'
import { copy, type Progress, progressOf, type Sink } from './copy.ts'
import { type Finding, Findings } from './findings.ts'
import { readGoLog } from './go-log.ts'
import { firstIndexOf, PlainLogSink } from './into-log.ts'
import { KvSink } from './into-kv.ts'
import { TopicsSink } from './into-topics.ts'
import { readKvStore } from './kv-store.ts'
import { RustTopics } from './rust-topics.ts'
import type { SourceEntry } from './source.ts'
import { SourceFile } from './source-file.ts'
import { lookInto, type SourceDirectory, type SourceFormat } from './source-directory.ts'

export interface ImportOptions {
  /** The system that wrote the source. Default: found out by the names of its files. */
  readonly from?: SourceFormat
  /** Leaves damage out, and goes on behind it, instead of stopping there. Default false. */
  readonly salvage?: boolean
  /** Ends the import at the next commit; another one goes on there. */
  readonly signal?: AbortSignal
  /** Told at each commit, about every mebibyte. */
  readonly onProgress?: (progress: ImportProgress & SourceProgress) => void
  /** Told of each torn end and each damage, as it is found. */
  readonly onFinding?: (finding: Finding) => void
  /** Of the log that is filled. */
  readonly log?: Pick<LogOptions, 'segmentBytes' | 'storage'>
}

export interface ImportProgress {
  readonly format: SourceFormat
  /** Entries, or changes of keys, that are in; from the beginning, also of an import that goes on. */
  readonly records: number
  /** Bytes of their data. */
  readonly bytes: number
}

/** How far the source has been read. */
export interface SourceProgress {
  /** Bytes of its files that have been read, holes included. */
  readonly read: number
  /** Bytes of its files in all. */
  readonly total: number
}

export interface ImportReport extends ImportProgress {
  /** Whether it went on where another one had stopped, or had ended. */
  readonly resumed: boolean
  /** What was left out: at most the first 1,000, of this run. */
  readonly findings: readonly Finding[]
  /** How many there were. */
  readonly findingCount: number
}

/**
 * Imports a directory that the Go log, the Rust topic log or the Go key-value store wrote. Everything is checked that
 * has a checksum; the source is never written to. Memory stays below some tens of MB, besides twice the largest entry.
 *
 * Nothing of it can be lost halfway: an import that was stopped, by an error, its signal or the end of the process,
 * goes on where it was when it is called again with the same directories.
 *
 * @param source the directory; of the Rust system, that of one instance
 * @param into the directory of the log, which must not exist, be empty, or hold an import of this source
 * @throws `WALRUS_NOT_A_SOURCE`, `WALRUS_NOT_FOUND`, `WALRUS_NOT_A_DIRECTORY`, `WALRUS_NOT_A_FILE`: nothing was made
 * @throws `WALRUS_CORRUPT`: naming file and offset; what is before it has been imported
 * @throws `WALRUS_NOT_EMPTY`: the log holds something else
 * @throws `WALRUS_INDEX_GAP`: entries between two that are there are missing (only with `salvage`)
 * @throws `WALRUS_SOURCE_CHANGED`: somebody writes to the source
 * @throws `WALRUS_IO`, the error of the signal, and what opening and committing to a log throw
 */
export async function importDirectory(
  source: string,
  into: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const directory = await lookInto(source, options.from)
  const findings = new Findings(options.salvage ?? false, options.onFinding)
  const { resumed, progress } = await INTO[directory.format](directory, into, options, findings)
  const { format, records, bytes } = progress
  return {
    format,
    records,
    bytes,
    resumed,
    findings: findings.list,
    findingCount: findings.count,
  }
}

interface Outcome {
  readonly resumed: boolean
  readonly progress: Progress
}

/** Imports a directory that was looked into. */
type Into = (
  source: SourceDirectory,
  into: string,
  options: ImportOptions,
  findings: Findings,
) => Promise<Outcome>

const INTO: Record<SourceFormat, Into> = { go: goInto, rust: rustInto, kv: kvInto }

async function goInto(
  source: SourceDirectory,
  into: string,
  options: ImportOptions,
  findings: Findings,
): Promise<Outcome> {
  // A log that is made begins with the index of the first entry, and one that is there does already.
  const first = await firstOf(readGoLog(source, undefined, new Findings(findings.salvage)))
  const firstIndex = first === undefined ? 1 : firstIndexOf(first)
  return await fill({ source, into, firstIndex }, options, async (log, begun, run) => {
    return await run(readGoLog(source, begun.place, findings), new PlainLogSink(log.nextIndex))
  })
}

async function rustInto(
  source: SourceDirectory,
  into: string,
  options: ImportOptions,
  findings: Findings,
): Promise<Outcome> {
  return await fill({ source, into }, options, async (log, begun, run) => {
    const topics = await Topics.open(log)
    try {
      const rust = new RustTopics(source, findings)
      return await run(rust.entries(begun.place), new TopicsSink(topics, rust))
    } finally {
      await topics.close()
    }
  })
}

async function kvInto(
  source: SourceDirectory,
  into: string,
  options: ImportOptions,
  findings: Findings,
): Promise<Outcome> {
  return await fill({ source, into }, options, async (log, begun, run) => {
    const kv = await Kv.open(log, { keyEncoding: 'bytes', valueEncoding: 'bytes' })
    try {
      return await run(readKvStore(source, begun.place, findings), new KvSink(kv))
    } finally {
      await kv.close()
    }
  })
}

interface Target {
  readonly source: SourceDirectory
  readonly into: string
  readonly firstIndex?: number
}

type Run = <T>(records: AsyncIterable<SourceEntry<T>>, sink: Sink<T>) => Promise<Progress>

async function fill(
  { source, into, ...begins }: Target,
  { signal, onProgress = () => {}, log: given }: ImportOptions,
  bring: (log: Log, begun: Progress, run: Run) => Promise<Progress>,
): Promise<Outcome> {
  const log = await Log.open(into, { ...given, ...begins, durability: 'none' })
  try {
    const begun = await progressOf(log, source)
    const resumed = begun.place !== undefined || begun.done
    if (begun.done) return { resumed, progress: begun }
    const sizes = await sizesOf(source)
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    const tell = ({ format, records, bytes, place }: Progress): void => {
      const before = [...sizes].filter(([number]) => number < (place?.file ?? 0))
      const read = before.reduce((sum, [, size]) => sum + size, place?.offset ?? 0)
      onProgress({ format, records, bytes, read, total })
    }
    const run: Run = (records, sink) => copy(log, begun, records, sink, { signal, tell })
    return { resumed, progress: await bring(log, begun, run) }
  } finally {
    await log.close()
  }
}

async function sizesOf({ files }: SourceDirectory): Promise<Map<number, number>> {
  const sizes = new Map<number, number>()
  for (const { path, number } of files) {
    const file = await SourceFile.open(path)
    sizes.set(number, file.size)
    await file.close()
  }
  return sizes
}

async function firstOf<T>(records: AsyncIterable<SourceEntry<T>>): Promise<T | undefined> {
  for await (const { record } of records) return record
  return undefined
}
