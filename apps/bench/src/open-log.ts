/**
 * Program: opens the log in a directory, gets so many entries at random (default 0), closes it again, and prints as one
 * line of JSON what that took. A process of its own for each opening, so that no memory or compiled code of an earlier
 * one is in the figures.
 *
 * usage: node open-log.js DIRECTORY [STORAGE [READS]]
 */

import { performance } from 'node:perf_hooks'
import { Log } from '@walrus/log'

import { randomIndex } from './random-index.ts'
import { type StorageName, storageNamed } from './storages.ts'

/** What {@link openInFreshProcess} reads back. */
export interface Opening {
  readonly milliseconds: number
  /** Resident memory of the whole process right after the opening, and after the reads. */
  readonly rssBytes: number
  readonly readRssBytes: number
  readonly lastIndex: number
}

const [directory, name = 'fd', reads = '0'] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node open-log.js DIRECTORY [STORAGE [READS]]')
const storage = await storageNamed(name as StorageName)

const begun = performance.now()
const log = await Log.open(directory, { storage })
const milliseconds = performance.now() - begun
const rssBytes = process.memoryUsage.rss()
const { lastIndex } = log
const next = randomIndex(lastIndex)
for (let left = Number(reads); left > 0; left--) await log.get(next() + 1)
const readRssBytes = process.memoryUsage.rss()
const opening: Opening = { milliseconds, rssBytes, readRssBytes, lastIndex }
await log.close()
process.stdout.write(`${JSON.stringify(opening)}\n`)
