/** Cases of clock, chance, timers and the machine's names. */

import assert from 'node:assert/strict'
import { type DefineCase, waitFor } from './suite.ts'

export function environmentCases(define: DefineCase): void {
  define('a storage says what it is', async ({ storage }) => {
    assert.ok(storage.name.length > 0)
    assert.ok(Number.isSafeInteger(storage.align) && storage.align >= 1)
    assert.equal(typeof storage.canView, 'boolean')
    assert.equal(typeof storage.zeroAhead, 'boolean')
  })

  define('the machine and the process have names that stay', async ({ storage: { env } }) => {
    assert.ok(Number.isSafeInteger(env.pid) && env.pid > 0)
    assert.ok(env.host.length > 0)
    assert.ok(env.bootId.length > 0)
    assert.equal(env.bootId, env.bootId)
  })

  define('the clock gives whole milliseconds', async ({ storage: { env } }) => {
    assert.ok(Number.isSafeInteger(env.now()) && env.now() >= 0)
  })

  define('elapsed time passes with the clock, and never runs backwards', async (subject) => {
    const { env } = subject.storage
    const [clock, from] = [env.now(), env.elapsed()]
    await (subject.pass ?? waitFor)(20)
    const [passed, elapsed] = [env.now() - clock, env.elapsed() - from]
    assert.ok(elapsed >= 15)
    assert.ok(Math.abs(elapsed - passed) <= 15)
  })

  define('random bytes fill the whole of what is asked for', async ({ storage: { env } }) => {
    // More than the 65,536 that some sources give at once.
    const first = Buffer.alloc(70_000)
    const second = Buffer.alloc(70_000)
    env.random(first)
    env.random(second)
    for (let at = 0; at < first.length; at += 1000) {
      const part = first.subarray(at, at + 1000)
      assert.notDeepEqual(part, Buffer.alloc(1000))
      assert.notDeepEqual(part, second.subarray(at, at + 1000))
    }
    const around = Buffer.alloc(96, 0xee)
    env.random(around.subarray(32, 64))
    assert.deepEqual(around.subarray(0, 32), Buffer.alloc(32, 0xee))
    assert.deepEqual(around.subarray(64), Buffer.alloc(32, 0xee))
    env.random(new Uint8Array(0))
  })

  define('a timer runs once, later, unless it is called off', async (subject) => {
    const { env } = subject.storage
    const wait = subject.pass ?? waitFor
    const ran: string[] = []
    env.after(5, () => ran.push('kept'))
    env.after(5, () => ran.push('called off')).cancel()
    // Longer than one timer of Node takes; it must not run at once.
    const distant = env.after(2 ** 33, () => ran.push('distant'))
    assert.deepEqual(ran, [])
    await wait(50)
    await wait(50)
    assert.deepEqual(ran, ['kept'])
    distant.cancel()
  })

  define('what is due soon runs after this turn, once, in order', async (subject) => {
    const { env } = subject.storage
    const wait = subject.pass ?? waitFor
    const ran: string[] = []
    env.soon(() => ran.push('first'))
    env.soon(() => ran.push('second'))
    queueMicrotask(() => ran.push('microtask'))
    ran.push('now')
    await wait(20)
    assert.deepEqual(ran, ['now', 'microtask', 'first', 'second'])
  })
}
