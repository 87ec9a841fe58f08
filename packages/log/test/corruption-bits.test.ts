/** Every bit of a small log flipped: an error that says where, or the right data; never other data. */

import { isDeepStrictEqual } from 'node:util'
import { SimulatedDisk } from '@walrus/storage-sim'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, outcomeOf } from './outcome.ts'
import { bytesOf, cut, flipped, index, openOn, segment } from './simulated.ts'

const SEGMENT = segment(1)
const INDEX = index(1)
const TAIL = 'TAIL'
const ENTRIES = ['one', 'two', 'three', 'four']

/** A log of a few groups: closed, or left as by a kill with the last group not yet known to be durable. */
async function smallLog(closed: boolean): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openOn(disk)
  await log.append(ENTRIES[0]!)
  await log.appendBatch([ENTRIES[1]!, ENTRIES[2]!])
  await disk.pass(10)
  await log.append(ENTRIES[3]!)
  // Most of the zeros written ahead would only take time.
  if (!closed) return cut(disk, SEGMENT, 4096)
  await log.close()
  return disk
}

/** What is wrong with an outcome, in words. `least` entries must be there, or an error. */
function faults(outcome: Outcome, least: number): string[] {
  const { refused, iterated, stopped, each, tornAt } = outcome
  const found: string[] = []
  if (refused !== undefined) {
    if (refused.file === undefined || refused.offset === undefined) found.push('refused, not where')
    return found
  }
  if (iterated.some((entry, at) => entry !== ENTRIES[at])) found.push(`iterated ${iterated.join()}`)
  if (stopped === undefined) {
    if (iterated.length < least) found.push(`${iterated.length} entries and no error`)
    if (iterated.length < ENTRIES.length && tornAt !== iterated.length + 1) {
      found.push('the end was not reported')
    }
  } else if (stopped.code !== 'WALRUS_CORRUPT' || stopped.index !== iterated.length + 1) {
    found.push(`stopped by ${stopped.code} at index ${stopped.index}`)
  }
  each.forEach((entry, at) => {
    if (typeof entry === 'string') {
      if (entry !== ENTRIES[at]) found.push(`index ${at + 1} reads ${entry}`)
    } else if (entry.code === 'WALRUS_CORRUPT') {
      if (entry.file === undefined || entry.offset === undefined || entry.index !== at + 1) {
        found.push(`index ${at + 1} is damaged, and the error does not say where`)
      }
    } else if (entry.code !== 'WALRUS_INDEX_OUT_OF_RANGE' || at < iterated.length) {
      found.push(`index ${at + 1}: ${entry.code}`)
    }
  })
  return found
}

/** Flips each bit of a file in turn. */
async function faultsOfFlips(image: SimulatedDisk, file: string, least: number): Promise<string[]> {
  const found: string[] = []
  const lastByte = bytesOf(image, file).findLastIndex((byte) => byte !== 0)
  for (let bit = 0; bit < (lastByte + 1) * 8; bit++) {
    // Between the two slots of a tail file there is nothing, for long.
    if (file === TAIL && bit >>> 3 > 160 && bit >>> 3 < 500) continue
    const disk = flipped(image, file, bit >>> 3, 1 << (bit & 7))
    const before = disk.files()
    const outcome = await outcomeOf(disk, ENTRIES.length)
    const here = faults(outcome, least)
    if (outcome.refused !== undefined && !isDeepStrictEqual(disk.files(), before)) {
      here.push('files were changed')
    }
    found.push(...here.map((fault) => `bit ${bit & 7} of byte ${bit >>> 3}: ${fault}`))
  }
  return found
}

describe('of a log that was closed', () => {
  let image: SimulatedDisk
  beforeAll(async () => {
    image = await smallLog(true)
  })

  it('a bit of the segment', async () => {
    expect(await faultsOfFlips(image, SEGMENT, ENTRIES.length)).toEqual([])
  })

  it('a bit of the index', async () => {
    expect(await faultsOfFlips(image, INDEX, ENTRIES.length)).toEqual([])
  })

  it('a bit of the tail file', async () => {
    expect(await faultsOfFlips(image, TAIL, ENTRIES.length)).toEqual([])
  })
})

describe('of a log whose writer was killed', () => {
  let image: SimulatedDisk
  beforeAll(async () => {
    image = await smallLog(false)
  })

  it('a bit of the segment', async () => {
    // The last group is not known to have been durable: it may be taken for torn.
    expect(await faultsOfFlips(image, SEGMENT, ENTRIES.length - 1)).toEqual([])
  })

  it('a bit of the tail file', async () => {
    expect(await faultsOfFlips(image, TAIL, ENTRIES.length)).toEqual([])
  })
})
