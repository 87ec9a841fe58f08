/**
 * The topics of a Rust topic log become topics of ours, in their order; how far one was read becomes its default
 * cursor, and what was marked clean stays so.
 */

import type { Batch } from '@walrus/log'
import type { Topics } from '@walrus/topics'
import type { Sink } from './copy.ts'
import type { RustTopics, TopicEntry } from './rust-topics.ts'

export class TopicsSink implements Sink<TopicEntry> {
  readonly #topics: Topics
  readonly #source: RustTopics

  constructor(topics: Topics, source: RustTopics) {
    this.#topics = topics
    this.#source = source
  }

  add(batch: Batch, { topic, data }: TopicEntry): number {
    this.#topics.within(batch).append(topic, data)
    return data.length
  }

  /** May be called again, when the import is stopped right then: what is as it must be stays. */
  async finish(): Promise<void> {
    for (const [name, { consumed, clean }] of await this.#source.states()) {
      const topic = this.#topics.topic(name)
      if (consumed > 0 && topic.cursors().length === 0) {
        await topic.createCursor('', { position: consumed })
      }
      if (clean !== topic.clean) await topic.mark(clean)
    }
  }
}
