/** Segments cut, missing, renamed, swapped, foreign or too new: an error that says where, or the right data. */

import {
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '@walrus/codec'
import { beforeAll, describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { FaultyStorage } from './faulty-storage.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { pick, randomFrom } from './random.ts'
import { filesIn, scratch } from './scratch.ts'

const { fresh, copyOf } = scratch()

/** Four segments of three entries. */
const ENTRIES = Array.from({ length: 12 }, (_, at) => String.fromCharCode(97 + at).repeat(20_000))
const COUNT = ENTRIES.length
const SEGMENTS = [1, 2, 3, 4]

const segment = (id: number): string => `${String(id).padStart(12, '0')}.seg`
const index = (id: number): string => `${String(id).padStart(12, '0')}.idx`

async function bigLog(seed: number): Promise<string> {
  const dir = fresh()
  const storage = new FaultyStorage({ seed })
  const log = await Log.open(dir, { storage, segmentBytes: 0x1_0000 })
  for (const entry of ENTRIES) await log.append(entry)
  await log.close()
  // What a writer was preparing when it was killed, which only an opening that succeeds may remove.
  writeFileSync(join(dir, `${segment(5)}.1.new`), 'never finished')
  return dir
}

let image: string
let other: string

beforeAll(async () => {
  image = await bigLog(1)
  other = await bigLog(2)
})

/** The image with something done to it. */
function tampered(change: (dir: string) => void): string {
  const dir = copyOf(image)
  change(dir)
  return dir
}

/** What is wrong with an outcome, in words: an answer may be an error that says where, or the right data. */
function faults(outcome: Outcome): string[] {
  const { refused, iterated, stopped, each } = outcome
  if (refused !== undefined) return refused.file === undefined ? ['refused, not where'] : []
  const found: string[] = []
  if (iterated.some((entry, at) => entry !== ENTRIES[at])) found.push('iterated other data')
  if (stopped === undefined && iterated.length < COUNT) {
    found.push(`${iterated.length} entries and no error`)
  }
  if (stopped !== undefined && stopped.file === undefined) found.push('stopped, not where')
  each.forEach((entry, at) => {
    if (typeof entry !== 'string') {
      if (entry.file === undefined || entry.offset === undefined) found.push(`${at + 1}: not where`)
    } else if (entry !== ENTRIES[at]) found.push(`index ${at + 1} reads other data`)
  })
  return found
}

/** As `faults`; whatever is refused must be left as it was. */
async function faultsOf(dir: string): Promise<string[]> {
  const before = filesIn(dir)
  const outcome = await outcomeOf(dir, COUNT)
  const found = faults(outcome)
  if (outcome.refused !== undefined) {
    if (JSON.stringify(filesIn(dir)) !== JSON.stringify(before)) found.push('files were changed')
  }
  const readOnly = await outcomeOf(dir, COUNT, true)
  found.push(...faults(readOnly).map((fault) => `read-only: ${fault}`))
  rmSync(dir, { recursive: true })
  return found
}

async function codeOf(dir: string): Promise<unknown> {
  const { refused, stopped } = await outcomeOf(dir, COUNT)
  return refused ?? stopped
}

describe('a segment that was cut', () => {
  it.for(SEGMENTS)('anywhere (segment %i)', async (id) => {
    const size = readFileSync(join(image, segment(id))).length
    const random = randomFrom(id)
    const lengths = new Set([0, 1, 191, 192, 193, 255, 256, size - 65, size - 64, size - 1])
    for (let more = 0; more < 40; more++) lengths.add(pick(random, size))
    const found: string[] = []
    for (const length of lengths) {
      for (const withIndex of [true, false]) {
        const dir = tampered((at) => {
          truncateSync(join(at, segment(id)), length)
          if (!withIndex) unlinkSync(join(at, index(id)))
        })
        const what = `cut to ${length}, with index: ${withIndex}`
        found.push(...(await faultsOf(dir)).map((fault) => `${what}: ${fault}`))
      }
    }
    expect(found).toEqual([])
  })

  it('names the segment, the place and the index', async () => {
    const dir = tampered((at) => truncateSync(join(at, segment(2)), 30_000))
    expect(await codeOf(dir)).toEqual({
      code: 'WALRUS_CORRUPT',
      file: join(dir, segment(2)),
      offset: 192 + 64 + 20_028 + 64,
      index: 5,
    })
  })
})

describe('a segment that is missing', () => {
  it.for(SEGMENTS)('is named (segment %i)', async (id) => {
    const dir = tampered((at) => unlinkSync(join(at, segment(id))))
    const before = filesIn(dir)
    expect((await outcomeOf(dir, COUNT)).refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
      file: join(dir, segment(id)),
    })
    expect(filesIn(dir)).toEqual(before)
  })

  it('is named when all are', async () => {
    const dir = tampered((at) => SEGMENTS.forEach((id) => unlinkSync(join(at, segment(id)))))
    expect((await outcomeOf(dir, COUNT)).refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
    })
  })

  it.for([2, 3, 4])('is noticed without a tail file too (segment %i)', async (id) => {
    const dir = tampered((at) => {
      unlinkSync(join(at, segment(id)))
      unlinkSync(join(at, 'TAIL'))
    })
    expect((await outcomeOf(dir, COUNT)).refused).toMatchObject({
      code: 'WALRUS_SEGMENT_MISSING',
      file: join(dir, segment(id)),
    })
  })
})

describe('a segment under another name', () => {
  it('swapped with another', async () => {
    const found: string[] = []
    for (const a of SEGMENTS) {
      for (const b of SEGMENTS.filter((id) => id > a)) {
        const dir = tampered((at) => {
          renameSync(join(at, segment(a)), join(at, 'aside'))
          renameSync(join(at, segment(b)), join(at, segment(a)))
          renameSync(join(at, 'aside'), join(at, segment(b)))
        })
        const outcome = await outcomeOf(copyOf(dir), COUNT)
        expect(outcome.refused ?? outcome.stopped).toMatchObject({ code: 'WALRUS_CORRUPT' })
        found.push(...(await faultsOf(dir)).map((fault) => `${a} and ${b}: ${fault}`))
      }
    }
    expect(found).toEqual([])
  })

  it.for(SEGMENTS)('over another (segment %i over the others)', async (id) => {
    const found: string[] = []
    for (const target of SEGMENTS.filter((each) => each !== id)) {
      const dir = tampered((at) => copyFileSync(join(at, segment(id)), join(at, segment(target))))
      const outcome = await outcomeOf(copyOf(dir), COUNT)
      expect(outcome.refused ?? outcome.stopped).toMatchObject({ code: 'WALRUS_CORRUPT' })
      found.push(...(await faultsOf(dir)).map((fault) => `over ${target}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('as one more at the end', async () => {
    const dir = tampered((at) => copyFileSync(join(at, segment(2)), join(at, segment(5))))
    expect((await outcomeOf(dir, COUNT)).refused).toMatchObject({ code: 'WALRUS_CORRUPT' })
  })
})

describe('a segment of another log', () => {
  it.for(SEGMENTS)('in the place of segment %i', async (id) => {
    const found: string[] = []
    for (const from of SEGMENTS) {
      const dir = tampered((at) => copyFileSync(join(other, segment(from)), join(at, segment(id))))
      const { refused, stopped } = await outcomeOf(copyOf(dir), COUNT)
      expect((refused ?? stopped)?.code).toMatch(/^WALRUS_(CORRUPT|FOREIGN_FILE)$/)
      found.push(...(await faultsOf(dir)).map((fault) => `its segment ${from}: ${fault}`))
    }
    expect(found).toEqual([])
  })

  it('as the last one is named as foreign', async () => {
    const dir = tampered((at) => copyFileSync(join(other, segment(4)), join(at, segment(4))))
    expect((await outcomeOf(dir, COUNT)).refused).toMatchObject({
      code: 'WALRUS_FOREIGN_FILE',
      file: join(dir, segment(4)),
      offset: 16,
    })
  })
})

describe('a segment of a newer version', () => {
  it.for(SEGMENTS)('is refused as that (segment %i)', async (id) => {
    const dir = tampered((at) => {
      const bytes = readFileSync(join(at, segment(id)))
      bytes.writeUInt32LE(0x0002_0000, 8)
      bytes.writeUInt32LE(crc32(bytes, 0, 0, 188), 188)
      writeFileSync(join(at, segment(id)), bytes)
    })
    const { refused, stopped } = await outcomeOf(dir, COUNT)
    expect(refused ?? stopped).toMatchObject({
      code: 'WALRUS_UNSUPPORTED_FORMAT',
      file: join(dir, segment(id)),
    })
  })
})
