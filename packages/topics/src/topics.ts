/** Topics: an instance of them, opened on a directory or on a log. The public face of the package. */

import { type CommitOptions, Log, type BeginOptions, type WriteSet } from '@walrus/log'
import type { Environment } from '@walrus/segment'
import { type Attachment, attach } from './attach.ts'
import { checkNames } from './checks.ts'
import { closedError, invalid } from './errors.ts'
import { logDirectory } from './instance.ts'
import { Ledger } from './ledger.ts'
import { checkName, topicOf } from './names.ts'
import { noticesOf } from './notices.ts'
import { type ResolvedOptions, resolveOptions, type TopicsOptions } from './options.ts'
import { ReadAheadPool } from './read-ahead.ts'
import { TopicsState } from './state.ts'
import { Topic, type TopicHost } from './topic.ts'
import { declared } from './topic-cursors.ts'
import { TopicsTransaction, TopicWrites } from './transaction.ts'
import { Upkeep, type UpkeepHost } from './upkeep.ts'

/** Bytes that are dropped before the state is written anew. */
const RENEW_AFTER = 0x400_0000

export class Topics implements AsyncDisposable {
  /** The log that the topics are on. */
  readonly log: Log
  readonly #engine: UpkeepHost & TopicHost
  readonly #ownsLog: boolean
  readonly #attachment: Attachment
  readonly #upkeep: Upkeep
  readonly #topics = new Map<string, Topic>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined
  #over = false

  private constructor(
    log: Log,
    ownsLog: boolean,
    options: ResolvedOptions,
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
      passed: (topic) => this.#upkeep.passed(topic),
      appended: (topic) => this.#upkeep.appended(topic),
      topic: (name) => this.topic(name),
      used: (name) => this.#topics.get(name),
      renewState: async () => {},
    }
    this.#upkeep = new Upkeep(this.#engine, RENEW_AFTER)
    for (const { name } of state.topics()) this.#upkeep.passed(name)
  }
}
