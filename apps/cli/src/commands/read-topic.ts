/**
 * `walrus read TOPIC`: the entries of a topic, from where a cursor is.
 *
 * An entry counts as read once it is written, and not before: where this ends in between, it comes again. With `--peek`
 * or `--from` nothing moves, and the log is opened for reading, so that a writer may run.
 */
import { type Cursor, type Topic, type TopicEntry, Topics } from '@walrus/topics'
import { printer, type ReadOptions } from '../entry-printer.ts'
import { usageError } from '../errors.ts'
import { Output } from '../output.ts'
import { topicNotFound } from './cursor.ts'

/** Bytes that are written before they count as read. */
const BATCH_BYTES = 0x10_0000
/** How often is looked for more, beside another process that writes. */
const LOOK_EVERY_MS = 50

export async function readTopic(options: ReadOptions, name: string): Promise<number> {
  const { dir, cursor = '', peek, from, to, follow } = options
  if (to !== undefined) throw usageError('--to is for the log itself: a topic is read by a cursor')
  if (from !== undefined && options.cursor !== undefined) {
    throw usageError('--from reads without a cursor: leave --cursor out')
  }
  const moves = peek === undefined && from === undefined
  const topics = await Topics.open(dir, { readOnly: !moves })
  try {
    const topic = topics.topic(name)
    if (!topic.exists && follow === undefined) throw topicNotFound(name, dir)
    const stop = new AbortController()
    const output = new Output(() => stop.abort())
    const print = printer(options, output)
    const read = moves
      ? consuming(topic.cursor(cursor), options)
      : looking(topics, topic, from ?? positionOf(topic, cursor), options)
    for await (const { entries, done } of read(stop.signal)) {
      for (const entry of entries) print(entry)
      await output.flush()
      if (output.closed) break
      await done()
    }
    return 0
  } finally {
    await topics.close()
  }
}

/** Entries, and what says that they are written. */
interface Batch {
  readonly entries: readonly TopicEntry[]
  readonly done: () => Promise<void>
}

type Read = (signal: AbortSignal) => AsyncGenerator<Batch>

/** What a cursor has not read, and then what comes. */
function consuming(cursor: Cursor, { follow, maxBytes }: ReadOptions): Read {
  return async function* (signal) {
    for (;;) {
      const entries = await cursor.read({ maxBytes: maxBytes ?? BATCH_BYTES, checkpoint: false })
      const last = entries.at(-1)
      if (last !== undefined) {
        yield { entries, done: () => cursor.commit(last.index + 1) }
        if (maxBytes !== undefined) return
      } else if (follow === true) {
        const next = cursor.next({ follow, checkpoint: false, signal }).catch(() => undefined)
        if ((await next) === undefined) return
      } else {
        return
      }
    }
  }
}

/** What is there from a position on, and then what comes; nothing moves. */
function looking(
  topics: Topics,
  topic: Topic,
  from: number,
  { follow, maxBytes }: ReadOptions,
): Read {
  return async function* (signal) {
    let at = Math.max(from, topic.first)
    for (;;) {
      const entries = await topic.read({ from: at, maxBytes: maxBytes ?? BATCH_BYTES })
      if (entries.length > 0) {
        yield { entries, done: async () => {} }
        if (maxBytes !== undefined) return
        at = entries.at(-1)!.index + 1
      } else if (follow === true && !signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
        await topics.refresh()
      } else {
        return
      }
    }
  }
}

function positionOf(topic: Topic, cursor: string): number {
  return topic.cursors().find(({ name }) => name === cursor)?.position ?? topic.first
}
