import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { digest, numbered, randomSizes } from './payloads.ts'

const dir = freshDirectory()
const DURABILITIES: Durability[] = ['commit', { everyMs: 5 }, 'none']
const SEGMENT_BYTES = 65_536

describe.each(DURABILITIES)(
  'entries of random sizes over dozens of segments, under %j',
  (durability) => {
    it('read back as they were, then and after reopening', async () => {
      const sizes = randomSizes(600, 9_000, 0xabcd)
      const log = await Log.open(dir(), { durability, segmentBytes: SEGMENT_BYTES })
      const payloads = sizes.map((size, at) => numbered(at + 1, size))
      const appended = payloads.map((payload) => log.append(payload))
      expect(await Promise.all(appended)).toEqual(sizes.map((_, at) => at + 1))
      expect(log.stats().segments).toBeGreaterThan(36)
      const read = await log.range(1, 600)
      expect(read.map(({ data }) => digest(data))).toEqual(payloads.map(digest))
      await log.close()

      const reopened = await Log.open(dir(), { durability, segmentBytes: SEGMENT_BYTES })
      expect(reopened.recovery.clean).toBe(true)
      expect([reopened.firstIndex, reopened.lastIndex]).toEqual([1, 600])
      for (const index of [600, 1, 300, 599, 2, 77]) {
        expect(digest((await reopened.get(index)).data)).toBe(digest(payloads[index - 1]!))
      }
      const again = await reopened.range(1, 600)
      expect(again.map(({ data }) => digest(data))).toEqual(payloads.map(digest))
      expect(await reopened.append('on it goes')).toBe(601)
      await reopened.close()
    })
  },
)

describe('a segment', () => {
  it.each([0, 1, 28, 100, 1_024, 32_000, 65_000, 65_300, 65_536, 70_000])(
    'ends where entries of %i bytes no longer fit, and not before',
    async (size) => {
      const log = await Log.open(dir(), { segmentBytes: SEGMENT_BYTES })
      const count = Math.max(3, Math.ceil(150_000 / (size + 28)))
      await Promise.all(Array.from({ length: count }, (_, at) => log.append(numbered(at, size))))
      await log.close()
      const files = segmentSizes(dir())
      const inner = files.slice(0, -1)
      const frame = size + 28 + 4
      for (const bytes of inner) {
        if (frame + 64 + 64 + 192 < SEGMENT_BYTES) expect(bytes).toBeLessThanOrEqual(SEGMENT_BYTES)
        expect(bytes).toBeGreaterThan(Math.min(SEGMENT_BYTES - frame - 64 - 64, frame))
      }
      expect(files.length).toBeGreaterThanOrEqual(3)
      const reopened = await Log.open(dir())
      const read = await reopened.range(1, count)
      expect(read.map(({ data }) => digest(data))).toEqual(
        read.map((_, at) => digest(numbered(at, size))),
      )
      expect(read).toHaveLength(count)
      await reopened.close()
    },
  )

  it('is sealed, indexed and trimmed once its successor is durable', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, segmentBytes: SEGMENT_BYTES })
    for (let at = 0; at < 10; at++) await log.append(numbered(at, 20_000))
    await expect
      .poll(() => readdirSync(dir()).filter((name) => name.endsWith('.idx')))
      .toHaveLength(3)
    const seal = storage.calls.findIndex(({ what, file, bytes }) => {
      return (
        what === 'write' &&
        file === '000000000001.seg' &&
        Buffer.from(bytes).toString('latin1', 0, 4) === 'WSEL'
      )
    })
    const successor = storage.calls.findIndex(
      ({ what, file }) => what === 'rename' && file === '000000000002.seg',
    )
    const named = storage.calls.findIndex(({ what }, at) => what === 'syncDir' && at > successor)
    expect(successor).toBeGreaterThan(0)
    expect(named).toBeGreaterThan(successor)
    expect(seal).toBeGreaterThan(named)
    const { at, length } = storage.calls[seal]!
    const [first] = segmentSizes(dir())
    expect(first).toBe(at + length)
    await log.close()
  })

  it('costs no descriptor once it has ended', async () => {
    const log = await Log.open(dir(), { segmentBytes: SEGMENT_BYTES })
    await log.append('first')
    const before = readdirSync('/proc/self/fd').length
    for (let at = 0; at < 60; at++) await log.append(numbered(at, 40_000))
    await log.sync()
    expect(log.stats().segments).toBe(60)
    await expect.poll(() => readdirSync('/proc/self/fd').length - before).toBeLessThan(10)
    await log.close()
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before)
  })

  it.each([
    [
      'one after another',
      async (reads: (() => Promise<void>)[]) => {
        for (const read of reads) await read()
      },
    ],
    [
      'all at once',
      async (reads: (() => Promise<void>)[]) => {
        await Promise.all(reads.map((read) => read()))
      },
    ],
  ])('is read with a bounded number of descriptors, %s', async (_name, all) => {
    const options = { segmentBytes: SEGMENT_BYTES, durability: 'none' } as const
    const first = await Log.open(dir(), options)
    for (let at = 1; at <= 150; at++) first.appendSync(numbered(at, 40_000))
    for (const open of [() => first, () => reopened(first)]) {
      const log = await open()
      const before = readdirSync('/proc/self/fd').length
      const reads = Array.from({ length: 150 }, (_, at) => async (): Promise<void> => {
        expect(digest((await log.get(at + 1)).data)).toBe(digest(numbered(at + 1, 40_000)))
      })
      await all(reads)
      const more = (): number => readdirSync('/proc/self/fd').length - before
      await expect.poll(more).toBeLessThanOrEqual(2 * 64)
      await log.close()
      expect(readdirSync('/proc/self/fd').length).toBeLessThan(before)
    }
  })
})

/** The log, closed and opened again. */
async function reopened(log: Log): Promise<Log> {
  await log.close()
  return await Log.open(log.dir)
}

function segmentSizes(path: string): number[] {
  const names = readdirSync(path).filter((name) => name.endsWith('.seg'))
  return names.sort().map((name) => statSync(join(path, name)).size)
}
