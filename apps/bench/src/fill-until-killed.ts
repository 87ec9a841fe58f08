/**
 * Program: fills the first segment of a log to 85 %, says so to its parent, and goes on appending until it is killed.
 *
 * usage: forked with DIRECTORY SEGMENT_BYTES commit|none
 */

import { Log } from '@walrus/log'

import { FRAME_BYTES, PAYLOAD } from './workload.ts'

/** Appends in flight: groups of a size that a busy server has. */
const BATCH = Array.from({ length: 64 }, () => PAYLOAD)
const BATCHES_IN_FLIGHT = 8

const [directory, segment, durability] = process.argv.slice(2)
if (directory === undefined || (durability !== 'commit' && durability !== 'none')) {
  throw new Error('usage: fill-until-killed.js DIRECTORY SEGMENT_BYTES commit|none')
}
const segmentBytes = Number(segment)
const enough = Math.floor((segmentBytes * 0.85) / FRAME_BYTES)

process.once('disconnect', () => process.exit(1))

const log = await Log.open(directory, { durability, segmentBytes })
async function fill(): Promise<void> {
  while (log.lastIndex < enough) await log.appendBatch(BATCH)
}
await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, fill))
process.send?.('nearly full')
for (;;) await log.appendBatch(BATCH)
