/** A few of each, on the log as it is: everything must hold. `pnpm real-faults` does more of them. */

import { describe, expect, test } from 'vitest'
import { runEio, runFailingDisk, runFull, runKill, runSweep, seedsFor } from '../src/index.ts'
import { FILE_SYSTEMS, mountDisk } from '../src/disk.ts'
import { storageMissing } from '../src/storages.ts'
import { straceMissing } from '../src/strace.ts'

const noStrace = await straceMissing()

/** What keeps the file systems from being mounted here. */
function notMounted(): string[] {
  return FILE_SYSTEMS.flatMap((type) => {
    try {
      mountDisk(type).unmount()
      return []
    } catch (error) {
      return [String(error)]
    }
  })
}

describe('a killed process', () => {
  test.for(['fd'])(
    'loses nothing that was acknowledged, five times over, under each durability (%s)',
    async (storage, context) => {
      const missing = await storageMissing(storage)
      if (missing !== undefined) context.skip(missing)
      const { counts, violations } = await runKill({ seeds: seedsFor(5, 1), storage })
      expect(violations).toEqual([])
      expect(counts).toMatchObject({ directories: 3, kills: 15 })
      expect(counts['calls acknowledged']).toBeGreaterThan(100)
    },
  )

  test('loses nothing wherever in its system calls it is killed', async (context) => {
    if (noStrace !== undefined) context.skip(noStrace)
    const { counts, violations } = await runSweep({ runs: 1, seed: 1, storage: 'fd' })
    expect(violations).toEqual([])
    expect(counts['kills']).toBeGreaterThan(0)
    expect(counts['places']).toBeGreaterThan(100)
  })
})

describe('a system call that fails', () => {
  test('is told, is final, and costs nothing that was acknowledged', async (context) => {
    if (noStrace !== undefined) context.skip(noStrace)
    const { counts, violations } = await runEio({ runs: 3, seed: 1, storage: 'fd' })
    expect(violations).toEqual([])
    expect(counts).toMatchObject({ runs: 9 })
    expect(counts['calls made to fail']).toBeGreaterThan(2)
  })
})

describe('a disk that fails', () => {
  test.for(['uring'])(
    'is told, is final, and costs nothing that was durable (%s)',
    async (storage, context) => {
      const [unmounted] = notMounted()
      const missing = (await storageMissing(storage)) ?? unmounted
      if (missing !== undefined) context.skip(missing)
      const { counts, violations, skipped } = await runFailingDisk({ runs: 1, seed: 1, storage })
      expect(violations).toEqual([])
      expect(skipped).toEqual([])
      expect(counts).toMatchObject({ runs: 3 })
      expect(counts['entries kept']).toBeGreaterThan(0)
    },
  )
})

describe('a full disk', () => {
  test.for(['mmap'])(
    'refuses, keeps what was acknowledged and is looked at, and takes more later (%s)',
    async (storage, context) => {
      const [unmounted] = notMounted()
      const missing = (await storageMissing(storage)) ?? unmounted
      if (missing !== undefined) context.skip(missing)
      const { counts, violations, skipped } = await runFull({ runs: 2, seed: 3, storage })
      expect(violations).toEqual([])
      expect(skipped).toEqual([])
      expect(counts).toMatchObject({ 'runs on ext4': 2, 'runs on tmpfs': 1, 'runs on btrfs': 1 })
      expect(counts['calls refused']).toBeGreaterThan(5)
      expect(counts['views kept']).toBeGreaterThan(50)
      expect(counts['views kept in another process']).toBeGreaterThan(20)
    },
  )
})

describe('seeds', () => {
  test('for so many kills give each durability as many directories of five', () => {
    expect(seedsFor(10, 0)).toEqual({ from: 0, to: 5 })
    expect(seedsFor(11, 0)).toEqual({ from: 0, to: 8 })
    expect(seedsFor(1, 4)).toEqual({ from: 6, to: 8 })
  })
})
