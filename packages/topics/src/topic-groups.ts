/** The groups of a topic that are used. */

import type { Stream, WriteSet } from '@walrus/log'
import type { TopicEntry } from './cursor-options.ts'
import type { Engine } from './engine.ts'
import { invalid } from './errors.ts'
import { Group, type GroupHost } from './group.ts'
import {
  type GroupOptions,
  type ResolvedGroupOptions,
  resolveGroupOptions,
  sameOptions,
} from './group-options.ts'
import type { TopicCursors } from './topic-cursors.ts'
import type { CursorState } from './topic-state.ts'
import type { Waiters } from './waiting.ts'

/** What groups need of their topic. */
export interface TopicForGroups {
  readonly name: string
  readonly stream: Stream
  readonly waiters: Waiters
  readonly first: number
  /** Puts an entry into another topic, as part of a commit. */
  putInto(topic: string, set: WriteSet, entry: TopicEntry): void
}

export class TopicGroups implements GroupHost {
  readonly #engine: Engine
  readonly #topic: TopicForGroups
  readonly #cursors: TopicCursors
  readonly #open = new Map<string, { group: Group; options: ResolvedGroupOptions }>()

  constructor(engine: Engine, topic: TopicForGroups, cursors: TopicCursors) {
    this.#engine = engine
    this.#topic = topic
    this.#cursors = cursors
  }

  get name(): string {
    return this.#topic.name
  }

  get number(): number {
    return this.#engine.state.topic(this.name).number
  }

  get stream(): Stream {
    return this.#topic.stream
  }

  get waiters(): Waiters {
    return this.#topic.waiters
  }

  get first(): number {
    return this.#topic.first
  }

  ensureCursor(name: string): Promise<CursorState> {
    return this.#cursors.ensureCursor(name)
  }

  put(set: WriteSet, topic: string, entry: TopicEntry): void {
    this.#topic.putInto(topic, set, entry)
  }

  has(name: string): boolean {
    return this.#open.has(name)
  }

  open(name: string, options: GroupOptions): Group {
    const resolved = resolveGroupOptions(options)
    const known = this.#open.get(name)
    if (known !== undefined) {
      if (sameOptions(known.options, resolved)) return known.group
      throw invalid(`group ${JSON.stringify(name)} is in use with other options`)
    }
    const group = new Group(this.#engine, this, name, resolved)
    this.#open.set(name, { group, options: resolved })
    return group
  }

  /** The cursor of a group was deleted. */
  deletedOne(name: string): void {
    this.#open.get(name)?.group.deleted()
    this.#open.delete(name)
  }

  /** The topic was deleted, and they with it. */
  deleted(): void {
    for (const name of this.#open.keys()) this.deletedOne(name)
  }
}
