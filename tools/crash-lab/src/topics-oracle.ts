/**
 * What topics owe whoever used them, at any moment: what a crash may have taken, and what may come again.
 *
 * It is told of every call before it is made, and of every answer; a copy of it is what was owed at a crash.
 */

import type { Topic, Topics } from '@walrus/topics'

/** Topics that are appended to directly. */
export const SOURCES = ['a', 'b'] as const
/** Whose entries are made in transactions that consume the first source. */
export const RESULTS = 'results'
/** The cursor those transactions move. */
export const WORKER = 'worker'
export const GROUP = 'group'

/** A cursor as whoever reads with it sees it. */
export interface Reading {
  /** Entries handed over. */
  handed: number
  /** What must not come again: it was committed, or closed, or moved to. */
  least: number
  /** Entries handed over together last. */
  batch: number
  /** Where it is being moved to. */
  moving: number | undefined
}

export interface Owed {
  /** For each source: what was appended, in order; and how much of that is acknowledged. */
  readonly sent: Record<string, string[]>
  readonly acknowledged: Record<string, number>
  readonly cursors: Record<string, Reading>
  /** Entries that may come again to a cursor, at most, unless a batch was larger. */
  persistEvery: number
  /** Results whose transaction is acknowledged. */
  results: number
  /** Where the worker and the group began. */
  workerFrom: number | undefined
  groupFrom: number | undefined
  /** Of the group: what was acknowledged, or is being; and how often each entry was handed out. */
  readonly acked: number[]
  readonly acking: number[]
  readonly attempts: Record<number, number>
  /** The position of each sequence of the producer whose append is acknowledged. */
  readonly produced: Record<number, number>
  /** Topics that were marked as clean, and not appended to since. */
  readonly clean: string[]
}

export function nothingOwed(): Owed {
  return {
    sent: { a: [], b: [] },
    acknowledged: { a: 0, b: 0 },
    cursors: {},
    persistEvery: 1,
    results: 0,
    workerFrom: undefined,
    groupFrom: undefined,
    acked: [],
    acking: [],
    attempts: {},
    produced: {},
    clean: [],
  }
}

export function text(entry: { readonly data: Uint8Array }): string {
  return Buffer.from(entry.data).toString()
}

/** What is not as it is owed. Consumes nothing. */
export async function violationsOf(topics: Topics, owed: Owed): Promise<string[]> {
  const found: string[] = []
  const list = topics.list()
  for (const name of SOURCES) {
    const topic = topics.topic(name)
    const [least, most] = [owed.acknowledged[name]!, owed.sent[name]!.length]
    if (topic.end < least || topic.end > most) {
      found.push(`topic ${name} has ${topic.end} entries, and must have ${least} to ${most}`)
    }
    if (topic.end > 0 && !list.includes(name)) found.push(`topic ${name} is not in the list`)
    found.push(...(await contentsOf(topic, owed.sent[name]!)))
    if (owed.clean.includes(name) && !topic.clean) found.push(`topic ${name} is not clean`)
    for (const cursor of topic.cursors()) {
      const reading = owed.cursors[`${name}/${cursor.name}`]
      if (reading !== undefined)
        found.push(...positionOf(`${name}/${cursor.name}`, cursor.position, reading, owed))
      if (topic.first > cursor.position) {
        found.push(
          `topic ${name} begins at ${topic.first}, and ${cursor.name} needs ${cursor.position}`,
        )
      }
    }
  }
  for (const [key, { least }] of Object.entries(owed.cursors)) {
    const [name, cursor] = key.split('/') as [string, string]
    const isThere = topics
      .topic(name)
      .cursors()
      .some((each) => each.name === cursor)
    if (least > 0 && !isThere) found.push(`cursor ${key} is gone`)
  }
  return [...found, ...(await resultsOf(topics, owed)), ...groupOf(topics, owed)]
}

async function contentsOf(topic: Topic, sent: readonly string[]): Promise<string[]> {
  let at = topic.first
  let bytes = 0
  for await (const entry of topic.scan()) {
    bytes += entry.data.length
    if (entry.index !== at++ || text(entry) !== sent[entry.index]) {
      return [`topic ${topic.name} has ${text(entry).slice(0, 20)} at ${entry.index}`]
    }
  }
  if (at !== topic.end) return [`topic ${topic.name} ends at ${at}, and says ${topic.end}`]
  const counted = await topic.bytes()
  return counted === bytes ? [] : [`topic ${topic.name} has ${bytes} bytes, and says ${counted}`]
}

function positionOf(name: string, position: number, reading: Reading, owed: Owed): string[] {
  const { handed, least, batch, moving } = reading
  if (position === moving) return []
  const again = handed - position
  const most = Math.max(owed.persistEvery, batch)
  if (again < 0) return [`cursor ${name} is at ${position}, and only ${handed} were handed over`]
  if (position < least || again > most) {
    return [
      `cursor ${name} is at ${position}: ${again} come again, and may ${most}, from ${least} on`,
    ]
  }
  return []
}

/** Of every entry that the worker has passed there is one result, and of no other. */
async function resultsOf(topics: Topics, owed: Owed): Promise<string[]> {
  const position =
    topics
      .topic('a')
      .cursors()
      .find(({ name }) => name === WORKER)?.position ?? 0
  const results: string[] = []
  for await (const entry of topics.topic(RESULTS).scan()) results.push(text(entry))
  const expected = owed.sent['a']!.slice(owed.workerFrom, position).map(
    (each) => `of ${each.slice(0, 20)}`,
  )
  if (results.length < owed.results) {
    return [`${results.length} results are left of ${owed.results}`]
  }
  return results.join() === expected.join()
    ? []
    : [`the worker is at ${position}, and ${results.length} results are there`]
}

function groupOf(topics: Topics, owed: Owed): string[] {
  const group = topics
    .topic('b')
    .cursors()
    .find(({ name }) => name === GROUP)
  const floor = group?.position ?? 0
  const settled = new Set([...owed.acked, ...owed.acking])
  const { groupFrom = floor } = owed
  const passed = Array.from({ length: floor }, (_, at) => at).filter(
    (at) => at >= groupFrom && !settled.has(at),
  )
  return passed.length === 0 ? [] : [`the group has passed ${passed.join()} without an ack`]
}

/** Reads everything on that is left, and says what of it is not as it is owed. */
export async function goOn(topics: Topics, owed: Owed): Promise<string[]> {
  const found: string[] = []
  for (const key of Object.keys(owed.cursors)) {
    const [name, cursor] = key.split('/') as [string, string]
    const topic = topics.topic(name)
    let at = topic.cursor(cursor).position
    for await (const entry of topic.cursor(cursor).consume()) {
      if (entry.index !== at) found.push(`cursor ${key} goes on with ${entry.index}, not ${at}`)
      at = entry.index + 1
    }
    if (at !== topic.end) found.push(`cursor ${key} ends at ${at} of ${topic.end}`)
  }
  const group = topics.topic('b').group(GROUP)
  for (;;) {
    // Longer than any delay.
    const delivery = await group.next({ timeoutMs: 500 })
    if (delivery === undefined) break
    const { index, attempts } = delivery
    if (owed.acked.includes(index)) found.push(`the group has ${index} again, which was acked`)
    if (attempts <= (owed.attempts[index] ?? 0))
      found.push(`${index} comes for the ${attempts}. time`)
    await delivery.ack()
  }
  if (group.floor !== topics.topic('b').end) found.push(`the group ends at ${group.floor}`)
  for (const [sequence, position] of Object.entries(owed.produced)) {
    const by = { producer: 'p', sequence: Number(sequence) }
    const again = await topics.topic('b').append('again', by)
    if (again !== position)
      found.push(`sequence ${sequence} is at ${again}, and was at ${position}`)
  }
  return found
}
