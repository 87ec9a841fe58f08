/** A few of each, on the log as it is: everything must hold. `pnpm crash` does more of them. */

import { describe, expect, test } from 'vitest'
import { runEio, runFull, runKill, runSweep, seedsFor } from '../src/index.ts'
import { mountDisk } from '../src/disk.ts'
import { straceMissing } from '../src/strace.ts'

const noStrace = await straceMissing()

function whyNot(type: 'ext4' | 'tmpfs'): string | undefined {
  try {
    mountDisk(type).unmount()
    return undefined
  } catch (error) {
    return String(error)
  }
}

describe('a killed process', () => {
  test('loses nothing that was acknowledged, five times over, under each durability', async () => {
    const { counts, violations } = await runKill({ seeds: seedsFor(5, 1), storage: 'fd' })
    expect(violations).toEqual([])
    expect(counts).toMatchObject({ directories: 3, kills: 15 })
    expect(counts['calls acknowledged']).toBeGreaterThan(100)
  })

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

describe('a full disk', () => {
  test('refuses, keeps what was acknowledged, and takes more later', async (context) => {
    const missing = whyNot('ext4') ?? whyNot('tmpfs')
    if (missing !== undefined) context.skip(missing)
    const { counts, violations, skipped } = await runFull({ runs: 3, seed: 3, storage: 'fd' })
    expect(violations).toEqual([])
    expect(skipped).toEqual([])
    expect(counts).toMatchObject({ 'runs on ext4': 3, 'runs on tmpfs': 1 })
    expect(counts['calls refused']).toBeGreaterThan(5)
  })
})

describe('seeds', () => {
  test('for so many kills give each durability as many directories of five', () => {
    expect(seedsFor(10, 0)).toEqual({ from: 0, to: 5 })
    expect(seedsFor(11, 0)).toEqual({ from: 0, to: 8 })
    expect(seedsFor(1, 4)).toEqual({ from: 6, to: 8 })
  })
})
