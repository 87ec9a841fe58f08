/** Everything in a log. */

import { type Log, type LogEntry } from '@walrus/log'

/** Entries of each stream, the plain log's under the empty name. */
export type Contents = ReadonlyMap<string, readonly Pick<LogEntry, 'index' | 'data'>[]>

export async function contentsOf(log: Log): Promise<Contents> {
  const contents = new Map<string, LogEntry[]>()
  for (const name of ['', ...log.streams()]) {
    const source = name === '' ? log : log.stream(name)
    const entries: LogEntry[] = []
    for await (const entry of source.entries()) entries.push(entry)
    contents.set(name, entries)
  }
  return contents
}

export function entriesIn(contents: Contents): number {
  return [...contents.values()].reduce((sum, entries) => sum + entries.length, 0)
}

/** Whether two logs hold the same, byte for byte. */
export function sameContents(a: Contents, b: Contents): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every((stream) => {
    const left = a.get(stream) ?? []
    const right = b.get(stream) ?? []
    return (
      left.length === right.length &&
      left.every(
        ({ index, data }, at) =>
          index === right[at]!.index && Buffer.compare(data, right[at]!.data) === 0,
      )
    )
  })
}
