/**
 * Writes over several topics and cursors that are one commit: with each other, and with what other views on the same
 * log put into it.
 */

import { WalrusError } from '@walrus/codec'
import type { EntryInput, Payload, WriteSet } from '@walrus/log'
import { checkInteger } from './checks.ts'
import type { Cursor } from './cursor.ts'
import type { BatchOptions, TopicEntry } from './cursor-options.ts'
import type { Engine } from './engine.ts'
import { cursorNotFound } from './errors.ts'
import type { Topic } from './topic.ts'

/** What writes need of their instance. */
export interface WritesHost extends Engine {
  topic(name: string): Topic
}

/** Puts writes into a batch or transaction of the log, or of another view's. */
export class TopicWrites {
  /** What is committed: other views put theirs into it. */
  readonly set: WriteSet
  readonly #host: WritesHost

  /** @internal Made by `topics.within(set)`. */
  constructor(host: WritesHost, set: WriteSet) {
    this.#host = host
    this.set = set
  }

  /** Adds an entry to a topic. Its bytes are copied. Throws as `WriteSet.append`. */
  append(topic: string | Topic, entry: Payload | EntryInput): void {
    const to = typeof topic === 'string' ? this.#host.topic(topic) : topic
    to.put(this.set, entry)
  }

  /**
   * Moves a cursor: everything before a position is consumed, when this is committed. The commit is refused with
   * `WALRUS_CONFLICT` when somebody else has moved it by then.
   * @throws `WALRUS_CURSOR_NOT_FOUND` for one that was never created
   */
  commit(cursor: Cursor, position: number): void {
    checkInteger('position', position, 0, Number.MAX_SAFE_INTEGER)
    this.move(cursor, cursor.position, position)
  }

  /** @internal Moves a cursor that is expected to be where it was. */
  move(cursor: Cursor, from: number, position: number): void {
    const { topicName, name } = cursor
    const { state, ledger } = this.#host
    const topic = state.find(topicName)
    const known = topic?.cursor(name)
    if (topic === undefined || known === undefined) throw cursorNotFound(topicName, name)
    const record = {
      kind: 'moved',
      topic: topic.number,
      cursor: known.number,
      position,
      bytes: undefined,
    } as const
    ledger.enter(this.set, [record], {
      check: () => {
        const now = topic.cursor(name)
        const isThere = now?.number === known.number && now.position === from
        if (!isThere || cursor.position !== from) throw conflict(topicName, name)
      },
      acknowledged: () => {
        cursor.movedTo(position)
        this.#host.passed(topicName)
      },
    })
  }
}

/** A transaction over topics: committed when the function it is given to is done, or not at all. */
export class TopicsTransaction extends TopicWrites {
  readonly #moves = new Map<Cursor, { readonly from: number; readonly to: number }>()

  /** The next entry of a cursor, consumed when this is committed. */
  async next(cursor: Cursor): Promise<TopicEntry | undefined> {
    const [entry] = await this.read(cursor, { maxEntries: 1 })
    return entry
  }

  /** The next entries of a cursor, consumed when this is committed. */
  async read(
    cursor: Cursor,
    options: Omit<BatchOptions, 'checkpoint' | 'from'> = {},
  ): Promise<readonly TopicEntry[]> {
    const move = this.#moves.get(cursor)
    const entries = await cursor.readWithin(move?.to, options)
    const from = move?.from ?? cursor.position
    const to = entries.at(-1)
    if (to !== undefined) this.#moves.set(cursor, { from, to: to.index + 1 })
    return entries
  }

  /** @internal Puts the moves of cursors into it: nothing is read after that. */
  finish(): void {
    for (const [cursor, { from, to }] of this.#moves) this.move(cursor, from, to)
  }
}

function conflict(topic: string, cursor: string): WalrusError {
  const message = `cursor ${JSON.stringify(cursor)} of topic ${JSON.stringify(topic)} was moved by somebody else; nothing was kept`
  return new WalrusError('WALRUS_CONFLICT', message)
}
