/**
 * What a log tells those who watch it: messages on `node:diagnostics_channel`, and lines to a logger.
 *
 * A channel that nobody listens to costs a look. Nothing that a watcher does reaches the log: what a logger throws is
 * thrown again where nothing is under way, as Node does with what a channel's subscriber throws.
 */

import { channel } from 'node:diagnostics_channel'
import type { Environment } from '@walrus/segment'
import type { RecoveryReport } from './report.ts'

/** Takes messages with fields. `console` is one, and a pino logger. */
export interface Logger {
  debug(message: string, fields: object): void
  info(message: string, fields: object): void
  warn(message: string, fields: object): void
  error(message: string, fields: object): void
}

/** What every message has. */
export interface LogMessage {
  /** The log's directory. */
  readonly dir: string
  /** In milliseconds, with fractions. */
  readonly durationMs: number
}

/** `walrus:append`: entries were appended and acknowledged, or refused. */
export interface AppendMessage extends LogMessage {
  readonly entries: number
  /** Why they were refused. */
  readonly error: unknown
}

/** `walrus:commit`: a commit group, or a commit over several segments, was written. */
export interface CommitMessage extends LogMessage {
  /** LSN after its last frame. */
  readonly lsn: number
  readonly frames: number
  readonly bytes: number
  /** Whether it is durable with that. */
  readonly durable: boolean
}

/** `walrus:sync`: everything before an LSN was made durable. */
export interface SyncMessage extends LogMessage {
  readonly lsn: number
}

/** `walrus:rotate`: a new segment was begun. */
export interface RotateMessage extends LogMessage {
  /** Its number. */
  readonly segment: number
}

/** `walrus:recover`: a log was opened. */
export interface RecoverMessage extends LogMessage {
  readonly report: RecoveryReport
}

/** `walrus:truncate`: a stream was truncated. */
export interface TruncateMessage extends LogMessage {
  /** Its name; empty for the plain log. */
  readonly stream: string
  /** The first position it has now, and the one after its last. */
  readonly first: number
  readonly next: number
}

const appended = channel('walrus:append')
const committed = channel('walrus:commit')
const synced = channel('walrus:sync')
const rotated = channel('walrus:rotate')
const recovered = channel('walrus:recover')
const truncated = channel('walrus:truncate')

type Level = keyof Logger

export class Watch {
  readonly #dir: string
  readonly #env: Environment
  readonly #logger: Logger | undefined

  constructor(dir: string, env: Environment, logger: Logger | undefined) {
    this.#dir = dir
    this.#env = env
    this.#logger = logger
  }

  /** Whether somebody wants to know of every append. */
  get ofAppends(): boolean {
    return appended.hasSubscribers
  }

  /** Now, for a duration that ends in one of the calls below. */
  begin(): number {
    return this.#env.elapsed()
  }

  /** Runs an append, and tells how it ended. */
  async append<T>(entries: number, run: () => Promise<T>): Promise<T> {
    const begun = this.begin()
    try {
      const value = await run()
      this.#appended(entries, begun, undefined)
      return value
    } catch (error) {
      this.#appended(entries, begun, error)
      throw error
    }
  }

  appendSync<T>(entries: number, run: () => T): T {
    const begun = this.begin()
    try {
      const value = run()
      this.#appended(entries, begun, undefined)
      return value
    } catch (error) {
      this.#appended(entries, begun, error)
      throw error
    }
  }

  committed(begun: number, message: Omit<CommitMessage, keyof LogMessage>): void {
    if (committed.hasSubscribers) committed.publish({ ...this.#since(begun), ...message })
  }

  synced(begun: number, lsn: number): void {
    if (synced.hasSubscribers) synced.publish({ ...this.#since(begun), lsn })
  }

  rotated(begun: number, segment: number): void {
    if (rotated.hasSubscribers) rotated.publish({ ...this.#since(begun), segment })
    this.#say('debug', 'a segment was begun', { segment })
  }

  recovered(begun: number, report: RecoveryReport): void {
    if (recovered.hasSubscribers) recovered.publish({ ...this.#since(begun), report })
    const { salvaged, clean } = report
    if (salvaged !== undefined)
      this.#say('warn', 'the log was damaged, and ends earlier', { report })
    else if (!clean) this.#say('warn', 'the log had not been closed, and was recovered', { report })
    else this.#say('info', 'the log was opened', {})
  }

  truncated(begun: number, message: Omit<TruncateMessage, keyof LogMessage>): void {
    if (truncated.hasSubscribers) truncated.publish({ ...this.#since(begun), ...message })
    this.#say('info', 'a stream was truncated', message)
  }

  removed(segments: readonly number[]): void {
    this.#say('info', 'segments were removed', { segments })
  }

  snapshotFailed(stream: string, error: unknown): void {
    this.#say('warn', 'a snapshot of a view could not be made', { stream, error })
  }

  full(error: unknown): void {
    this.#say('warn', 'there is no space on the disk', { error })
  }

  failed(error: unknown): void {
    this.#say('error', 'the log has failed: nothing more is written', { error })
  }

  closed(): void {
    this.#say('info', 'the log was closed', {})
  }

  #appended(entries: number, begun: number, error: unknown): void {
    appended.publish({ ...this.#since(begun), entries, error })
  }

  #since(begun: number): LogMessage {
    return { dir: this.#dir, durationMs: this.#env.elapsed() - begun }
  }

  #say(level: Level, message: string, fields: object): void {
    if (this.#logger === undefined) return
    try {
      this.#logger[level](message, { dir: this.#dir, ...fields })
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}
