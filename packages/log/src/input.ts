/** What callers hand to a log: payloads and the options of one call, checked. */

import { WalrusError } from '@walrus/codec'
import {
  type EncodedAttributes,
  type Environment,
  encodeAttributes,
  MAX_TRANSACTION_ID_BYTES,
} from '@walrus/segment'
import type { NewEntry } from './new-entry.ts'
import type { Place } from './admission.ts'
import { AbortError } from './errors.ts'
import { checkInteger, checkNames, invalid } from './options.ts'

/** Bytes, or text that is stored as UTF-8. May be empty. */
export type Payload = Uint8Array | string

/** What can be kept with an entry, for interchange with other logs. Costs nothing when not given. */
export interface EntryAttributes {
  /** 0 to 2^64 - 1. */
  readonly term?: bigint
  /** Nanoseconds since the Unix epoch, -2^63 to 2^63 - 1. */
  readonly timestamp?: bigint
  /** At most 1,024 bytes of UTF-8. */
  readonly transactionId?: string
}

/** An entry of a batch with attributes of its own. */
export interface EntryInput extends EntryAttributes {
  readonly data: Payload
}

/** How long a call may wait. */
export interface WaitOptions {
  /** Gives up waiting when aborted. What has been sequenced by then is appended all the same. */
  readonly signal?: AbortSignal
  /** Gives up waiting after this many milliseconds, 1 to 2^31 - 1, with `WALRUS_TIMEOUT`. */
  readonly timeoutMs?: number
}

export interface AppendOptions extends EntryAttributes, WaitOptions {}

export const ATTRIBUTES: readonly string[] = ['term', 'timestamp', 'transactionId']
const WAITING = ['signal', 'timeoutMs']
const LONE_SURROGATE = /\p{Surrogate}/u
const MAX_TERM = 2n ** 64n - 1n
const MAX_TIMESTAMP = 2n ** 63n - 1n

/** A payload's bytes. */
export function toBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) {
    if (data.length === 0 && isDetached(data.buffer)) {
      throw invalid(
        "an entry's memory has been taken away (transferred, or unmapped): it is empty now",
      )
    }
    return data
  }
  if (typeof data === 'string') {
    // It would come back as another string.
    if (LONE_SURROGATE.test(data))
      throw invalid('text must be well-formed Unicode; give bytes instead')
    return Buffer.from(data)
  }
  const got = data === null ? 'null' : typeof data
  throw invalid(`an entry must be a Uint8Array or a string, got ${got}`)
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).buffer !== buffer
  } catch {
    return true
  }
}

export function checkSize(bytes: number, most: number): void {
  if (bytes <= most) return
  throw tooLarge(`an entry of ${bytes} bytes is larger than maxEntryBytes, ${most}`)
}

export function tooLarge(what: string): WalrusError {
  return new WalrusError('WALRUS_ENTRY_TOO_LARGE', `${what}; ${NOTHING}`)
}

/** The options of an append, its attributes encoded. */
export function checkAppendOptions(options: AppendOptions): EncodedAttributes | undefined {
  checkNames('append', options, [...ATTRIBUTES, ...WAITING])
  checkWait(options)
  return checkAttributes(options)
}

/** An element of a batch: its bytes and its attributes. */
function checkBatchEntry(entry: unknown): NewEntry {
  if (typeof entry !== 'object' || entry === null || entry instanceof Uint8Array) {
    return { bytes: toBytes(entry), attributes: undefined }
  }
  checkNames('an entry of a batch', entry, ['data', ...ATTRIBUTES])
  const input = entry as EntryInput
  return { bytes: toBytes(input.data), attributes: checkAttributes(input) }
}

/** The most entries a batch may have: with their frames' headers they still make one commit group. */
export const MAX_BATCH_ENTRIES: number = 2 ** 24
export const MAX_BATCH_BYTES: number = 2 ** 30

/** The most bytes that the frames of a batch may take: they make one commit group. */
const MAX_COMMIT_BYTES = 0x6ff0_0000

/** Refuses a batch whose frames take too many bytes for one commit group. */
export function checkCommit(room: number): void {
  if (room <= MAX_COMMIT_BYTES) return
  throw tooLarge(`a batch that takes ${room} bytes in the log is larger than ${MAX_COMMIT_BYTES}`)
}

/** The entries of a batch, each with its bytes and attributes, within all limits. */
export function checkBatch(entries: unknown, maxEntryBytes: number): NewEntry[] {
  if (!Array.isArray(entries)) throw invalid('a batch must be an array of entries')
  if (entries.length > MAX_BATCH_ENTRIES) {
    throw tooLarge(`a batch of ${entries.length} entries is larger than ${MAX_BATCH_ENTRIES}`)
  }
  let total = 0
  const checked = Array.from(entries, (entry: unknown) => {
    const { bytes, attributes } = checkBatchEntry(entry)
    checkSize(bytes.length, maxEntryBytes)
    total += bytes.length + (attributes?.bytes.length ?? 0)
    return { bytes, attributes }
  })
  if (total > MAX_BATCH_BYTES) {
    throw tooLarge(`a batch of ${total} bytes is larger than ${MAX_BATCH_BYTES}`)
  }
  return checked
}

export function checkAttributes(given: EntryAttributes): EncodedAttributes | undefined {
  const { term, timestamp, transactionId } = given
  if (term !== undefined && (typeof term !== 'bigint' || term < 0n || term > MAX_TERM)) {
    throw invalid(`term must be a bigint from 0 to 2^64 - 1, got ${String(term)}`)
  }
  if (
    timestamp !== undefined &&
    (typeof timestamp !== 'bigint' || timestamp < -MAX_TIMESTAMP - 1n || timestamp > MAX_TIMESTAMP)
  ) {
    throw invalid(`timestamp must be a bigint from -2^63 to 2^63 - 1, got ${String(timestamp)}`)
  }
  if (transactionId !== undefined) checkTransactionId(transactionId)
  return encodeAttributes({ term, timestamp, transactionId })
}

function checkTransactionId(id: unknown): void {
  if (typeof id !== 'string' || LONE_SURROGATE.test(id)) {
    throw invalid('transactionId must be a string of well-formed Unicode')
  }
  const bytes = Buffer.byteLength(id)
  if (bytes > MAX_TRANSACTION_ID_BYTES) {
    throw invalid(`transactionId may have ${MAX_TRANSACTION_ID_BYTES} bytes of UTF-8, got ${bytes}`)
  }
}

export function checkWaitOptions(what: string, options: WaitOptions): void {
  checkNames(what, options, WAITING)
  checkWait(options)
}

function checkWait({ signal, timeoutMs }: WaitOptions): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid('signal must be an AbortSignal')
  }
  if (timeoutMs !== undefined) checkInteger('timeoutMs', timeoutMs, 1, 2 ** 31 - 1)
}

/** Refuses to begin when the caller has given up already. */
export function checkNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new AbortError(`aborted; ${NOTHING}`, signal.reason)
}

const NOTHING = 'nothing was written'
const PERHAPS = 'what was appended may still become durable'

/**
 * Waits for an append no longer than the options say. Given up while it waits for room, it leaves its `place` and
 * nothing behind; later, it goes on by itself.
 */
export async function waitFor(
  environment: Environment,
  appended: Promise<number>,
  { signal, timeoutMs }: WaitOptions,
  place: Place,
): Promise<number> {
  if (signal === undefined && timeoutMs === undefined) return await appended
  let giveUp!: (error: WalrusError) => void
  const givenUp = new Promise<never>((_resolve, reject) => {
    giveUp = reject
  })
  const outcome = (): string => (place.leave() ? NOTHING : PERHAPS)
  const aborted = (): void => giveUp(new AbortError(`aborted; ${outcome()}`, signal?.reason))
  const runOut = (): void => {
    const message = `not acknowledged within ${timeoutMs} ms; ${outcome()}`
    giveUp(new WalrusError('WALRUS_TIMEOUT', message))
  }
  const timer = timeoutMs === undefined ? undefined : environment.after(timeoutMs, runOut)
  signal?.addEventListener('abort', aborted, { once: true })
  try {
    return await Promise.race([appended, givenUp])
  } finally {
    timer?.cancel()
    signal?.removeEventListener('abort', aborted)
  }
}
