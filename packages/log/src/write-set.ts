/**
 * What is to go into the log in one commit, while it is put together: entries of any streams, what must hold for
 * them, and those who take part. A batch is one that stays in memory; a transaction is one with a life of its own.
 */

import type { EncodedAttributes } from '@walrus/segment'
import { type Catalog, checkStreamName, type StreamState } from './catalog.ts'
import {
  ATTRIBUTES,
  checkAttributes,
  checkNotAborted,
  checkSize,
  checkWaitOptions,
  type EntryAttributes,
  type Payload,
  toBytes,
  type WaitOptions,
} from './input.ts'
import { checkInteger, checkNames, type ResolvedOptions } from './options.ts'
import type { Precondition } from './precondition.ts'
import type { Spool } from './spool.ts'
import { Stream } from './stream.ts'

/** A stream, by its name or as `log.stream(name)` gives it; `undefined` or the empty name for the plain log. */
export type StreamTarget = string | Stream | undefined

/** What a commit expects of a stream: that its next position, when the commit is sequenced, is `next`. */
export interface Expectation {
  readonly stream?: StreamTarget
  readonly next: number
}

/**
 * Somebody who takes part in a commit: a view that has put entries of its own into it. All calls come synchronously,
 * in commit order over the whole log. They may begin commits, but call nothing of the log that blocks (`…Sync`).
 */
export interface CommitPart {
  /**
   * The commit's turn has come: everything before it is sequenced, and nothing of it. Throws to refuse it; then
   * nothing of it is kept, and the call to commit is rejected with what was thrown. May be called more than once.
   */
  check?(): void
  /**
   * The commit has its place, and its entries their positions: `positions[n]` is that of the entry for which `append`
   * returned `n`. It cannot be read yet. Must not throw: that fails the log.
   */
  sequenced?(positions: readonly number[]): void
  /** It is as durable as the log makes it, and can be read. Must not throw. */
  acknowledged?(): void
  /**
   * It was sequenced and will not be acknowledged: the disk was full, and it was taken back (`WALRUS_DISK_FULL`), or
   * the log has failed. The last one sequenced is told first, so that each can undo what it did. Must not throw.
   */
  failed?(error: unknown): void
}

/** A batch or transaction, as those see it who put something into it. */
export interface WriteSet {
  /** Entries so far. */
  readonly count: number
  /**
   * Adds an entry; its bytes are copied. Returns its number in the set, from 0.
   * @throws `WALRUS_INVALID_OPTION`, `WALRUS_ENTRY_TOO_LARGE`: it was not added
   */
  append(stream: StreamTarget, data: Payload, options?: EntryAttributes): number
  /** Lets the commit be refused, with `WALRUS_CONFLICT`, unless the next position of a stream is `next` then. */
  expect(stream: StreamTarget, next: number): void
  /** Takes part in the commit. */
  join(part: CommitPart): void
}

export interface CommitOptions extends WaitOptions {
  /** What must hold when its turn comes, besides what was said of the batch or transaction itself. */
  readonly expect?: Expectation | readonly Expectation[]
}

/** What a set needs of the log it is for. */
export interface SetHost {
  readonly options: ResolvedOptions
  readonly catalog: Catalog
}

/** What batch and transaction have in common. */
export class SetContents {
  readonly host: SetHost
  spool: Spool
  preconditions: Precondition[] = []
  parts: CommitPart[] = []

  constructor(host: SetHost, spool: Spool) {
    this.host = host
    this.spool = spool
  }

  /** @param id of the transaction the entry belongs to, encoded with nothing else */
  append(
    target: StreamTarget,
    data: Payload,
    options: EntryAttributes | undefined,
    transactionId?: { readonly id: string; readonly alone: EncodedAttributes },
  ): number {
    const { spool, host } = this
    const stream = stateOf(host.catalog, target)
    const given = toBytes(data)
    checkSize(given.length, host.options.maxEntryBytes)
    const attributes =
      options === undefined ? transactionId?.alone : checkedAttributes(options, transactionId?.id)
    const bytes = given === data ? Buffer.from(given) : given
    spool.add({ stream, bytes, attributes })
    return spool.count - 1
  }

  expect(target: StreamTarget, next: number): void {
    this.preconditions.push(preconditionOf(this.host.catalog, { stream: target, next }))
  }
}

function checkedAttributes(
  options: EntryAttributes,
  transactionId: string | undefined,
): EncodedAttributes | undefined {
  const names =
    transactionId === undefined ? ATTRIBUTES : ATTRIBUTES.filter((name) => name !== 'transactionId')
  checkNames('append', options, names)
  return checkAttributes(transactionId === undefined ? options : { ...options, transactionId })
}

/** The stream meant, which need not be in the log yet. */
function stateOf(catalog: Catalog, target: StreamTarget): StreamState {
  const name = nameOf(catalog, target)
  return name === '' ? catalog.plain : catalog.named(name)
}

function nameOf(catalog: Catalog, target: StreamTarget): string {
  if (target === undefined) return ''
  return target instanceof Stream ? target.nameIn(catalog) : target
}

/** Checks what is expected of a stream. */
export function preconditionOf(catalog: Catalog, expectation: Expectation): Precondition {
  checkNames('expect', expectation, ['stream', 'next'])
  const { stream, next } = expectation
  checkInteger('expect: next', next, 0, Number.MAX_SAFE_INTEGER)
  const name = nameOf(catalog, stream)
  if (name !== '') checkStreamName(name)
  return { stream: name, next }
}

const COMMIT_OPTIONS = ['signal', 'timeoutMs', 'expect']

/** The options of a commit, checked; what is expected. */
export function expectationsOf(catalog: Catalog, options: CommitOptions): Precondition[] {
  checkNames('commit', options, COMMIT_OPTIONS)
  const { expect = [], ...waiting } = options
  checkWaitOptions('commit', waiting)
  checkNotAborted(options.signal)
  const expected = Array.isArray(expect)
    ? (expect as readonly Expectation[])
    : [expect as Expectation]
  return expected.map((each) => preconditionOf(catalog, each))
}
