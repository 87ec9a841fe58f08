/**
 * The ledger: puts records of the state into the log, and the state behind them, in commit order.
 *
 * One commit of its own is under way at a time; what comes meanwhile goes into the next one together, so that any
 * number of cursors share a commit, and a sync. Records can also go into a commit of somebody else's (`enter`).
 */

import type { CommitPart, Log, WriteSet } from '@walrus/log'
import { STATE_STREAM } from './names.ts'
import { encodeRecords, type TopicRecord } from './records.ts'
import type { TopicsState } from './state.ts'

/** Somebody with a position to be written down. */
export interface Mover {
  /** The records that do so, as things are now; none when there is nothing to be written. */
  records(): readonly TopicRecord[]
  /** What `records` gave is as durable as the log makes it. */
  stored(records: readonly TopicRecord[]): void
  /** What `records` gave could not be written. */
  notStored(): void
}

/** Commits that wait for the one under way. */
interface Round {
  readonly movers: Set<Mover>
  readonly records: TopicRecord[]
  readonly ended: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Ledger {
  readonly #log: Log
  readonly #state: TopicsState
  #next: Round | undefined
  #running: Promise<void> | undefined

  constructor(log: Log, state: TopicsState) {
    this.#log = log
    this.#state = state
  }

  /** Writes a mover's position down; resolves when that is as durable as the log makes it. */
  store(mover: Mover): Promise<void> {
    const round = this.#round()
    round.movers.add(mover)
    return round.ended
  }

  /** Puts records into the log; resolves when they are as durable as it makes them. */
  write(records: readonly TopicRecord[]): Promise<void> {
    const round = this.#round()
    round.records.push(...records)
    return round.ended
  }

  /** Resolves when nothing is under way or waiting. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /**
   * Puts records into a commit, and the state behind them when it is sequenced.
   * @param part is asked and told what the commit is, too: before the records are performed, and after
   */
  enter(set: WriteSet, records: readonly TopicRecord[], part: CommitPart = {}): void {
    for (const entry of encodeRecords(records)) set.append(STATE_STREAM, entry)
    const state = this.#state
    let undo: (() => void)[] = []
    set.join({
      check: () => part.check?.(),
      sequenced: (positions) => {
        undo = records.map((record) => state.perform(record))
        part.sequenced?.(positions)
      },
      acknowledged: () => part.acknowledged?.(),
      failed: (error) => {
        part.failed?.(error)
        for (const each of undo.toReversed()) each()
      },
    })
  }

  #round(): Round {
    this.#next ??= newRound()
    this.#running ??= this.#run()
    return this.#next
  }

  async #run(): Promise<void> {
    // Those who come in the same turn of the event loop go along.
    await this.#turn()
    for (let round = this.#next; round !== undefined; round = this.#next) {
      this.#next = undefined
      try {
        await this.#commit(round)
        round.resolve()
      } catch (error) {
        round.reject(error)
      }
      // Those who were just answered go along with the next one.
      await this.#turn()
    }
    this.#running = undefined
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#log.storage.env.soon(resolve))
  }

  async #commit({ movers, records }: Round): Promise<void> {
    const moved = [...movers].map((mover) => ({ mover, records: mover.records() }))
    const all = [...records, ...moved.flatMap(({ records: each }) => each)]
    if (all.length > 0) {
      try {
        const batch = this.#log.batch()
        this.enter(batch, all)
        await this.#log.commit(batch)
      } catch (error) {
        for (const { mover } of moved) mover.notStored()
        throw error
      }
    }
    for (const { mover, records: each } of moved) mover.stored(each)
  }
}

function newRound(): Round {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const ended = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  // Whoever does not wait for it tries again later.
  ended.catch(() => {})
  return { movers: new Set(), records: [], ended, resolve, reject }
}
