/**
 * A cursor: a named position in a topic that survives a crash, and what is read from there.
 *
 * Its calls are answered one after the other, in the order they came. What it hands over is checkpointed as the
 * instance's consistency says: never before the caller has asked for more, or said so.
 */

import { batchOf, checkBatchOptions } from './batch-read.ts'
import { checkBoolean, checkInteger, checkNames, checkWaiting } from './checks.ts'
import type { CursorHost } from './cursor-host.ts'
import {
  type BatchOptions,
  bytesOf,
  type ConsumeOptions,
  type NextOptions,
  type Place,
  type TopicEntry,
} from './cursor-options.ts'
import type { Engine } from './engine.ts'
import { cursorNotFound, invalid } from './errors.ts'
import { Progress } from './progress.ts'
import { ReadAhead } from './read-ahead.ts'
import type { CursorState } from './topic-state.ts'
import { changeOf } from './waiting.ts'

/** How often is looked for what another process has appended. */
const LOOK_EVERY_MS = 20

export class Cursor {
  /** Its name; empty for the default cursor of its topic. */
  readonly name: string
  readonly #engine: Engine
  readonly #topic: CursorHost
  #aheadOf: ReadAhead | undefined
  #progress: Progress | undefined
  #deleted = false
  /** The last call that is not answered, and how many are not. */
  #last: Promise<unknown> | undefined
  #unanswered = 0

  /** @internal Cursors are made by `topic.cursor(name)`. */
  constructor(engine: Engine, topic: CursorHost, name: string) {
    this.name = name
    this.#engine = engine
    this.#topic = topic
  }

  /** The name of its topic. */
  get topicName(): string {
    return this.#topic.name
  }

  /** The position of the entry that comes next. */
  get position(): number {
    const at = this.#progress?.position ?? this.#topic.cursorState(this.name)?.position ?? 0
    return Math.max(at, this.#topic.first)
  }

  /** How many entries it has not read. */
  get lag(): number {
    return Math.max(0, this.#topic.end - this.position)
  }

  /**
   * The next entry, or `undefined` where there is none. That it was consumed is durable before the next one is handed
   * over, or later, as the consistency says.
   * @throws `WALRUS_CURSOR_NOT_FOUND` once it is deleted, `WALRUS_CORRUPT` for an entry that is damaged, and what an
   *   append throws, since what was consumed before has to be written: then nothing is consumed
   * @throws `AbortError`, `WALRUS_CLOSED`, `WALRUS_READ_ONLY`, `WALRUS_INVALID_OPTION`
   */
  next(options?: NextOptions): Promise<TopicEntry | undefined> {
    const progress = this.#progress
    if (options === undefined && progress !== undefined && this.#unanswered === 0) {
      const ahead = this.#ahead
      const entry = ahead.entries[ahead.at]
      if (entry !== undefined && entry.index === progress.position && progress.mayHandOver(1)) {
        ahead.at++
        progress.handOver(entry.index + 1, entry.data.length)
        return Promise.resolve(entry)
      }
    }
    return this.#inTurn(() => this.#next(options ?? {}))
  }

  /** As `next({ checkpoint: false })`. */
  peek(): Promise<TopicEntry | undefined> {
    return this.#inTurn(() => this.#next({ checkpoint: false }))
  }

  /** The next entries; none is the end. They are consumed together, and come again together. Throws as `next`. */
  read(options: BatchOptions = {}): Promise<readonly TopicEntry[]> {
    return this.#inTurn(() => this.#read(options))
  }

  /**
   * Iterates over the entries, consuming each when the next one is asked for, and all when there are no more. One that
   * is in hand when the loop is left counts as not consumed; `commit` says that it is.
   */
  async *consume(options: ConsumeOptions = {}): AsyncGenerator<TopicEntry, void, undefined> {
    checkNames('consume', options, ['follow', 'signal'])
    checkWaiting(options.signal, undefined)
    const { follow = false, signal } = options
    checkBoolean('follow', follow)
    const waiting = follow || signal !== undefined ? { follow, signal } : undefined
    try {
      for (;;) {
        const entry = await this.next(waiting)
        if (entry === undefined) break
        yield entry
      }
      await this.commit()
    } finally {
      this.#aheadOf?.drop()
      this.#progress?.takeBack()
    }
  }

  /**
   * Makes durable that everything handed over was consumed; or everything before a position, which may be ahead of
   * what was handed over (it is not read any more), and not before what is durable already.
   */
  commit(position?: number): Promise<void> {
    return this.#inTurn(async () => {
      const progress = await this.#ready()
      if (position === undefined) {
        progress.doneWithAll()
      } else {
        checkInteger('position', position, progress.durable, this.#topic.end)
        if (position > progress.position) {
          progress.moveTo(position, this.#topic.bytesBefore(position))
        } else {
          progress.doneUpTo(position)
        }
      }
      await progress.store()
    })
  }

  /** Moves it, forwards or backwards; resolves when that is durable. */
  seek(place: Place): Promise<void> {
    return this.#inTurn(async () => {
      const progress = await this.#ready()
      const position = await this.#topic.resolve(place)
      this.#aheadOf?.drop()
      progress.moveTo(position, this.#topic.bytesBefore(position))
      await progress.store()
    })
  }

  /** @internal What is before the position of who reads in a transaction is durable; what comes from there on. */
  async readWithin(
    from: number | undefined,
    options: BatchOptions,
  ): Promise<readonly TopicEntry[]> {
    const limits = checkBatchOptions(options)
    const progress = await this.#ready()
    progress.doneWithAll()
    await progress.store()
    return await batchOf(this.#topic, from ?? this.#start(progress), limits)
  }

  /** @internal A transaction has moved it. */
  movedTo(position: number): void {
    this.#aheadOf?.drop()
    this.#progress?.movedTo(position, undefined)
  }

  /** @internal Writes down what was handed over, and ends. */
  async close(): Promise<void> {
    const progress = this.#progress
    this.#progress = undefined
    this.#aheadOf?.drop()
    progress?.end()
    if (progress?.pending !== true) return
    progress.doneWithAll()
    await progress.store()
  }

  /** @internal Forgets what can be found again, if it has nothing to do. */
  rest(): void {
    const progress = this.#progress
    if (this.#unanswered > 0 || progress?.pending === true) return
    if (this.#aheadOf?.empty === false) return
    progress?.end()
    this.#progress = undefined
    this.#aheadOf = undefined
  }

  /** @internal It was deleted. */
  deleted(): void {
    this.#deleted = true
    this.#aheadOf?.drop()
    this.#progress?.end()
    this.#progress = undefined
  }

  async #next(options: NextOptions): Promise<TopicEntry | undefined> {
    checkNames('next', options, ['checkpoint', 'follow', 'signal', 'timeoutMs'])
    const { checkpoint = true, signal, timeoutMs, follow = timeoutMs !== undefined } = options
    checkBoolean('checkpoint', checkpoint)
    checkBoolean('follow', follow)
    checkWaiting(signal, timeoutMs)
    const { env, closing } = this.#engine
    const until = timeoutMs === undefined ? undefined : env.now() + timeoutMs
    const progress = checkpoint ? await this.#ready() : this.#known()
    if (checkpoint) {
      progress!.doneWithAll()
      if (!progress!.mayHandOver(1)) await progress!.store()
    }
    for (;;) {
      const position = progress === undefined ? this.position : this.#start(progress)
      if (await this.#ahead.fill(position)) return this.#take(checkpoint ? progress : undefined)
      if (!follow) return undefined
      const wait = {
        signal,
        ...(until === undefined ? {} : { until }),
        // Nobody here is told of what another process appends.
        ...(this.#engine.log.readOnly ? { due: env.now() + LOOK_EVERY_MS } : {}),
      }
      const woken = await changeOf(this.#topic.waiters, env, closing, wait)
      if (woken === 'timeout') return undefined
    }
  }

  get #ahead(): ReadAhead {
    this.#aheadOf ??= new ReadAhead(this.#topic.stream, this.#engine.pool)
    return this.#aheadOf
  }

  #take(progress: Progress | undefined): TopicEntry {
    const ahead = this.#ahead
    const entry = ahead.entries[ahead.at]!
    if (progress !== undefined) {
      ahead.at++
      progress.handOver(entry.index + 1, entry.data.length)
    }
    return entry
  }

  async #read(options: BatchOptions): Promise<readonly TopicEntry[]> {
    const limits = checkBatchOptions(options)
    const { from, checkpoint = from === undefined } = options
    checkBoolean('checkpoint', checkpoint)
    if (from !== undefined) {
      if (checkpoint) throw invalid('reading from a position moves no cursor: leave out checkpoint')
      checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
      return await batchOf(this.#topic, Math.max(from, this.#topic.first), limits)
    }
    if (!checkpoint) {
      const known = this.#known()
      return await batchOf(
        this.#topic,
        known === undefined ? this.position : this.#start(known),
        limits,
      )
    }
    const progress = await this.#ready()
    progress.doneWithAll()
    const entries = await batchOf(this.#topic, this.#start(progress), limits)
    if (!progress.mayHandOver(Math.max(1, entries.length))) await progress.store()
    if (entries.length > 0) {
      this.#aheadOf?.drop()
      progress.handOver(entries.at(-1)!.index + 1, bytesOf(entries))
    }
    return entries
  }

  /** Where it reads on: what was dropped unread is passed over. */
  #start(progress: Progress): number {
    const { first } = this.#topic
    if (progress.position < first) progress.moveTo(first, this.#topic.bytesBefore(first))
    return progress.position
  }

  /** Its progress, if it was created; of topics opened for reading that is another process's. */
  #known(): Progress | undefined {
    if (this.#progress === undefined && !this.#engine.log.readOnly) {
      const state = this.#topic.cursorState(this.name)
      if (state !== undefined) this.#progress = this.#progressFrom(state)
    }
    return this.#progress
  }

  async #ready(): Promise<Progress> {
    this.#engine.checkWritable()
    this.#progress ??= this.#progressFrom(await this.#topic.ensureCursor(this.name))
    return this.#progress
  }

  #progressFrom({ position, bytes }: CursorState): Progress {
    return new Progress(this.#engine, this.#topic.name, this.name, position, bytes)
  }

  /** Does something when everything that was asked for before is done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#unanswered++
    const answer = (this.#last ?? Promise.resolve()).then(() => {
      this.#engine.checkOpen()
      if (this.#deleted) throw cursorNotFound(this.#topic.name, this.name)
      return work()
    })
    const answered = (): void => {
      if (--this.#unanswered > 0) return
      this.#last = undefined
      this.rest()
    }
    this.#last = answer.then(answered, answered)
    return answer
  }
}
