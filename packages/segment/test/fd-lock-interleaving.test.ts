/**
 * Every step of a contender, with a rival acting in between.
 *
 * The contender's calls of the file system are counted; before the one whose turn it is, the rival
 * does its part. What the rival does is the same code, uncounted.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fd } from '../src/fd-storage.ts'
import type { Lock } from '../src/storage.ts'

type Hook = (name: string, args: unknown[]) => Promise<void>

const { contender } = vi.hoisted(() => ({
  contender: {} as { before?: Hook | undefined; failed?: Hook | undefined },
}))

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<Record<string, unknown>>()
  const mocked = { ...original }
  for (const name of ['open', 'write', 'fsync']) {
    const call = original[name] as (...args: unknown[]) => void
    mocked[name] = (...args: unknown[]) => {
      if (!contender.before) return call(...args)
      void contender.before(name, args).then(() => call(...args))
    }
  }
  return mocked
})

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<Record<string, unknown>>()
  const mocked = { ...original }
  for (const name of ['mkdir', 'open', 'readdir', 'readFile', 'readlink', 'rename', 'rm', 'stat']) {
    const call = original[name] as (...args: unknown[]) => Promise<unknown>
    mocked[name] = async (...args: unknown[]) => {
      await contender.before?.(name, args)
      try {
        return await call(...args)
      } catch (error) {
        await contender.failed?.(name, args)
        throw error
      }
    }
  }
  return mocked
})

const storage = fd()
const marked = new AsyncLocalStorage<true>()
let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-lock-'))
})

afterEach(async () => {
  contender.before = undefined
  contender.failed = undefined
  await rm(dir, { recursive: true, force: true })
})

interface Rival {
  readonly title: string
  /** Acts; resolves to the locks it keeps. */
  act(): Promise<Lock[]>
}

async function takeAndRelease(): Promise<void> {
  const lock = await storage.lock(dir).catch(() => undefined)
  await lock?.release()
}

const RIVALS: readonly Rival[] = [
  {
    title: 'takes the lock and keeps it',
    act: () =>
      storage.lock(dir).then(
        (lock) => [lock],
        () => [],
      ),
  },
  {
    title: 'takes the lock and lets go',
    act: async () => {
      await takeAndRelease()
      return []
    },
  },
  {
    title: 'takes the lock three times, so that its numbers come and go',
    act: async () => {
      for (let i = 0; i < 3; i++) await takeAndRelease()
      return []
    },
  },
  {
    title: 'takes the lock three times and keeps the last',
    act: async () => {
      for (let i = 0; i < 2; i++) await takeAndRelease()
      return storage.lock(dir).then(
        (lock) => [lock],
        () => [],
      )
    },
  },
]

/** Runs the contender once, the rival acting before its call number `turn`. */
async function race(rival: Rival, turn: number) {
  let calls = 0
  let kept: Lock[] = []
  contender.before = async () => {
    if (!marked.getStore() || ++calls !== turn) return
    kept = await marked.exit(() => rival.act())
  }
  const outcome = await marked.run(true, () =>
    storage.lock(dir).then(
      (lock) => ({ lock }),
      (error: { code: string }) => ({ code: error.code }),
    ),
  )
  contender.before = undefined
  return { outcome, kept, calls }
}

describe.each(RIVALS)('a rival that $title', (rival) => {
  it.each([0, 3])('at any step, %i locks having been before: one holds', async (before) => {
    for (let turn = 1; ; turn++) {
      await rm(join(dir, 'LOCK'), { recursive: true, force: true })
      for (let i = 0; i < before; i++) await takeAndRelease()
      const { outcome, kept, calls } = await race(rival, turn)
      const place = `the rival acted before call ${turn}`
      const held = 'lock' in outcome ? [outcome.lock, ...kept] : kept
      if (!('lock' in outcome)) expect(outcome.code, place).toBe('WALRUS_LOCKED')
      expect(held.length, place).toBe(1)
      expect((await storage.locked(dir))?.pid, place).toBe(process.pid)
      const epoch = held[0]?.epoch ?? 0
      await held[0]?.release()
      const next = await storage.lock(dir)
      expect(next.epoch, place).toBeGreaterThan(epoch)
      expect(await readdir(join(dir, 'LOCK')), place).toEqual([String(next.epoch)])
      await next.release()
      if (calls < turn) {
        expect(turn).toBeGreaterThan(12)
        break
      }
    }
  })
})

describe('a contender whose listing is old', () => {
  it('gets a number that was used and removed, and does not hold the lock by it', async () => {
    await takeAndRelease()
    let kept: Lock | undefined
    const published: string[] = []
    contender.before = async (name, [path, to]) => {
      if (!marked.getStore()) return
      if (name === 'rename' && /LOCK\/\d+$/.test(String(to))) published.push(String(to))
      // It has listed, and found lock 1 free.
      if (name !== 'mkdir' || kept || !String(path).includes('tmp-')) return
      await marked.exit(async () => {
        await takeAndRelease()
        await takeAndRelease()
        kept = await storage.lock(dir)
        expect(await readdir(join(dir, 'LOCK'))).toEqual(['4'])
      })
    }
    const attempt = marked.run(true, () => storage.lock(dir))
    await expect(attempt).rejects.toMatchObject({ code: 'WALRUS_LOCKED', state: 'running' })
    contender.before = undefined
    expect(published).toEqual([join(dir, 'LOCK', '2')])
    expect(kept?.epoch).toBe(4)
    expect(await readdir(join(dir, 'LOCK'))).toEqual(['4'])
    await kept?.release()
  })

  it('is refused a number that is gone a moment later, and goes on to the next', async () => {
    await takeAndRelease()
    let taken = 0
    contender.before = async (name, [path]) => {
      if (!marked.getStore() || name !== 'mkdir' || !String(path).includes('tmp-') || taken > 0)
        return
      taken++
      await marked.exit(takeAndRelease)
    }
    contender.failed = async (name, [, to]) => {
      if (!marked.getStore() || name !== 'rename') return
      expect(to).toBe(join(dir, 'LOCK', '2'))
      // A third has taken number 3, let go, and is half-way through clearing up.
      await marked.exit(() => rename(join(dir, 'LOCK', '2'), join(dir, 'LOCK', '3')))
    }
    const lock = await marked.run(true, () => storage.lock(dir))
    expect(taken).toBe(1)
    expect(lock.epoch).toBe(4)
    expect(await readdir(join(dir, 'LOCK'))).toEqual(['4'])
    await lock.release()
  })
})

describe('a contender whose directory is cleared away', () => {
  it('before it listens there, starts over', async () => {
    const listen = Server.prototype.listen
    const cleared: string[] = []
    vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args) {
      const start = () => listen.apply(this, args as Parameters<typeof listen>)
      if (!marked.getStore() || cleared.length > 0) return start()
      void marked.exit(async () => {
        cleared.push(...(await readdir(join(dir, 'LOCK'))))
        await takeAndRelease()
        start()
      })
      return this
    })
    const lock = await marked.run(true, () => storage.lock(dir))
    vi.restoreAllMocks()
    expect(cleared).toEqual([expect.stringMatching(/^tmp-/)])
    expect(lock.epoch).toBe(2)
    expect(await readdir(join(dir, 'LOCK'))).toEqual(['2'])
    expect((await readdir(join(dir, 'LOCK', '2'))).toSorted()).toEqual(['holder.json', 'socket'])
    await lock.release()
  })
})
