import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const segments = (): string[] => readdirSync(dir()).filter((name) => name.endsWith('.seg'))

describe('opening a log that was closed cleanly', () => {
  it('goes on in the same segment', async () => {
    for (let opening = 0; opening < 5; opening++) {
      const log = await Log.open(dir())
      expect(log.recovery).toEqual({
        clean: true,
        scannedBytes: 0,
        cut: undefined,
        takenOver: { groups: 0, entries: 0 },
        torn: undefined,
        quarantined: [],
      })
      expect(log.lastIndex).toBe(opening * 2)
      await log.append(numbered(opening, 500))
      log.appendSync(numbered(opening, 300))
      await log.close()
      expect(segments()).toEqual(['000000000001.seg'])
    }
    const log = await Log.open(dir())
    const read = await log.range(1, 10)
    const expected = [0, 1, 2, 3, 4].flatMap((at) => [numbered(at, 500), numbered(at, 300)])
    expect(read.map(({ data }) => digest(data))).toEqual(expected.map(digest))
    await log.close()
  })

  it('goes on in the same segment also when nothing was ever appended', async () => {
    for (let opening = 0; opening < 3; opening++) {
      const log = await Log.open(dir())
      expect(log.recovery.clean).toBe(true)
      await log.close()
    }
    expect(segments()).toEqual(['000000000001.seg'])
    expect(statSync(join(dir(), '000000000001.seg')).size).toBe(192)
  })

  it('reads the index of the last segment, and none of the entries', async () => {
    const log = await Log.open(dir(), { segmentBytes: 2 ** 20 })
    for (let at = 0; at < 30; at++) await log.append(numbered(at, 100_000))
    const { segments: count } = log.stats()
    expect(count).toBeGreaterThan(2)
    await log.close()
    const storage = observed()
    const again = await Log.open(dir(), { storage })
    const reads = storage.calls.filter(({ what }) => what === 'read')
    const bytes = reads.reduce((sum, { length }) => sum + length, 0)
    expect(
      reads.filter(({ file }) => file.endsWith('.seg') && file !== segments().at(-1)),
    ).toHaveLength(1)
    expect(bytes).toBeLessThan(16_384)
    expect(digest((await again.get(30)).data)).toBe(digest(numbered(29, 100_000)))
    await again.close()
  })

  it('does not depend on the index: without it, or with a damaged one, the segment is read', async () => {
    const log = await Log.open(dir())
    const expected = Array.from({ length: 50 }, (_, at) => numbered(at, 1_000))
    await log.appendBatch(expected)
    await log.close()
    const index = join(dir(), '000000000001.idx')
    for (const damage of [
      () => rmSync(index),
      () => writeFileSync(index, ''),
      () => writeFileSync(index, Buffer.alloc(5_000, 1)),
    ]) {
      damage()
      const again = await Log.open(dir())
      expect(again.recovery.clean).toBe(true)
      expect(again.lastIndex).toBe(50)
      expect((await again.range(1, 50)).map(({ data }) => digest(data))).toEqual(
        expected.map(digest),
      )
      await again.close()
    }
  })

  it('removes what was never finished, and leaves everything else alone', async () => {
    const log = await Log.open(dir())
    await log.append('x')
    await log.close()
    const unfinished = ['000000000002.seg.1.new', '000000000002.seg.17.new', '000000000001.idx.new']
    const others = [
      'notes.txt',
      '000000000002.seg.bak',
      'a.new',
      '2.seg.1.new',
      '000000000002.seg.1.new.old',
    ]
    for (const name of [...unfinished, ...others]) writeFileSync(join(dir(), name), 'x')
    const again = await Log.open(dir())
    expect(again.recovery.clean).toBe(true)
    const names = readdirSync(dir())
    for (const name of unfinished) expect(names).not.toContain(name)
    for (const name of others) expect(names).toContain(name)
    expect(await again.append('y')).toBe(2)
    await again.close()
  })

  it('takes other options than it was written with', async () => {
    const log = await Log.open(dir(), { segmentBytes: 2 ** 20, durability: 'none' })
    for (let at = 1; at <= 20; at++) log.appendSync(numbered(at, 20_000))
    await log.close()
    const small = await Log.open(dir(), { segmentBytes: 65_536 })
    for (let at = 21; at <= 30; at++) expect(await small.append(numbered(at, 20_000))).toBe(at)
    expect(small.stats().segments).toBe(5)
    await small.close()
    const large = await Log.open(dir(), { segmentBytes: 2 ** 30, durability: { everyMs: 50 } })
    expect(await large.append(numbered(31, 20_000))).toBe(31)
    const read = await large.range(1, 31)
    expect(read.map(({ data }) => digest(data))).toEqual(
      Array.from({ length: 31 }, (_, at) => digest(numbered(at + 1, 20_000))),
    )
    await large.close()
  })

  it('works after the directory has been moved', async () => {
    const first = join(dir(), 'first')
    const log = await Log.open(first, { segmentBytes: 65_536 })
    for (let at = 0; at < 10; at++) await log.append(numbered(at, 20_000))
    await log.close()
    const second = join(dir(), 'second')
    renameSync(first, second)
    const again = await Log.open(second)
    expect(again.recovery.clean).toBe(true)
    expect(await again.range(1, 10)).toHaveLength(10)
    await again.close()
  })
})
