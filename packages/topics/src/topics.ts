/** Topics: an instance of them, opened on a directory or on a log. The public face of the package. */

import {
  type Attachment,
  type BeginOptions,
  type Claim,
  type CommitOptions,
  Log,
  type Need,
  type WriteSet,
} from '@walrus/log'
import { closedError, invalid, readOnlyError } from './errors.ts'
import { logDirectory } from './instance.ts'
import { Ledger } from './ledger.ts'
import { checkName, STATE_STREAM, streamOf, topicOf } from './names.ts'
import { noticesOf } from './notices.ts'
import { type ResolvedOptions, resolveOptions, type TopicsOptions } from './options.ts'
import { ReadAheadPool } from './read-ahead.ts'
import { declared } from './records.ts'
import { TopicsState } from './state.ts'
import { Topic, type TopicHost } from './topic.ts'
import type { TopicState } from './topic-state.ts'
import { TopicsTransaction, TopicWrites } from './transaction.ts'
import { Upkeep, type UpkeepHost } from './upkeep.ts'

/** Bytes that are dropped before the state is written anew, where nothing is said of the size of segments. */
const SEGMENT_BYTES = 0x400_0000

export class Topics implements AsyncDisposable {
  /** The log that the topics are on. */
  readonly log: Log
  readonly #engine: UpkeepHost & TopicHost
  readonly #ownsLog: boolean
  readonly #attachment: Attachment
  readonly #upkeep: Upkeep
  /** What cursors still need, if the log has a retention policy of its own. */
  readonly #claim: Claim | undefined
  readonly #topics = new Map<string, Topic>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined
  #over = false

  private constructor(
    log: Log,
    ownsLog: boolean,
    options: ResolvedOptions,
    segmentBytes: number,
    state: TopicsState,
    attachment: Attachment,
  ) {
    this.log = log
    this.#ownsLog = ownsLog
    this.#attachment = attachment
    const { env } = log.storage
    this.#engine = {
      log,
      env,
      options,
      state,
      ledger: new Ledger(log, state),
      pool: new ReadAheadPool(),
      closing: this.#closing.signal,
      checkOpen: () => {
        if (this.#over) throw closedError()
      },
      checkWritable: () => {
        if (log.readOnly) throw readOnlyError()
      },
      passed: (topic) => this.#upkeep.passed(topic),
      appended: (topic) => this.#upkeep.appended(topic),
      topic: (name) => this.topic(name),
      used: (name) => this.#topics.get(name),
      renewState: () => this.#renewState(),
    }
    this.#upkeep = new Upkeep(this.#engine, segmentBytes)
    if (log.readOnly) return
    this.#claim = log.claim('topics', () => needsOf(state))
    for (const { name } of state.topics()) this.#upkeep.passed(name)
  }

  /**
   * Opens the topics in a directory, or on a log that is open already.
   *
   * Without a directory it is that of `WALRUS_DATA_DIR`, or `./walrus-data`, and in it the folder of the instance's
   * key, if there is one. With a log, that is not closed with the topics; only one instance may be on it.
   * @throws as `Log.open` and `Log.attach` of `@walrus/log`
   */
  static async open(target?: string | Log, options: TopicsOptions = {}): Promise<Topics> {
    const isGiven = target instanceof Log
    const { resolved, logOptions } = resolveOptions(options, isGiven)
    let log: Log
    if (isGiven) {
      log = target
    } else {
      if (target !== undefined && typeof target !== 'string') {
        throw invalid('Topics.open takes a directory, or a log that is open')
      }
      const logger = noticesOf(process.env)
      const notices = logger === undefined ? {} : { logger }
      const dir = logDirectory(target, options.key, process.env)
      log = await Log.open(dir, { ...notices, ...logOptions })
    }
    try {
      const state = new TopicsState(resolved.producers)
      const attachment = await log.attach(state)
      const { segmentBytes = SEGMENT_BYTES } = logOptions
      return new Topics(log, !isGiven, resolved, segmentBytes, state, attachment)
    } catch (error) {
      if (!isGiven) await log.close()
      throw error
    }
  }

  /** A topic, whether there is one or not: it appears with its first entry. */
  topic(name: string): Topic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      this.#engine.checkOpen()
      topic = new Topic(this.#engine, checkName('a topic', name))
      this.#topics.set(name, topic)
    }
    return topic
  }

  /** The names of the topics there are, in the order they appeared. */
  list(): string[] {
    this.#engine.checkOpen()
    const { state } = this.#engine
    const names = this.log
      .streams()
      .map(topicOf)
      .filter((name) => name !== undefined)
      .filter((name) => {
        const { deletedAt = 0 } = state.find(name) ?? {}
        return deletedAt === 0 || deletedAt < this.log.stream(streamOf(name)).next
      })
    const known = new Set(names)
    for (const { name, cursors } of state.topics()) {
      if (cursors.length > 0 && !known.has(name)) names.push(name)
    }
    return names
  }

  /** How many entries of all topics their default cursors have not read. */
  unread(): number {
    let unread = 0
    for (const name of this.list()) {
      const used = this.#topics.get(name)
      unread += used?.unread ?? unreadOf(this.log, name, this.#engine.state.find(name))
    }
    return unread
  }

  /**
   * Deletes a topic: its entries, cursors and producers. Resolves when that is durable, to whether there was one. A
   * topic of the same name begins where it ended: a position is never given again.
   */
  async delete(name: string): Promise<boolean> {
    const topic = this.topic(checkName('a topic', name))
    if (!topic.exists) return false
    const { end: position } = topic
    const { ledger, state } = this.#engine
    const known = state.topic(name)
    const record = { kind: 'deleted', topic: known.number, position, bytes: 0 } as const
    await ledger.write(declared(known, [record]))
    topic.deleted(position)
    await this.log.stream(streamOf(name)).truncateFront(position)
    return true
  }

  /**
   * Runs something with a transaction over topics, and commits that when it is done: all of its appends and moves of
   * cursors, or none, to readers and after a crash. Resolves to what `run` does; rolls back when it throws.
   * @throws `WALRUS_CONFLICT` when somebody else has moved a cursor it read from; nothing was kept
   * @throws what `run` throws, and `Log.transaction` of `@walrus/log`
   */
  async transaction<T>(
    run: (transaction: TopicsTransaction) => Promise<T>,
    options: BeginOptions & CommitOptions = {},
  ): Promise<T> {
    this.#engine.checkOpen()
    return await this.log.transaction(async (set) => {
      const transaction = new TopicsTransaction(this.#engine, set)
      const value = await run(transaction)
      transaction.finish()
      return value
    }, options)
  }

  /** Puts writes to topics into a batch or transaction of the same log, or of another view's on it. */
  within(set: WriteSet): TopicWrites {
    this.#engine.checkOpen()
    return new TopicWrites(this.#engine, set)
  }

  /** Drops what all cursors have passed, and what the retention lets go, now rather than in a while. */
  async reclaim(): Promise<void> {
    this.#engine.checkOpen()
    await this.#upkeep.run()
  }

  /** Of topics opened for reading: looks how far their writer has got. */
  async refresh(): Promise<void> {
    await this.log.refresh()
    await this.#attachment.refresh()
  }

  /** Why the last work in the background came to nothing; `undefined` when it did not. */
  get upkeepFailure(): Error | undefined {
    return this.#upkeep.failure
  }

  /**
   * Writes down where the cursors are, ends every wait, and closes the log, unless it was given. What was handed over
   * counts as consumed. Calls after the first get the same promise.
   * @throws as `Log.close`
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#over = true
    this.#closing.abort()
    try {
      await Promise.all([...this.#topics.values()].map((topic) => topic.close()))
      await this.#upkeep.close()
      await this.#engine.ledger.idle()
      await this.#attachment.release()
    } finally {
      this.#claim?.release()
      if (this.#ownsLog) await this.log.close()
    }
  }

  /** Writes the state anew, and lets go of the records it was made from. */
  async #renewState(): Promise<void> {
    const stream = this.log.stream(STATE_STREAM)
    const { next } = stream
    await this.#attachment.snapshot()
    await stream.truncateFront(next)
  }
}

/** From where on each topic is needed by the cursor that is furthest behind. */
function* needsOf(state: TopicsState): IterableIterator<Need> {
  for (const { name, lowest } of state.topics()) {
    if (lowest !== undefined) yield { stream: streamOf(name), from: lowest.position }
  }
}

/** How many entries of a topic that nobody uses its default cursor has not read. */
function unreadOf(log: Log, name: string, state: TopicState | undefined): number {
  const { first, next } = log.stream(streamOf(name))
  const position = state?.cursor('')?.position ?? 0
  return Math.max(0, next - Math.max(first, state?.front ?? 0, position))
}
