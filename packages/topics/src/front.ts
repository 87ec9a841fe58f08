/** Letting go of the front of a topic: what is dropped is counted, written down, and truncated, in this order. */

import type { Stream } from '@walrus/log'
import { bytesBetween } from './counter.ts'
import type { Engine } from './engine.ts'
import { declared } from './records.ts'

/** What moving the front needs of its topic. */
export interface FrontOf {
  readonly name: string
  readonly stream: Stream
  readonly first: number
  bytesBefore(position: number): number | undefined
}

/**
 * Drops the entries before a position, as durably as the log makes it.
 * @param bytes of data of all entries before that, if known
 * @returns how many bytes of data went
 */
export async function moveFront(
  engine: Engine,
  topic: FrontOf,
  position: number,
  bytes: number | undefined,
): Promise<number> {
  const { first, stream } = topic
  const before = topic.bytesBefore(first)
  const dropped =
    bytes !== undefined && before !== undefined
      ? bytes - before
      : await bytesBetween(stream, first, position)
  const state = engine.state.topic(topic.name)
  const known = bytes ?? (before === undefined ? undefined : before + dropped)
  const record = { kind: 'front', topic: state.number, position, bytes: known } as const
  await engine.ledger.write(declared(state, [record]))
  await stream.truncateFront(position)
  return dropped
}
