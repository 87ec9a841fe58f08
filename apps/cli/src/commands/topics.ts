/** `walrus topics`: what topics there are, and how far each is read. */
import { type Topic, type TopicInfo, Topics } from '@walrus/topics'
import { escapeText } from '../escape.ts'
import { formatBytes, formatColumns, formatCount } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { Output, print } from '../output.ts'

export interface TopicsOptions {
  readonly dir: string
  readonly json?: true
}

/** What a rate is taken over. */
const RATE_MS = 60_000

interface Described extends TopicInfo {
  /** Entries a second in the last minute. */
  readonly rate: number
}

export async function topics({ dir, json }: TopicsOptions): Promise<number> {
  const opened = await Topics.open(dir, { readOnly: true })
  try {
    if (json) {
      const output = new Output(() => {})
      for (const name of opened.list()) {
        if (output.closed) break
        output.putText(toJsonLine(await describe(opened.topic(name))))
        if (output.full) await output.flush()
      }
      await output.flush()
      return 0
    }
    const rows: string[][] = []
    for (const name of opened.list()) rows.push(rowOf(await describe(opened.topic(name))))
    await print(rows.length === 0 ? 'no topics\n' : formatColumns([HEAD, ...rows], 'lrrrrll'))
    return 0
  } finally {
    await opened.close()
  }
}

async function describe(topic: Topic): Promise<Described> {
  const info = await topic.info()
  const since = await topic.stream.seek(Date.now() - RATE_MS)
  return { ...info, rate: Math.max(0, info.end - since) / (RATE_MS / 1000) }
}

const HEAD = ['topic', 'entries', 'unread', 'bytes', 'per s', 'last append', 'cursors']

function rowOf({ name, entries, unread, bytes, rate, lastAppend, cursors }: Described): string[] {
  const named = cursors.filter((cursor) => cursor.name !== '')
  return [
    escapeText(name),
    formatCount(entries),
    formatCount(unread),
    formatBytes(bytes),
    rate.toFixed(1),
    lastAppend === undefined ? 'never' : new Date(lastAppend).toISOString(),
    named.map(({ name: cursor, lag }) => `${escapeText(cursor)} -${formatCount(lag)}`).join(', '),
  ]
}
