/** What a commit expects of streams is checked in commit order, against what is sequenced before it. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { ConflictError, type Durability, type Expectation, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'

const dir = freshDirectory()

function batchOf(log: Log, ...streams: (string | undefined)[]) {
  const batch = log.batch()
  for (const stream of streams) batch.append(stream, 'x')
  return batch
}

describe.each<Durability>(['commit', { everyMs: 10 }, 'none'])('under %j', (durability) => {
  it('a commit goes in where its streams are as it expects', async () => {
    const log = await Log.open(dir(), { durability })
    await log.append('a')
    const expectations: Expectation[] = [
      { next: 2 },
      { stream: 's', next: 0 },
      { stream: log.stream('t'), next: 0 },
    ]
    expect(await log.commit(batchOf(log, 's', undefined), { expect: expectations })).toEqual([0, 2])
    expect(log.commitSync(batchOf(log, 's'), { expect: { stream: 's', next: 1 } })).toEqual([1])
    await log.close()
  })

  it('otherwise it is refused, saying what was found, and nothing of it is kept', async () => {
    const log = await Log.open(dir(), { durability })
    await log.stream('s').append('a')
    const { sequenced } = log.marks
    const refusal = {
      name: 'ConflictError',
      code: 'WALRUS_CONFLICT',
      stream: 's',
      expected: 3,
      found: 1,
      message:
        'the next position of stream "s" is 1, and the commit expected 3; nothing of it was kept',
    }
    const batch = batchOf(log, 's', 'other', undefined)
    batch.expect('other', 0)
    batch.expect('s', 3)
    await expect(log.commit(batch)).rejects.toMatchObject(refusal)
    expect(() => log.commitSync(batch)).toThrow(expect.objectContaining(refusal))
    await expect(
      log.commit(batchOf(log, 's'), { expect: { stream: undefined, next: 0 } }),
    ).rejects.toMatchObject({ stream: '', expected: 0, found: 1, message: /the plain log is 1/ })
    expect([log.marks.sequenced, log.streams()]).toEqual([sequenced, ['s']])
    expect(await log.commit(batchOf(log, 's'))).toEqual([1])
    await log.close()
  })

  it('of many that expect the same, one goes in', async () => {
    const log = await Log.open(dir(), { durability })
    for (let next = 0; next < 5; next++) {
      const expectation = { expect: { stream: 's', next } }
      const rivals = Array.from({ length: 8 }, () => log.commit(batchOf(log, 's'), expectation))
      const settled = await Promise.allSettled(rivals)
      expect(settled.map(({ status }) => status)).toEqual([
        'fulfilled',
        ...Array(7).fill('rejected'),
      ])
      expect(log.stream('s').next).toBe(next + 1)
    }
    await log.close()
  })
})

describe('a precondition', () => {
  it('without entries is checked all the same', async () => {
    const log = await Log.open(dir())
    const { next } = log.stream('s')
    expect(await log.commit(log.batch(), { expect: { stream: 's', next } })).toEqual([])
    const appended = log.stream('s').append('a')
    await expect(log.commit(log.batch(), { expect: { stream: 's', next } })).rejects.toThrow(
      ConflictError,
    )
    expect(await appended).toBe(0)
    await log.close()
  })

  it('is checked when the turn of a commit that waited has come', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, bufferBytes: 65_536 })
    storage.hold = isGroup
    const first = log.append(new Uint8Array(60_000))
    await expect.poll(() => storage.held.length).toBe(1)
    const large = log.batch()
    large.append('s', new Uint8Array(50_000))
    const waiting = log.commit(large)
    const expecting = (next: number) =>
      log.commit(batchOf(log, 's'), { expect: { stream: 's', next } })
    // Neither holds now; one will.
    const [good, bad] = [expecting(1), expecting(0)]
    bad.catch(() => {})
    storage.release()
    expect(await Promise.all([first, waiting, good])).toEqual([1, [0], [1]])
    await expect(bad).rejects.toMatchObject({ expected: 0, found: 2 })
    await log.close()
  })

  it('that fails because of what is not acknowledged yet is told when that is', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const order: string[] = []
    const appended = log.append('a').then(() => order.push('appended'))
    await expect.poll(() => storage.held.length).toBe(1)
    const refused = log
      .commit(batchOf(log, undefined), { expect: { next: 1 } })
      .catch(() => order.push('refused'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(order).toEqual([])
    storage.release()
    await Promise.all([appended, refused])
    expect(order).toEqual(['appended', 'refused'])
    await log.close()
  })

  it('that failed because of what was taken back says that, and holds afterwards', async () => {
    const disk = new SimulatedDisk()
    await disk.run(async (storage) => {
      const log = await Log.open('/log', { storage })
      disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
      const appended = log.append('a')
      const refused = log.commit(batchOf(log, undefined), { expect: { next: 1 } })
      const full = { code: 'WALRUS_DISK_FULL' }
      await expect(appended).rejects.toMatchObject(full)
      await expect(refused).rejects.toMatchObject(full)
      disk.fault = undefined
      expect(await log.commit(batchOf(log, undefined), { expect: { next: 1 } })).toEqual([1])
      await log.close()
    })
  })

  it.each([
    [{ next: -1 }, /expect: next must be an integer from 0/],
    [{ next: 1.5 }, /expect: next/],
    [{ stream: 's' }, /expect: next/],
    [{ stream: 's', nxt: 1 }, /expect has no option "nxt"/],
    [{ stream: 5, next: 1 }, /a stream's name must be/],
    ['s', /expect: options must be an object/],
    [[{ next: 1 }, null], /expect: options must be an object/],
  ])('%j is refused', async (expectation, message) => {
    const log = await Log.open(dir())
    const committed = log.commit(batchOf(log, 's'), { expect: expectation as Expectation })
    await expect(committed).rejects.toMatchObject({ code: 'WALRUS_INVALID_OPTION', message })
    await log.close()
  })
})
