/** The options of topics: their ranges, their defaults, and what is said of a wrong one. */

import type { LogOptions } from '@walrus/log'
import { checkInteger, checkNames, LATEST_MS, show } from './checks.ts'
import { invalid } from './errors.ts'
import { checkTopicRetention, type TopicRetention } from './retention-policy.ts'

/**
 * When what a cursor has read is on disk as read:
 * - `'strict'`: before the next entry (or batch) is handed over; after a crash at most the last one comes again.
 * - `{ persistEvery, everyMs }`: after a crash at most `persistEvery` entries come again (1 to 1,000,000), or the last
 *   batch where that is larger. `everyMs` (1 to 2^31 - 1, default 1,000) bounds how long a cursor that is not read on
 *   may be behind.
 */
export type Consistency = 'strict' | { readonly persistEvery: number; readonly everyMs?: number }

/** What producers are remembered for, in each topic. */
export interface ProducerWindow {
  /** How many producers a topic remembers, those that were heard last: 1 to 1,000,000, default 1,000. */
  readonly producers?: number
  /** How long one is remembered that is not heard, in milliseconds: 1 to 2^53 - 1, default 24 hours. */
  readonly ageMs?: number
}

/** What is said of the log that topics open themselves; see `LogOptions`. */
type OwnLogOptions = Omit<LogOptions, 'retention' | 'maxTransactionEntries'>

export interface TopicsOptions extends OwnLogOptions {
  /**
   * The instance: a folder of its own in the data directory. Default: the environment variable `WALRUS_INSTANCE_KEY`,
   * unless a directory is given; without either the data directory itself.
   */
  readonly key?: string
  /** Default `'strict'`. */
  readonly consistency?: Consistency
  /** How many entries a batch may have: 1 to 16,777,216, default 2,000. */
  readonly maxBatchEntries?: number
  /** How many bytes the entries of a batch may have: 1 to 2^53 - 1, default 10 GiB. */
  readonly maxBatchBytes?: number
  /** How often is looked for what all cursors of a topic have passed: 1 to 2^31 - 1 ms, default 1,000. */
  readonly reclaimEveryMs?: number
  /** What may go besides, by the name of the topic. */
  readonly retention?: Readonly<Record<string, TopicRetention>>
  readonly producerWindow?: ProducerWindow
}

export interface ResolvedOptions {
  /** Entries that may come again; 1 when the checkpoint of each must be durable before the next one. */
  readonly persistEvery: number
  readonly everyMs: number | undefined
  readonly maxBatchEntries: number
  readonly maxBatchBytes: number
  readonly reclaimEveryMs: number
  readonly retention: ReadonlyMap<string, TopicRetention>
  readonly producers: number
  readonly producerAgeMs: number
}

const OWN_NAMES = [
  'key',
  'consistency',
  'maxBatchEntries',
  'maxBatchBytes',
  'reclaimEveryMs',
  'retention',
  'producerWindow',
]
const LOG_NAMES = [
  'durability',
  'segmentBytes',
  'maxEntryBytes',
  'bufferBytes',
  'transactionTimeoutMs',
  'transactionCleanupMs',
  'transactionMemoryBytes',
  'readOnly',
  'salvage',
  'verifyReads',
  'logger',
  'storage',
]

/**
 * The options of `Topics.open`, checked, with the defaults filled in; and those for the log it opens.
 * @param isGiven whether the log is given, so that nothing can be said of it
 */
export function resolveOptions(
  options: TopicsOptions,
  isGiven: boolean,
): { resolved: ResolvedOptions; logOptions: LogOptions } {
  checkNames(
    'Topics.open',
    options,
    isGiven ? OWN_NAMES.filter((name) => name !== 'key') : [...OWN_NAMES, ...LOG_NAMES],
  )
  const {
    key: _key,
    consistency = 'strict',
    maxBatchEntries = 2_000,
    maxBatchBytes = 10 * 2 ** 30,
    reclaimEveryMs = 1_000,
    retention = {},
    producerWindow = {},
    ...logOptions
  } = options
  checkNames('producerWindow', producerWindow, ['producers', 'ageMs'])
  const { producers = 1_000, ageMs = 86_400_000 } = producerWindow
  const resolved = {
    ...checkConsistency(consistency),
    maxBatchEntries: checkInteger('maxBatchEntries', maxBatchEntries, 1, 2 ** 24),
    maxBatchBytes: checkInteger('maxBatchBytes', maxBatchBytes, 1, Number.MAX_SAFE_INTEGER),
    reclaimEveryMs: checkInteger('reclaimEveryMs', reclaimEveryMs, 1, LATEST_MS),
    retention: checkRetention(retention),
    producers: checkInteger('producerWindow.producers', producers, 1, 1_000_000),
    producerAgeMs: checkInteger('producerWindow.ageMs', ageMs, 1, Number.MAX_SAFE_INTEGER),
  }
  // A batch may be committed as a transaction: its limit is that of batches.
  return { resolved, logOptions: { ...logOptions, maxTransactionEntries: 2 ** 24 } }
}

function checkConsistency(value: unknown): Pick<ResolvedOptions, 'persistEvery' | 'everyMs'> {
  if (value === 'strict') return { persistEvery: 1, everyMs: undefined }
  if (typeof value === 'object' && value !== null && 'persistEvery' in value) {
    checkNames('consistency', value, ['persistEvery', 'everyMs'])
    const { persistEvery, everyMs = 1_000 } = value as { persistEvery: unknown; everyMs?: unknown }
    return {
      persistEvery: checkInteger('consistency.persistEvery', persistEvery, 1, 1_000_000),
      everyMs: checkInteger('consistency.everyMs', everyMs, 1, LATEST_MS),
    }
  }
  throw invalid(
    `consistency must be 'strict' or { persistEvery: 1 to 1000000 }, got ${show(value)}`,
  )
}

function checkRetention(value: unknown): ReadonlyMap<string, TopicRetention> {
  if (typeof value !== 'object' || value === null) {
    throw invalid(`retention must be an object, by names of topics, got ${show(value)}`)
  }
  return new Map(
    Object.entries(value).map(([topic, policy]) => [
      topic,
      checkTopicRetention(`retention of ${JSON.stringify(topic)}`, policy),
    ]),
  )
}
