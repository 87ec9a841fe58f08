/** `walrus cursor list|create|seek|delete`: the cursors of a topic. */
import { type Topic, Topics } from '@walrus/topics'
import { WalrusError } from '@walrus/codec'
import { escapeText } from '../escape.ts'
import { formatColumns, formatCount } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'
import type { PlaceGiven } from '../values.ts'

interface Options {
  readonly dir: string
}

export async function list(topic: string, options: Options & { json?: true }): Promise<number> {
  return await onTopic(topic, options, true, async (found) => {
    const cursors = found.cursors()
    if (options.json) {
      await print(cursors.map(toJsonLine).join(''))
      return
    }
    const rows = cursors.map(({ name, position, lag, pending }) => [
      name === '' ? '(default)' : escapeText(name),
      ...[position, lag, pending].map(formatCount),
    ])
    const head = ['cursor', 'position', 'unread', 'handed out']
    await print(rows.length === 0 ? 'no cursors\n' : formatColumns([head, ...rows], 'lrrr'))
  })
}

export async function create(
  topic: string,
  cursor: string,
  options: Options & { at: PlaceGiven },
): Promise<number> {
  return await onTopic(topic, options, false, async (found) => {
    const { position } = await found.createCursor(cursor, options.at)
    await print(`${position}\n`)
  })
}

export async function seek(
  topic: string,
  cursor: string,
  options: Options & { at: PlaceGiven },
): Promise<number> {
  return await onTopic(topic, options, false, async (found) => {
    const moved = found.cursor(cursor)
    await moved.seek(options.at)
    await print(`${moved.position}\n`)
  })
}

export async function remove(topic: string, cursor: string, options: Options): Promise<number> {
  return await onTopic(topic, options, false, async (found) => await found.deleteCursor(cursor))
}

/** Does something with a topic that is there. */
async function onTopic(
  name: string,
  { dir }: Options,
  readOnly: boolean,
  work: (topic: Topic) => Promise<void>,
): Promise<number> {
  const topics = await Topics.open(dir, { readOnly })
  try {
    const topic = topics.topic(name)
    if (!topic.exists) throw topicNotFound(name, dir)
    await work(topic)
    return 0
  } finally {
    await topics.close()
  }
}

export function topicNotFound(name: string, dir: string): WalrusError {
  const message = `there is no topic ${JSON.stringify(name)} in ${dir}`
  return new WalrusError('WALRUS_TOPIC_NOT_FOUND', message)
}
