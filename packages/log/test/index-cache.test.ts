/** What is kept in memory of ended segments' indexes stays within its bound, and reading goes on right. */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { text } from './simulated.ts'

const dir = freshDirectory()
const MiB = 2 ** 20

describe('with indexCacheBytes of 1 MiB', () => {
  it('indexes with many streams are let go, longest unused first', async () => {
    const STREAMS = 2_000
    const ROUNDS = 60
    const log = await Log.open(dir(), { durability: 'none', segmentBytes: 0x2_0000 })
    for (let round = 0; round < ROUNDS; round++) {
      const batch = log.batch()
      for (let at = 0; at < STREAMS; at++) batch.append(`stream ${at}`, `${at}/${round}`)
      await log.commit(batch)
    }
    await log.close()

    const again = await Log.open(dir(), { readOnly: true, indexCacheBytes: MiB })
    let peak = 0
    for (let read = 0; read < 4 * ROUNDS; read++) {
      const at = Math.floor(read / ROUNDS) * 7
      const round = ROUNDS - 1 - (read % ROUNDS)
      expect(text(again.stream(`stream ${at}`).getSync(round).data)).toBe(`${at}/${round}`)
      const { indexBytes } = again.stats()
      peak = Math.max(peak, indexBytes)
      expect(indexBytes).toBeLessThanOrEqual(MiB)
    }
    expect(peak).toBeGreaterThan(0.9 * MiB)
    await again.close()
  }, 20_000)

  it('indexes that had to be made anew are, too', async () => {
    const COUNT = 600_000
    const log = await Log.open(dir(), { durability: 'none', segmentBytes: MiB })
    for (let at = 1; at <= COUNT; at++) log.appendSync(`${at}`)
    await log.close()
    for (const name of readdirSync(dir())) if (name.endsWith('.idx')) rmSync(join(dir(), name))

    const again = await Log.open(dir(), { readOnly: true, indexCacheBytes: MiB })
    expect(again.stats().segments).toBeGreaterThan(15)
    for (let at = 1; at <= COUNT; at += 20_000) {
      expect(text((await again.get(at)).data)).toBe(`${at}`)
      const { indexBytes } = again.stats()
      expect(indexBytes).toBeGreaterThan(0)
      expect(indexBytes).toBeLessThanOrEqual(MiB)
    }
    await again.close()
  }, 20_000)

  it('one that is larger is kept alone', async () => {
    const COUNT = 500_000
    const log = await Log.open(dir(), { durability: 'none', segmentBytes: 8 * MiB })
    for (let at = 1; at <= COUNT; at++) log.appendSync(`${at}`)
    await log.close()
    const [index] = readdirSync(dir()).filter((name) => name.endsWith('.idx'))
    rmSync(join(dir(), index!))
    const again = await Log.open(dir(), { readOnly: true, indexCacheBytes: MiB })
    expect(text(again.getSync(1).data)).toBe('1')
    expect(again.stats().indexBytes).toBeGreaterThan(MiB)
    expect(text(again.getSync(COUNT / 2).data)).toBe(`${COUNT / 2}`)
    expect(text(again.getSync(1).data)).toBe('1')
    await again.close()
  })
})
