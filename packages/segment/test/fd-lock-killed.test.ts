import { execFile, fork } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fd } from '../src/fd-storage.ts'

const CONTENDERS = 8
const ACQUISITIONS = Number(process.env['WALRUS_TEST_LOCK_ACQUISITIONS'] ?? 200)

const storage = fd()
let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-lock-'))
})

afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

function program(name: string): string {
  return fileURLToPath(new URL(`processes/${name}.mjs`, import.meta.url))
}

function runUntilDeath(step: number): Promise<{ signal: string | null; out: string }> {
  return new Promise((resolve) => {
    const args = [program('dies-at-step'), dir, String(step)]
    execFile(process.execPath, args, (error, out) =>
      resolve({ signal: error?.signal ?? null, out }),
    )
  })
}

describe('a contender killed before any one of its steps', () => {
  it('neither keeps the lock nor leaves anything behind', { timeout: 60_000 }, async () => {
    const first = await storage.lock(dir)
    await first.release()
    let epoch = first.epoch
    for (let step = 1; ; step++) {
      const { signal, out } = await runUntilDeath(step)
      expect(await storage.locked(dir), `killed at step ${step}`).toBeUndefined()
      const lock = await storage.lock(dir)
      expect(lock.epoch, `killed at step ${step}`).toBeGreaterThan(epoch)
      expect(await readdir(join(dir, 'LOCK'))).toEqual([String(lock.epoch)])
      epoch = lock.epoch
      await lock.release()
      if (signal === null) {
        expect(Number(out)).toBe(step - 1)
        expect(step).toBeGreaterThan(12)
        break
      }
      expect(signal).toBe('SIGKILL')
    }
  })
})

describe('many contenders, about half of the holders killed', () => {
  it('never hold at once, and count upwards', {
    timeout: 60_000 + ACQUISITIONS * 300,
  }, async () => {
    const journal = join(dir, 'journal')
    await writeFile(journal, '')
    const living = new Map<number, ReturnType<typeof fork>>()
    let running = true
    let deaths = 0
    let failures = 0
    const start = (slot: number): void => {
      const child = fork(program('contender'), [dir, journal], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      living.set(slot, child)
      child.once('exit', (_code, signal) => {
        living.delete(slot)
        if (signal === 'SIGKILL') deaths++
        else failures++
        if (running) start(slot)
      })
    }
    for (let slot = 0; slot < CONTENDERS; slot++) start(slot)

    // Kills and stops come at any moment, also between two steps of taking the lock.
    let acquisitions = 0
    while (acquisitions < ACQUISITIONS) {
      await sleep(15)
      const victim = living.get(Math.floor(Math.random() * CONTENDERS))
      if (victim && Math.random() < 0.1) victim.kill('SIGKILL')
      else if (victim) {
        victim.kill('SIGSTOP')
        await sleep(Math.random() * 25)
        victim.kill('SIGCONT')
      }
      acquisitions = (await readFile(journal, 'utf8')).split('acquired').length - 1
    }
    running = false
    const ended = [...living.values()].map(
      (child) => new Promise((resolve) => child.once('exit', resolve)),
    )
    for (const child of living.values()) child.kill('SIGKILL')
    await Promise.all(ended)
    expect(failures).toBe(0)

    // Whatever a holder writes comes before its successor's first line, or two held at once.
    const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n')
    let held = { epoch: 0, pid: 0 }
    let kills = 0
    let last = ''
    for (const [index, line] of lines.entries()) {
      const [what, epochText, pidText] = line.split(' ')
      const [epoch, pid] = [Number(epochText), Number(pidText)]
      if (what === 'acquired') {
        expect(epoch, `line ${index}`).toBeGreaterThan(held.epoch)
        if (index > 0 && last !== 'releasing') kills++
        held = { epoch, pid }
      } else {
        expect({ epoch, pid }, `line ${index}: ${line}`).toEqual(held)
      }
      last = what ?? ''
    }
    const final = await storage.lock(dir)
    expect(final.epoch).toBeGreaterThan(held.epoch)
    expect(await readdir(join(dir, 'LOCK'))).toEqual([String(final.epoch)])
    await final.release()
    expect(kills).toBeGreaterThan(acquisitions / 4)
    console.info(
      `${acquisitions} acquisitions, ${kills} holders killed, ${deaths} processes killed, ` +
        `${lines.length} journal lines, no overlap, last epoch ${held.epoch}`,
    )
  })
})
