/** Removing the oldest segments: by policy, after truncations, held back by claims; and never anything else. */

import { readdirSync } from 'node:fs'
import { SimulatedDisk } from '@walrus/storage-sim'
import { afterEach, describe, expect, it } from 'vitest'
import { Log, type LogOptions, type Need, type RetentionPolicy, verify } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { LogProcess } from './log-process.ts'
import { DIR, runOn } from './simulated.ts'

const dir = freshDirectory()
const open: Log[] = []
const processes: LogProcess[] = []
afterEach(async () => {
  for (const log of open.splice(0)) await log.close()
  for (const process of processes.splice(0)) await process.kill()
})

async function openLog(options: LogOptions = {}): Promise<Log> {
  const log = await Log.open(dir(), { segmentBytes: 65_536, ...options })
  open.push(log)
  return log
}

function segmentsIn(path: string): number[] {
  const names = readdirSync(path).filter((name) => /^\d+\.seg$/.test(name))
  return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
}

/** About six to a segment. */
const ENTRY = new Uint8Array(10_000)

async function fill(log: Log, count: number, stream?: string): Promise<void> {
  const to = stream === undefined ? log : log.stream(stream)
  for (let at = 0; at < count; at++) await to.append(ENTRY)
}

/** Waits until what goes on in the background has come to its end. */
async function settled(log: Log): Promise<void> {
  await log.retain({ maxSegments: 1_000_000 })
}

describe('a policy', () => {
  it.each<[RetentionPolicy, string]>([
    [{ maxSegments: 0 }, 'retention.maxSegments must be an integer from 1'],
    [{ maxSegments: -3 }, 'retention.maxSegments must be an integer from 1'],
    [{ maxBytes: 0 }, 'retention.maxBytes must be an integer from 1'],
    [{ maxAgeMs: 0 }, 'retention.maxAgeMs must be an integer from 1'],
    [{ maxAgeMs: 1.5 }, 'retention.maxAgeMs must be an integer from 1'],
    [{ dropClaimed: 1 } as object, 'retention.dropClaimed must be true or false'],
    [{ maxSegment: 1 } as object, 'retention has no option "maxSegment"'],
  ])('of %j is refused', async (retention, message) => {
    const refused = { code: 'WALRUS_INVALID_OPTION', message: expect.stringContaining(message) }
    await expect(Log.open(dir(), { retention })).rejects.toMatchObject(refused)
  })

  it('is not there by default: nothing goes, however much there is', async () => {
    const log = await openLog()
    await fill(log, 60)
    const { segments, kept } = await log.retain()
    expect(segments).toEqual([])
    expect(kept.segments).toBeGreaterThan(9)
    await log.close()
    expect(segmentsIn(dir())[0]).toBe(1)
  })

  it('of the most segments lets the oldest go as new ones come, and only those', async () => {
    const log = await openLog({ retention: { maxSegments: 3 } })
    await fill(log, 60)
    await fill(log, 60, 's')
    await settled(log)
    expect(segmentsIn(dir()).length).toBeLessThanOrEqual(4)
    expect(log.firstIndex).toBe(0)
    expect(log.nextIndex).toBe(61)
    const stream = log.stream('s')
    expect(stream.first).toBeGreaterThan(30)
    expect(await stream.range(0, 100)).toHaveLength(60 - stream.first)
    await log.retain({ maxSegments: 3 })
    expect(segmentsIn(dir())).toHaveLength(3)
    const { first } = stream
    await log.close()
    const again = await openLog()
    expect([again.stream('s').first, again.stream('s').next]).toEqual([first, 60])
    expect(again.nextIndex).toBe(61)
    expect(await again.append('x')).toBe(61)
    expect((await verify(dir())).ok).toBe(true)
  })

  it('of the most bytes keeps so many, but always the segment being written', async () => {
    const log = await openLog()
    await fill(log, 60)
    const report = await log.retain({ maxBytes: 200_000 })
    expect(report.kept.bytes).toBeLessThanOrEqual(200_000)
    expect(report.kept.bytes).toBeGreaterThan(130_000)
    expect(report.bytes).toBe(report.segments.reduce((sum, { bytes }) => sum + bytes, 0))
    expect(report.streams).toEqual([{ stream: '', first: 1, last: log.firstIndex - 1 }])
    await log.retain({ maxBytes: 1 })
    expect(segmentsIn(dir())).toHaveLength(1)
    expect(await log.range(log.firstIndex, 60)).not.toHaveLength(0)
  })

  it('of the highest age lets go what is older, whole segments at a time, without a caller', async () => {
    const disk = new SimulatedDisk({ seed: 1 })
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, {
        storage,
        segmentBytes: 65_536,
        retention: { maxAgeMs: 3_600_000 },
      })
      const wait = (ms: number): Promise<void> =>
        new Promise((resolve) => void storage.env.after(ms, resolve, true))
      await fill(log, 20)
      await wait(1_800_000)
      await fill(log, 20)
      await settled(log)
      expect(log.firstIndex).toBe(1)
      await wait(1_900_000)
      expect(log.firstIndex).toBeGreaterThan(12)
      expect(log.firstIndex).toBeLessThanOrEqual(21)
      await wait(3_600_000)
      // The segment being written stays, and what was committed while it was.
      expect(log.firstIndex).toBeGreaterThan(30)
      expect(log.lastIndex).toBe(40)
      await log.close()
    })
  })
})

describe('a claim', () => {
  const needing =
    (...needs: Need[]) =>
    () =>
      needs

  it('keeps what it needs, and lets the rest go', async () => {
    const log = await openLog()
    await fill(log, 30)
    await fill(log, 30, 's')
    const claim = log.claim('billing', needing({ from: 15 }, { stream: 's', from: 29 }))
    const report = await log.retain({ maxSegments: 1 })
    expect(report.claims).toEqual([{ name: 'billing', stream: '', from: 15, dropped: false }])
    expect(log.firstIndex).toBeGreaterThan(6)
    expect(log.firstIndex).toBeLessThanOrEqual(15)
    claim.release()
    await log.retain({ maxSegments: 1 })
    expect(segmentsIn(dir())).toHaveLength(1)
  })

  it('that has read everything holds nothing back', async () => {
    const log = await openLog()
    await fill(log, 30)
    log.claim('done', needing({ from: 31 }, { stream: 'unknown', from: 0 }))
    expect((await log.retain({ maxSegments: 1 })).claims).toEqual([])
    expect(segmentsIn(dir())).toHaveLength(1)
  })

  it('is passed over only by a policy that says so', async () => {
    const log = await openLog()
    await fill(log, 30)
    log.claim('slow', needing({ from: 2 }))
    expect((await log.retain({ maxSegments: 1 })).segments).toEqual([])
    const { claims, segments } = await log.retain({ maxSegments: 1, dropClaimed: true })
    expect(claims).toEqual([{ name: 'slow', stream: '', from: 2, dropped: true }])
    expect(segments.length).toBeGreaterThan(3)
  })

  it('that throws lets nothing go, and is told', async () => {
    const log = await openLog({ retention: { maxSegments: 1 } })
    const broken = new Error('broken')
    const claim = log.claim('broken', () => {
      throw broken
    })
    await fill(log, 30)
    await expect(log.retain()).rejects.toBe(broken)
    expect(segmentsIn(dir())[0]).toBe(1)
    expect(log.stats().retentionFailure).toBe(broken)
    claim.release()
    await fill(log, 12)
    await log.retain()
    expect(segmentsIn(dir())).toHaveLength(1)
  })

  it('is refused on a log opened for reading, and without a name or a function', async () => {
    const log = await openLog()
    expect(() => log.claim('', () => [])).toThrow('non-empty')
    expect(() => log.claim('x', [] as never)).toThrow('function')
    const reader = await openLog({ readOnly: true })
    expect(() => reader.claim('x', () => [])).toThrow('opened for reading')
    await expect(reader.retain({ maxSegments: 1 })).rejects.toMatchObject({
      code: 'WALRUS_READ_ONLY',
    })
  })
})

describe('a dry run', () => {
  it('says what would go, and changes nothing', async () => {
    const log = await openLog()
    await fill(log, 30)
    await fill(log, 3, 's')
    log.claim('reader', () => [{ from: 20 }])
    await settled(log)
    const before = readdirSync(dir())
    const planned = await log.retain({ maxSegments: 1, dryRun: true })
    expect(readdirSync(dir())).toEqual(before)
    expect(log.firstIndex).toBe(1)
    expect(planned.dryRun).toBe(true)
    const done = await log.retain({ maxSegments: 1 })
    expect(done).toEqual({ ...planned, dryRun: false })
    expect(done.streams).toEqual([{ stream: '', first: 1, last: log.firstIndex - 1 }])
    await log.close()
    const reader = await openLog({ readOnly: true })
    expect((await reader.retain({ maxSegments: 1, dryRun: true })).segments.length).toBeGreaterThan(
      0,
    )
  })
})

describe('what was truncated away', () => {
  it('is reclaimed without a policy, and no more than that', async () => {
    const log = await openLog()
    await fill(log, 40)
    await log.truncateFront(25)
    await settled(log)
    const left = segmentsIn(dir())
    expect(left[0]).toBeGreaterThan(3)
    expect(await log.range(1, 100)).toHaveLength(16)
    await log.truncate(24)
    await fill(log, 12)
    await settled(log)
    expect(segmentsIn(dir())[0]).toBeGreaterThan(left.at(-1)! - 1)
    expect(await log.range(1, 100)).toHaveLength(12)
  })

  it('stays while another stream has live entries in the same segment or before', async () => {
    const log = await openLog()
    await log.stream('quiet').append('kept')
    await fill(log, 40)
    await log.truncateFront(41)
    await settled(log)
    expect(segmentsIn(dir())[0]).toBe(1)
    await log.stream('quiet').truncateFront(1)
    await settled(log)
    expect(segmentsIn(dir())).toHaveLength(1)
    expect(log.streams()).toEqual(['quiet'])
    expect(await log.stream('quiet').append('next')).toBe(1)
  })
})

describe('readers', () => {
  it('go on beside writers while segments go', async () => {
    const log = await openLog({ retention: { maxSegments: 4 }, durability: 'none' })
    const read: number[] = []
    const reading = (async () => {
      for await (const { index } of log.entries({ follow: true, to: 300 })) read.push(index)
    })()
    for (let at = 0; at < 300; at++) {
      await log.append(ENTRY)
      if (at % 20 === 0) await log.sync()
    }
    await reading.catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    })
    expect(read).toEqual(Array.from({ length: read.length }, (_, at) => at + 1))
  })

  it('in the middle of a removed segment get a coded error, or the entry', async () => {
    const log = await openLog()
    await fill(log, 40)
    const gets = Array.from({ length: 20 }, (_, at) => log.get(at + 1))
    const retained = log.retain({ maxSegments: 1 })
    const later = Array.from({ length: 20 }, (_, at) => log.get(at + 1))
    const answers = await Promise.allSettled([...gets, ...later])
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') expect(answer.value.index).toBe((at % 20) + 1)
      else expect(answer.reason.code).toMatch(/^WALRUS_(TRUNCATED_AWAY|INDEX_OUT_OF_RANGE)$/)
    }
    await retained
    await expect(log.get(1)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })
  })

  it('in another process follow over truncation and removal, and say what they miss', async () => {
    const writer = new LogProcess(dir())
    processes.push(writer)
    await writer.open({ segmentBytes: 65_536 })
    await writer.tell('appendMany', { count: 30, size: 10_000 })
    await writer.tell('appendToStream', { name: 's', text: 'zero' })
    const reader = await openLog({ readOnly: true })
    await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBe(30)
    const behind = reader.entries()
    expect((await behind.next()).value!.index).toBe(1)
    const atEnd = reader.entries({ from: 31, follow: true })
    const coming = atEnd.next()

    await writer.tell('retain', { maxSegments: 2 })
    await writer.tell('append', ['thirty-one'])
    expect((await coming).value!.index).toBe(31)
    expect(reader.firstIndex).toBeGreaterThan(15)
    const read = async (): Promise<void> => {
      for (;;) if ((await behind.next()).done) return
    }
    await expect(read()).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    await expect(reader.get(1)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })

    const cut = atEnd.next()
    await writer.tell('truncate', 29)
    await writer.tell('append', ['30', '31', '32'])
    await expect(cut).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY', index: 32 })
    await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBe(32)
    const texts = (await reader.range(30, 32)).map(({ data }) => Buffer.from(data).toString())
    expect(texts).toEqual(['30', '31', '32'])
    expect(reader.streams()).toEqual(['s'])

    await writer.tell('appendMany', { count: 30, size: 10_000 })
    const late = await openLog({ readOnly: true })
    const sooner = await openLog({ readOnly: true })
    await writer.tell('retain', { maxSegments: 1 })
    // They have not looked since, nor read before, and the files are gone.
    await expect(late.get(31)).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    expect(() => sooner.getSync(31)).toThrow(/truncated away/)
    await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBe(62)
    await expect(reader.retain({ dryRun: true, maxSegments: 1 })).resolves.toMatchObject({
      segments: [],
    })
    expect(await reader.range(0, 100)).toHaveLength(63 - reader.firstIndex)
  })

  it('that fell behind get no entry behind a cut they cannot know of', async () => {
    const log = await openLog()
    await fill(log, 60, 's')
    const reader = await openLog({ readOnly: true })
    const stream = reader.stream('s')
    await expect.poll(() => reader.refresh().then(() => stream.next)).toBe(60)
    // Two batches are in memory; nothing more is looked for before the first is consumed.
    const entries = stream.entries({ follow: true })
    await entries.next()
    await log.stream('s').truncate(-1)
    await fill(log, 50, 's')
    await fill(log, 12)
    await fill(log, 20, 's')
    const { segments } = await log.retain({ maxSegments: 2 })
    expect(segments.length).toBeGreaterThan(8)
    await reader.refresh()
    await expect.poll(() => reader.refresh().then(() => stream.next)).toBe(70)
    await expect(entries.next()).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY', index: 1 })
    expect(await stream.range(0, 99)).toHaveLength(70 - log.stream('s').first)
  })

  it('that fell behind by more than is left see what is left, and cannot go on unawares', async () => {
    const log = await openLog()
    await fill(log, 3, 's')
    const reader = await openLog({ readOnly: true })
    const stream = reader.stream('s')
    await expect.poll(() => reader.refresh().then(() => stream.next)).toBe(3)
    const entries = stream.entries({ follow: true })
    for (let at = 0; at < 3; at++) await entries.next()
    // Nobody looks while all this happens.
    await fill(log, 20)
    await log.stream('s').truncate(0)
    await fill(log, 30, 's')
    await log.retain({ maxSegments: 1 })
    await fill(log, 1, 's')
    await expect(entries.next()).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    await expect.poll(() => reader.refresh().then(() => stream.next)).toBe(32)
    expect(stream.first).toBe(log.stream('s').first)
    expect(await stream.range(0, 99)).toHaveLength(32 - stream.first)
    expect(reader.nextIndex).toBe(21)
  })
})
