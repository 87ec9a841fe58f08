/** The storages give the same, and a storage that does not is noticed. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Log } from '@walrus/log'
import { fd } from '@walrus/segment'
import { describe, expect, onTestFinished, test } from 'vitest'
import { randomFrom } from '../src/random.ts'
import { differences, type Result, runSame } from '../src/same.ts'
import { Turns } from '../src/turns.ts'

describe('the same workload', () => {
  test('has the same answers and leaves the same files on every storage', async () => {
    const { counts, violations } = await runSame({ runs: 12, seed: 1 })
    expect(violations).toEqual([])
    expect(counts['workloads']).toBe(12)
    expect(counts['groups and frames']).toBeGreaterThan(300)
  })
})

describe('what differs', () => {
  const result: Result = {
    ...{ storage: 'fd', align: 1 },
    ...{ answers: ['a', 'b'], frames: ['f'], files: { TAIL: '1', '1.seg': '2' } },
  }

  test.each([
    [{ answers: ['a'] }, 'fd and mmap: answers differ at 1: b, and nothing'],
    [{ frames: ['g'] }, 'fd and mmap: frames differ at 0: f, and g'],
    [{ files: { TAIL: '1' } }, 'fd and mmap: 1.seg differs'],
    [{ files: { ...result.files, '2.seg': '2' } }, 'fd and mmap: 2.seg differs'],
  ] as const)('is named: %j', (change, said) => {
    expect(differences([result, { ...result, storage: 'mmap', ...change }])).toEqual([said])
  })

  test('is not the bytes, where groups are aligned to something else', () => {
    const other = { ...result, storage: 'uring', align: 512, files: {} }
    expect(differences([result, other])).toEqual([])
    expect(differences([result, { ...other, answers: [] }])).toHaveLength(1)
  })
})

describe('in turns', () => {
  test('things come to their end in the order they began, and time is told', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'walrus-turns-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const turns = new Turns(fd(), { msEach: 1, random: randomFrom(1), traits: { align: 512 } })
    const { storage } = turns
    const ended: string[] = []
    const file = await storage.open(join(dir, 'a'), 'create')
    const began = storage.env.now()
    storage.env.after(2, () => ended.push('timer'))
    await Promise.all([
      file.write(new Uint8Array(1_000_000), 0, true).then(() => ended.push('long write')),
      file.write(new Uint8Array(1), 0, false).then(() => ended.push('short write')),
      file.size().then(() => ended.push('size')),
    ])
    await turns.pause(60_000)
    expect(ended).toEqual(['long write', 'short write', 'size', 'timer'])
    expect(storage.env.now() - began).toBeGreaterThanOrEqual(60_000)
    await file.close()
    await turns.idle()
  })

  test('a timer that is called off does not run, also when it is due', async () => {
    const turns = new Turns(fd(), { msEach: 0, random: randomFrom(1), traits: {} })
    const { env } = turns.storage
    const ran: string[] = []
    let second: { cancel(): void } | undefined
    env.after(5, () => {
      ran.push('first')
      second?.cancel()
    })
    second = env.after(5, () => ran.push('second'))
    await turns.idle()
    expect(ran).toEqual(['first'])
  })

  test('a log goes on while nobody waits for it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'walrus-turns-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const turns = new Turns(fd(), { msEach: 0, random: randomFrom(1), traits: {} })
    const options = { storage: turns.storage, durability: { everyMs: 50 } }
    const log = await Log.open(join(dir, 'log'), options)
    const before = turns.storage.env.now()
    expect(await Promise.all([log.append('a'), log.append('b')])).toEqual([1, 2])
    expect(log.marks).toMatchObject({ written: 3, durable: 1 })
    await turns.idle()
    expect(turns.storage.env.now() - before).toBe(55)
    expect(log.marks.durable).toBe(3)
    await log.close()
  })
})
