/** `walrus reclaim`: what every cursor of a topic has read is given up. */
import { type Topic, Topics } from '@walrus/topics'
import { escapeText } from '../escape.ts'
import { formatBytes, formatColumns, formatCount, plural } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'

export interface ReclaimOptions {
  readonly dir: string
  readonly dryRun?: true
  readonly json?: true
}

interface Passed {
  readonly topic: string
  /** The first position that goes, and the one after the last. */
  readonly from: number
  readonly to: number
}

export async function reclaim(options: ReclaimOptions): Promise<number> {
  const { dir, dryRun = false } = options
  const topics = await Topics.open(dir, { readOnly: dryRun })
  try {
    const passed = topics
      .list()
      .map((name) => passedOf(topics.topic(name)))
      .filter(({ from, to }) => to > from)
    if (!dryRun) await topics.reclaim()
    // What topics have given up goes with the segments that hold nothing else.
    const { segments, bytes } = await topics.log.retain({ dryRun })
    const report = { done: !dryRun, topics: passed, segments, bytes }
    await print(
      options.json ? toJsonLine(report) : describe(passed, segments.length, bytes, dryRun),
    )
    return 0
  } finally {
    await topics.close()
  }
}

/** What all cursors of a topic have passed; nothing where there is none. */
function passedOf(topic: Topic): Passed {
  const positions = topic.cursors().map(({ position }) => position)
  const to = positions.length === 0 ? topic.stream.first : Math.min(...positions)
  return { topic: topic.name, from: topic.stream.first, to }
}

function describe(
  passed: readonly Passed[],
  segments: number,
  bytes: number,
  dryRun: boolean,
): string {
  const would = dryRun ? 'would go' : 'gone'
  const rows = passed.map(({ topic, from, to }) => [
    escapeText(topic),
    formatCount(to - from),
    `${formatCount(from)} to ${formatCount(to - 1)}`,
  ])
  const table =
    rows.length === 0 ? '' : formatColumns([['topic', would, 'positions'], ...rows], 'lrl')
  const now = dryRun ? 'would be removed now' : 'removed'
  return `${table}${plural(segments, 'segment', 'segments')} ${now} (${formatBytes(bytes)})\n`
}
