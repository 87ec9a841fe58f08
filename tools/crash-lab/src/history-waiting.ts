/** What calls on a log that wait, or go on while others do something, promise without any crash. */

import type { Log, LogEntry, RetentionReport } from '@walrus/log'
import { bytesOf, type History, type StreamName } from './history.ts'
import { codeOf, type HistoryDriver, LARGE, SPILLED } from './history-driver.ts'

/** A log, who drives it, and the states it goes through. */
export interface Waiting {
  readonly log: Log
  readonly driver: HistoryDriver
  readonly history: History
}

/** The end is cut behind iterations that have read what is cut, or read it ahead: they do not go on. */
export async function iterateOverCut(
  { log, driver, history }: Waiting,
  name: StreamName,
): Promise<string[]> {
  await driver.append(name, 4, 10)
  const { first, entries } = history.last[name]
  const next = first + entries.length
  const iterate = async (from: number, count: number): Promise<AsyncIterator<LogEntry>> => {
    const iteration = log.stream(name).entries({ from, follow: true })
    for (let n = 0; n < count; n++) await iteration.next()
    return iteration
  }
  const iterations = [await iterate(next - 4, 1), await iterate(next - 2, 2)]
  await driver.truncate(name, entries.length - 3)
  await driver.append(name, 4, 10)
  const found: string[] = []
  for (const iteration of iterations) {
    const code = await iteration.next().then(() => 'an entry', codeOf)
    if (code !== 'WALRUS_TRUNCATED_AWAY')
      found.push(`an iteration over what was cut goes on with ${code}`)
  }
  return found
}

/** What `log.transaction` has committed can be read when it resolves. */
export async function transact({ log, history }: Waiting, name: StreamName): Promise<string[]> {
  const serial = history.newEntry()
  const { first, entries } = history.last[name]
  await log.transaction(async (transaction) => {
    transaction.append(name, bytesOf(serial, 10))
  })
  history.change({ [name]: { first, entries: [...entries, serial] } })
  if (log.stream(name).next === first + entries.length + 1) return []
  return ['a transaction was acknowledged, and cannot be read']
}

/** Of segments that have just ended all go that may, and of two runs at once each says what it did itself. */
export async function retainAll({ log, driver, history }: Waiting): Promise<string[]> {
  await driver.append('', SPILLED, LARGE)
  const reports = await Promise.all([
    log.retain({ maxSegments: 2 }),
    log.retain({ maxSegments: 1 }),
  ])
  const found: string[] = []
  const { segments: left } = await log.retain({ maxSegments: 1, dryRun: true })
  if (left.length > 0) found.push(`retention leaves ${left.length} segments for later`)
  const files = reports.flatMap(({ segments }) => segments.map(({ file }) => file))
  if (new Set(files).size < files.length)
    found.push('two runs of retention removed the same segment')
  for (const report of reports) moved(history, report)
  return found
}

/** What lets segments go finds no space, and whoever asked for it is told. */
export async function retainWithoutSpace(
  { log, driver }: Waiting,
  space: (there: boolean) => void,
): Promise<string[]> {
  await driver.append('', SPILLED, LARGE)
  const { streams } = await log.retain({ maxSegments: 1, dryRun: true })
  space(false)
  const retained = await log.retain({ maxSegments: 1 }).then(() => 'done', codeOf)
  space(true)
  if (streams.length === 0 || retained === 'WALRUS_DISK_FULL') return []
  return [`retention without space is ${retained}`]
}

/** Notes what retention has let go. */
function moved(history: History, { streams }: RetentionReport): void {
  for (const { stream, last } of streams) {
    const { first, entries } = history.last[stream as StreamName]
    history.change({ [stream]: { first: last + 1, entries: entries.slice(last + 1 - first) } })
  }
}
