/** Cases of the writer's lock within one process. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type DefineCase, failure } from './suite.ts'

export function lockCases(define: DefineCase): void {
  define('a lock names its holder while it is held', async ({ storage, dir }) => {
    const { env } = storage
    assert.equal(await storage.locked(dir), undefined)
    const from = env.now()
    const lock = await storage.lock(dir)
    const to = env.now()
    assert.equal(lock.epoch, 1)
    const holder = await storage.locked(dir)
    assert.ok(holder !== undefined)
    assert.equal(holder.pid, env.pid)
    assert.equal(holder.host, env.host)
    assert.ok(holder.since >= from && holder.since <= to)
    await lock.release()
    assert.equal(await storage.locked(dir), undefined)
  })

  define('a second writer is refused and told by whom', async ({ storage, dir }) => {
    const { env } = storage
    const lock = await storage.lock(dir)
    await assert.rejects(storage.lock(dir), (error: Error & { code?: string; file?: string }) => {
      assert.equal(error.name, 'WalrusError')
      assert.equal(error.code, 'WALRUS_LOCKED')
      assert.equal(error.file, dir)
      assert.match(error.message, new RegExp(`\\b${env.pid}\\b`))
      assert.ok(error.message.includes(env.host))
      return true
    })
    assert.equal((await storage.locked(dir))?.pid, env.pid)
    await lock.release()
  })

  define('each holder has a higher epoch than all before', async ({ storage, dir }) => {
    for (let epoch = 1; epoch <= 4; epoch++) {
      const lock = await storage.lock(dir)
      assert.equal(lock.epoch, epoch)
      await lock.release()
    }
  })

  define('letting go twice does not free the next holder', async ({ storage, dir }) => {
    const first = await storage.lock(dir)
    await Promise.all([first.release(), first.release()])
    const second = await storage.lock(dir)
    await first.release()
    assert.equal((await storage.locked(dir))?.pid, storage.env.pid)
    await assert.rejects(storage.lock(dir), failure('WALRUS_LOCKED', dir))
    await second.release()
    assert.equal(await storage.locked(dir), undefined)
  })

  define('of many who try at once, one gets it', async ({ storage, dir }) => {
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => storage.lock(dir)))
    const won = attempts.filter((attempt) => attempt.status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') assert.equal(attempt.reason.code, 'WALRUS_LOCKED')
    }
    await won[0]?.value.release()
    const next = await storage.lock(dir)
    await next.release()
  })

  define('two directories have two locks', async ({ storage, dir }) => {
    await storage.mkdir(join(dir, 'a'))
    await storage.mkdir(join(dir, 'b'))
    const a = await storage.lock(join(dir, 'a'))
    const b = await storage.lock(join(dir, 'b'))
    await a.release()
    assert.equal(await storage.locked(join(dir, 'a')), undefined)
    assert.equal((await storage.locked(join(dir, 'b')))?.pid, storage.env.pid)
    await b.release()
  })

  define('asking whether a directory is locked changes nothing there', async (subject) => {
    const { storage, dir } = subject
    await storage.locked(dir)
    assert.deepEqual(await storage.list(dir), [])
    const lock = await storage.lock(dir)
    const names = (await storage.list(dir)).toSorted()
    await storage.locked(dir)
    assert.deepEqual((await storage.list(dir)).toSorted(), names)
    await lock.release()
  })

  define('a missing directory has no lock to take', async ({ storage, dir }) => {
    const missing = join(dir, 'missing')
    await assert.rejects(storage.lock(missing), { name: 'WalrusError', code: 'WALRUS_NOT_FOUND' })
    assert.equal(await storage.locked(missing), undefined)
    assert.deepEqual(await storage.list(dir), [])
  })
}
