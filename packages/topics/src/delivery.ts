/** An entry that was handed to a member of a group, until it is settled. */

import type { TopicEntry } from './cursor-options.ts'

/** What a delivery needs of its group. */
export interface DeliveryHost {
  acknowledge(delivery: Delivery): Promise<void>
  giveBack(delivery: Delivery, delayMs: number): Promise<void>
  extend(delivery: Delivery, deadlineMs: number | undefined): Promise<void>
}

export class Delivery {
  readonly entry: TopicEntry
  /** How often it was handed out, this time included: from 1. */
  readonly attempts: number
  readonly #group: DeliveryHost

  /** @internal */
  constructor(group: DeliveryHost, entry: TopicEntry, attempts: number) {
    this.#group = group
    this.entry = entry
    this.attempts = attempts
  }

  /** Its position in the topic. */
  get index(): number {
    return this.entry.index
  }

  /** A view of memory that it shares with others: copy what you keep long. */
  get data(): Uint8Array {
    return this.entry.data
  }

  /**
   * The group is done with it; resolves when that is durable.
   * @throws `WALRUS_LEASE_LOST` when its deadline has passed and it was handed to another, or it is settled already
   */
  ack(): Promise<void> {
    return this.#group.acknowledge(this)
  }

  /**
   * Gives it back; it comes again after a delay (0 to 2^31 - 1 ms, default 0), or goes to the dead-letter topic when it
   * has come often enough. Throws as `ack`.
   */
  nack(delayMs = 0): Promise<void> {
    return this.#group.giveBack(this, delayMs)
  }

  /** Moves its deadline: that many milliseconds from now, by default as many as at first. Throws as `ack`. */
  extend(deadlineMs?: number): Promise<void> {
    return this.#group.extend(this, deadlineMs)
  }
}
