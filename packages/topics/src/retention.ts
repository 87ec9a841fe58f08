/** Retention of one topic: which of its first entries a policy lets go. */

import type { LogEntry } from '@walrus/log'
import type { Engine } from './engine.ts'
import { type FrontOf, moveFront } from './front.ts'
import type { RetainOptions, TopicRetention, TopicRetentionReport } from './retention-policy.ts'

/** What retention needs of its topic. */
export interface RetainedTopic extends FrontOf {
  readonly end: number
  bytes(): Promise<number>
}

/** Drops what a policy lets go, unless it is only to be said. */
export async function retainTopic(
  engine: Engine,
  topic: RetainedTopic,
  { dryRun = false, ...policy }: RetainOptions,
): Promise<TopicRetentionReport> {
  const { name, first } = topic
  const wanted = await limitOf(engine, topic, policy)
  const cursors = engine.state.find(name)?.cursors ?? []
  const behind = cursors.filter(({ position }) => position < wanted)
  const dropUnread = policy.dropUnread === true
  const needed = Math.min(wanted, ...behind.map(({ position }) => position))
  const end = Math.max(first, dropUnread ? wanted : needed)
  const bytes = await bytesOf(topic, first, end)
  if (!dryRun && end > first) {
    await moveFront(engine, topic, end, knownAt(topic.bytesBefore(first), bytes))
  }
  return {
    topic: name,
    dryRun,
    first,
    end,
    entries: end - first,
    bytes,
    unread: dropUnread
      ? behind.map((cursor) => ({
          cursor: cursor.name,
          entries: end - Math.max(first, cursor.position),
        }))
      : [],
    heldBy: dropUnread ? [] : behind.map((cursor) => cursor.name),
  }
}

/** The position before which the limits let everything go. */
async function limitOf(
  { env }: Engine,
  topic: RetainedTopic,
  { maxAgeMs, maxBytes, maxEntries }: TopicRetention,
): Promise<number> {
  const { first, end, stream } = topic
  const limits = [first]
  if (maxEntries !== undefined) limits.push(end - maxEntries)
  if (maxAgeMs !== undefined) limits.push(await stream.seek(env.now() - maxAgeMs))
  if (maxBytes !== undefined) {
    let excess = (await topic.bytes()) - maxBytes
    let at = first
    for await (const { index, data } of upTo(topic, first, end)) {
      if (excess <= 0) break
      excess -= data.length
      at = index + 1
    }
    limits.push(at)
  }
  return Math.min(end, Math.max(...limits))
}

async function bytesOf(topic: RetainedTopic, first: number, end: number): Promise<number> {
  let bytes = 0
  for await (const { data } of upTo(topic, first, end)) bytes += data.length
  return bytes
}

async function* upTo(
  { stream }: RetainedTopic,
  first: number,
  end: number,
): AsyncGenerator<LogEntry, void, undefined> {
  if (first < end) yield* stream.entries({ from: first, to: end - 1 })
}

function knownAt(before: number | undefined, bytes: number): number | undefined {
  return before === undefined ? undefined : before + bytes
}
