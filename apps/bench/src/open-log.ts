/**
 * Program: opens the log in a directory, closes it again, and prints as one line of JSON what the opening took. A
 * process of its own for each opening, so that no memory or compiled code of an earlier one is in the figures.
 *
 * usage: node open-log.js DIRECTORY
 */

import { performance } from 'node:perf_hooks'
import { Log } from '@walrus/log'

/** What {@link openInFreshProcess} reads back. */
export interface Opening {
  readonly milliseconds: number
  /** Resident memory of the whole process right after the opening. */
  readonly rssBytes: number
  readonly lastIndex: number
}

const directory = process.argv[2]
if (directory === undefined) throw new Error('usage: node open-log.js DIRECTORY')

const begun = performance.now()
const log = await Log.open(directory)
const milliseconds = performance.now() - begun
const opening: Opening = {
  milliseconds,
  rssBytes: process.memoryUsage.rss(),
  lastIndex: log.lastIndex,
}
await log.close()
process.stdout.write(`${JSON.stringify(opening)}\n`)
