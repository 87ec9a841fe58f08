/** Watching for changes: what is told, to whom, from where, and how it ends. */

import { Log } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'
import { expect, it } from 'vitest'
import { Kv, type KvChange } from '../src/index.ts'
import { DIR, openOn } from './simulated.ts'

async function take<T>(iterator: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) taken.push((await iterator.next()).value as T)
  return taken
}

it('tells changes as they are acknowledged, of a key, of a prefix, or all', async () => {
  const disk = new SimulatedDisk()
  const kv = await openOn(disk)
  await kv.set('before', '')
  const all = kv.watch()
  const users = kv.watch({ prefix: 'user:' })
  const one = kv.watch({ key: 'user:1' })
  await kv.set('user:1', 'a')
  await kv.set('user:10', 'b', { ttlMs: 1000 })
  await kv.delete('user:1')
  await kv.set('other', 'c')
  await kv.clear({ gt: 'user:' })
  await kv.clear({ lt: 'b' })
  const expiresAt = expect.any(Number) as number
  const set1 = { type: 'set', key: 'user:1', value: 'a', expiresAt: undefined, position: 1 }
  const set10 = { type: 'set', key: 'user:10', value: 'b', expiresAt, position: 2 }
  const gone = { type: 'delete', key: 'user:1', position: 3 }
  const other = { type: 'set', key: 'other', value: 'c', expiresAt: undefined, position: 4 }
  const clear = { type: 'clear', from: 'user:\0', until: undefined, position: 5 }
  const low = { type: 'clear', from: '', until: 'b', position: 6 }
  expect(await take(all, 6)).toEqual([set1, set10, gone, other, clear, low])
  expect(await take(users, 4)).toEqual([set1, set10, gone, clear])
  expect(await take(one, 3)).toEqual([set1, gone, clear])
  await kv.close()
  expect(await one.next()).toEqual({ done: true, value: undefined })
})

it('goes on from a position, also in another process, and after reopening', async () => {
  const disk = new SimulatedDisk()
  const kv = await openOn(disk)
  for (const value of ['1', '2', '3']) await kv.set('k', value)
  const [first] = await take(kv.watch({ from: 0 }), 1)
  await kv.close()
  const again = await openOn(disk)
  const rest = again.watch({ from: (first as KvChange<string, string>).position + 1 })
  expect(await take(rest, 2)).toMatchObject([{ value: '2' }, { value: '3' }])
  const reader = await openOn(disk, { readOnly: true })
  const follow = reader.watch({ key: 'k' })
  const next = follow.next()
  await again.set('k', '4')
  await disk.pass(5000)
  expect((await next).value).toMatchObject({ value: '4', position: 3 })
  await reader.close()
  await again.close()
})

it('a watcher that waits ends with its signal, with the store, and with nothing else', async () => {
  const log = await Log.open(DIR, { storage: new SimulatedDisk().process() })
  const kv = await Kv.open(log)
  const stop = new AbortController()
  const aborted = kv.watch({ signal: stop.signal }).next()
  const closed = kv.watch().next()
  stop.abort()
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError', code: 'WALRUS_ABORTED' })
  await kv.close()
  expect(await closed).toEqual({ done: true, value: undefined })
  expect(() => kv.watch()).toThrow('the store is closed')
  await log.append('the log is open')
  await log.close()
})
