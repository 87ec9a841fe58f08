/** The options of a log: their ranges, their defaults, and what is said of a wrong one. */

import { resolve } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { fd, type Storage } from '@walrus/segment'
import { type EntryFormat, MAX_JSON_ENTRY_BYTES } from './entry-format.ts'
import { type Logger, Watch } from './watch.ts'

/**
 * When an append is acknowledged:
 * - `'commit'`: once it is on disk; a power loss loses nothing that was acknowledged.
 * - `{ everyMs }`: once it is written; a killed process loses nothing, a power loss at most what the last `everyMs`
 *   milliseconds (1 to 60,000) brought, and what the sync then under way had not covered.
 * - `'none'`: as the interval, but the system decides when to sync; `appendSync` returns before the entry is
 *   written, and a killed process loses at most 256 KiB of entries, or what came since the event loop last turned.
 */
export type Durability = 'commit' | 'none' | { readonly everyMs: number }

/** What may go, by name. Nothing goes without one of the limits; each alone is reason enough. */
export interface RetentionPolicy {
  /** Keep at most this many segments, the one being written included: 1 or more. */
  readonly maxSegments?: number
  /** Keep at most this many bytes of segments, but always the one being written: 1 or more. */
  readonly maxBytes?: number
  /** Let segments go whose newest entry was committed more than this many milliseconds ago: 1 or more. */
  readonly maxAgeMs?: number
  /** Whether what a claim still needs may go, too. Default false. */
  readonly dropClaimed?: boolean
}

export interface LogOptions {
  /** Default `'commit'`. */
  readonly durability?: Durability
  /**
   * How entries are stored from now on: `'json'` as text that a person can read in the files, of about half as many
   * bytes again; default `'native'`. A log may be opened with the other one: each entry says how it stands there.
   */
  readonly format?: EntryFormat
  /** Size at which a segment is ended, in bytes: 64 KiB to 1 GiB, default 64 MiB. An entry may be larger. */
  readonly segmentBytes?: number
  /** The largest entry taken, in bytes: 1 to 1 GiB, with `format: 'json'` 768 MiB; by default all of that. */
  readonly maxEntryBytes?: number
  /**
   * How many bytes of entries may wait in memory for the disk: 64 KiB to 1 GiB, default 16 MiB. Beyond, `append`
   * waits before it takes more. A single larger entry or batch is taken when nothing else waits.
   */
  readonly bufferBytes?: number
  /** How many entries a transaction may have: 1 to 16,777,216, default 1,000. */
  readonly maxTransactionEntries?: number
  /** How long a transaction may stay open, in milliseconds: 1 to 2^31 - 1, default 30,000. */
  readonly transactionTimeoutMs?: number
  /** How often transactions that have stayed open too long are rolled back: 1 to 2^31 - 1 ms, default 300,000. */
  readonly transactionCleanupMs?: number
  /**
   * How many bytes of a transaction are kept in memory: 64 KiB to 1 GiB, default 64 MiB. One that is larger waits in a
   * file in the log's directory, and gets segments of its own.
   */
  readonly transactionMemoryBytes?: number
  /**
   * How many bytes of the indexes of ended segments may be kept in memory for reading: 1 MiB to 1 GiB, default 32 MiB.
   * One that is larger is kept alone while it is used.
   */
  readonly indexCacheBytes?: number
  /** Open for reading: beside a writer or alone, changing nothing on disk. Default false. */
  readonly readOnly?: boolean
  /**
   * Opens a damaged log, which is refused otherwise: it is read whole, ends before what is damaged, and
   * `log.recovery.salvaged` says what that was. For writing, what is left out goes to the folder `quarantine` in the
   * log's directory; for reading nothing is changed. Default false.
   */
  readonly salvage?: boolean
  /**
   * What may be removed in the background, as segments end. Default: nothing is, but what was truncated away. Register
   * claims (`Log.claim`) as soon as the log is open, before anything else is awaited.
   */
  readonly retention?: RetentionPolicy
  /** Whether every read checks the frame's checksum. Default true. */
  readonly verifyReads?: boolean
  /** Told what happens to the log, now and then: `console` or a pino logger, say. Default: nobody is. */
  readonly logger?: Logger
  /** Where the files are. Default `fd()`: plain `node:fs`. */
  readonly storage?: Storage
}

export interface ResolvedOptions {
  /** Absolute. */
  readonly dir: string
  readonly durability: Durability
  readonly format: EntryFormat
  readonly segmentBytes: number
  readonly maxEntryBytes: number
  readonly bufferBytes: number
  readonly maxTransactionEntries: number
  readonly transactionTimeoutMs: number
  readonly transactionCleanupMs: number
  readonly transactionMemoryBytes: number
  readonly indexCacheBytes: number
  readonly readOnly: boolean
  readonly salvage: boolean
  readonly verifyReads: boolean
  readonly storage: Storage
  readonly watch: Watch
  readonly retention: RetentionPolicy | undefined
}

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** name: least, most, default. */
const NUMBERS = {
  segmentBytes: [64 * KiB, GiB, 64 * MiB],
  maxEntryBytes: [1, GiB, GiB],
  bufferBytes: [64 * KiB, GiB, 16 * MiB],
  maxTransactionEntries: [1, 2 ** 24, 1000],
  transactionTimeoutMs: [1, 2 ** 31 - 1, 30_000],
  transactionCleanupMs: [1, 2 ** 31 - 1, 300_000],
  transactionMemoryBytes: [64 * KiB, GiB, 64 * MiB],
  indexCacheBytes: [MiB, GiB, 32 * MiB],
} as const

const NAMES = [
  ...Object.keys(NUMBERS),
  'durability',
  'format',
  'readOnly',
  'salvage',
  'verifyReads',
  'storage',
  'retention',
  'logger',
]

export function invalid(message: string): WalrusError {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}

/** A value as a message names it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** Refuses an options object that is none, or has a property not among `names`. */
export function checkNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`${what}: options must be an object, got ${show(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw invalid(`${what} has no option ${JSON.stringify(name)}; it has ${names.join(', ')}`)
  }
}

/** Refuses a number that is not an integer from `least` to `most`. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number
  }
  throw invalid(`${name} must be an integer from ${least} to ${most}, got ${show(value)}`)
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(`${name} must be true or false, got ${show(value)}`)
}

const LIMITS = ['maxSegments', 'maxBytes', 'maxAgeMs'] as const
export const POLICY_NAMES: readonly string[] = [...LIMITS, 'dropClaimed']

/** Refuses what is no policy; `what` names it. */
export function checkPolicy(
  what: string,
  policy: unknown,
  names: readonly string[] = POLICY_NAMES,
): RetentionPolicy {
  checkNames(what, policy, names)
  const given = policy as RetentionPolicy
  for (const name of LIMITS) {
    const { [name]: value } = given
    if (value !== undefined) checkInteger(`${what}.${name}`, value, 1, Number.MAX_SAFE_INTEGER)
  }
  if (given.dropClaimed !== undefined) checkBoolean(`${what}.dropClaimed`, given.dropClaimed)
  return given
}

function checkDurability(value: unknown): Durability {
  if (value === 'commit' || value === 'none') return value
  if (typeof value === 'object' && value !== null && 'everyMs' in value) {
    checkNames('durability', value, ['everyMs'])
    return { everyMs: checkInteger('durability.everyMs', value.everyMs, 1, 60_000) }
  }
  throw invalid(
    `durability must be 'commit', 'none' or { everyMs: 1 to 60000 }, got ${show(value)}`,
  )
}

function checkFormat(value: unknown): EntryFormat {
  if (value === 'native' || value === 'json') return value
  throw invalid(`format must be 'native' or 'json', got ${show(value)}`)
}

function checkStorage(value: unknown): Storage {
  const { lock, open, env } = (value ?? {}) as Partial<Storage>
  if (typeof lock === 'function' && typeof open === 'function' && env !== undefined) {
    return value as Storage
  }
  throw invalid(`storage must be a Storage, as fd() gives one, got ${show(value)}`)
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

function checkLogger(value: unknown): Logger | undefined {
  if (value === undefined) return undefined
  const given = value as Partial<Record<string, unknown>> | null
  if (LEVELS.every((level) => typeof given?.[level] === 'function')) return value as Logger
  throw invalid(`logger must have the functions ${LEVELS.join(', ')}, got ${show(value)}`)
}

/** The directory and the options of `Log.open`, checked, with the defaults filled in. */
export function resolveOptions(dir: unknown, options: LogOptions): ResolvedOptions {
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0')) {
    throw invalid(`the directory must be a non-empty path without NUL, got ${show(dir)}`)
  }
  checkNames('Log.open', options, NAMES)
  const format = checkFormat(options.format ?? 'native')
  const number = (name: keyof typeof NUMBERS, most: number = NUMBERS[name][1]): number => {
    const [least, , usual] = NUMBERS[name]
    const { [name]: value = Math.min(usual, most) } = options
    return checkInteger(name, value, least, most)
  }
  const { durability = 'commit', readOnly = false, verifyReads = true, storage = fd() } = options
  const checkedStorage = checkStorage(storage)
  // The log goes on in the same directory when the process moves to another.
  const path = resolve(dir)
  return {
    dir: path,
    durability: checkDurability(durability),
    format,
    segmentBytes: number('segmentBytes'),
    maxEntryBytes: number('maxEntryBytes', format === 'json' ? MAX_JSON_ENTRY_BYTES : GiB),
    bufferBytes: number('bufferBytes'),
    maxTransactionEntries: number('maxTransactionEntries'),
    transactionTimeoutMs: number('transactionTimeoutMs'),
    transactionCleanupMs: number('transactionCleanupMs'),
    transactionMemoryBytes: number('transactionMemoryBytes'),
    indexCacheBytes: number('indexCacheBytes'),
    readOnly: checkBoolean('readOnly', readOnly),
    salvage: checkBoolean('salvage', options.salvage ?? false),
    verifyReads: checkBoolean('verifyReads', verifyReads),
    storage: checkedStorage,
    watch: new Watch(path, checkedStorage.env, checkLogger(options.logger)),
    retention:
      options.retention === undefined ? undefined : checkPolicy('retention', options.retention),
  }
}
