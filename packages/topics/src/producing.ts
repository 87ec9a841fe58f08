/**
 * Producers: appends that may be tried again. An entry, or a batch, has the name of its producer and a sequence; of
 * any number of tries one comes into the topic, also over a crash, and each is answered with its position.
 *
 * The producer's record is in the same commit as the entries, and says where they are: so the commit goes in only where
 * it was expected to. Where others come in between it is put together anew.
 */

import {
  type CommitOptions,
  ConflictError,
  type Log,
  type Stream,
  type WriteSet,
} from '@walrus/log'
import { WalrusError } from '@walrus/codec'
import type { Ledger } from './ledger.ts'
import { type Produced, Producers, REMEMBERED, type ProducerState } from './producer-state.ts'
import type { TopicRecord } from './records.ts'
import type { TopicState } from './topic-state.ts'

/** Who appends, and which of its appends it is. */
export interface ProducerOptions {
  /** Its name: any text of up to 1,024 bytes. One producer has one call after the other, or numbers them so. */
  readonly producer: string
  /** 0 to 2^53 - 1, higher than those before; a retry has that of the first try. */
  readonly sequence: number
}

export interface ProducingHost {
  readonly stream: Stream
  /** The position the next entry gets, if everything under way goes well. */
  expected(): number
  readonly state: TopicState
}

export class Producing {
  readonly #log: Log
  readonly #ledger: Ledger
  readonly #host: ProducingHost
  readonly #ageMs: number
  readonly #underWay = new Map<string, Promise<readonly number[]>>()

  constructor(log: Log, ledger: Ledger, host: ProducingHost, ageMs: number) {
    this.#log = log
    this.#ledger = ledger
    this.#host = host
    this.#ageMs = ageMs
  }

  /**
   * @param put puts the entries into a commit, and takes part in it
   * @throws `WALRUS_SEQUENCE_TOO_OLD`
   */
  append(
    { producer, sequence }: ProducerOptions,
    count: number,
    put: (set: WriteSet) => void,
    options: CommitOptions,
  ): Promise<readonly number[]> {
    const id = `${sequence} ${producer}`
    const first = this.#underWay.get(id)
    if (first !== undefined) return first
    const answer = this.#append(producer, sequence, count, put, options).finally(() => {
      this.#underWay.delete(id)
    })
    this.#underWay.set(id, answer)
    return answer
  }

  async #append(
    name: string,
    sequence: number,
    count: number,
    put: (set: WriteSet) => void,
    options: CommitOptions,
  ): Promise<readonly number[]> {
    for (let found = 0; ; ) {
      const { state } = this.#host
      const now = this.#log.storage.env.now()
      state.producers ??= new Producers()
      const producer = state.producers.named(name)
      const known = this.#known(producer, sequence, now)
      if (known !== undefined) return positionsOf(known)
      const position = Math.max(this.#host.expected(), found)
      const batch = this.#log.batch()
      put(batch)
      batch.expect(this.#host.stream, position)
      this.#ledger.enter(batch, recordsOf(state, producer, { sequence, position, count }, now))
      try {
        await this.#log.commit(batch, options)
        return positionsOf({ sequence, position, count })
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error
        found = error.found
      }
    }
  }

  #known(producer: ProducerState, sequence: number, now: number): Produced | undefined {
    const { recent, time } = producer
    if (recent.length === 0 || now - time > this.#ageMs) return undefined
    const known = recent.find((each) => each.sequence === sequence)
    if (known !== undefined || recent.length < REMEMBERED) return known
    if (sequence > recent[0]!.sequence) return undefined
    throw new WalrusError(
      'WALRUS_SEQUENCE_TOO_OLD',
      `sequence ${sequence} of producer ${JSON.stringify(producer.name)} is older than those remembered, from ${recent[0]!.sequence} on: whether it was appended is not known; nothing was written`,
    )
  }
}

function positionsOf({ position, count }: Produced): number[] {
  return Array.from({ length: count }, (_, at) => position + at)
}

function* recordsFor(
  state: TopicState,
  producer: ProducerState,
  produced: Produced,
  time: number,
): IterableIterator<TopicRecord> {
  const { number: topic } = state
  if (!state.declared) yield { kind: 'topic', topic, name: state.name }
  if (!producer.declared) {
    yield { kind: 'producer', topic, producer: producer.number, name: producer.name }
  }
  yield { kind: 'produced', topic, producer: producer.number, ...produced, time }
}

function recordsOf(...args: Parameters<typeof recordsFor>): TopicRecord[] {
  return [...recordsFor(...args)]
}
