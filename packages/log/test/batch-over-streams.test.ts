/** Batches over any streams: committed as one, positions per entry, used again. */

import type { WalrusError } from '@walrus/codec'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log, type WriteSet } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'

const dir = freshDirectory()

function text({ data }: { readonly data: Uint8Array }): string {
  return Buffer.from(data).toString()
}

it('copies what it is given, also from a Buffer, whose `slice` does not', async () => {
  await using log = await Log.open(dir())
  const payload = Buffer.from('mine')
  const batch = log.batch()
  batch.append('s', payload)
  payload.fill('x')
  await log.commit(batch)
  expect(text(await log.stream('s').get(0))).toBe('mine')
})

describe.each<Durability>(['commit', { everyMs: 10 }, 'none'])('a batch under %j', (durability) => {
  it('puts entries into any streams in one commit group, and gives the position of each', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability })
    const clicks = log.stream('clicks')
    await Promise.all([log.append('zero'), clicks.append('zero')])
    await log.sync()
    const groups = storage.groups().length
    const batch = log.batch()
    expect(batch.append('clicks', 'a')).toBe(0)
    expect(batch.append(undefined, Uint8Array.of(98))).toBe(1)
    expect(batch.append(clicks, 'c', { term: 7n })).toBe(2)
    expect(batch.append(log.stream('new'), '')).toBe(3)
    expect([batch.count, batch.bytes]).toEqual([4, 3])
    expect(await log.commit(batch)).toEqual([1, 2, 2, 0])
    expect(storage.groups().length).toBe(groups + 1)
    expect((await clicks.range(1, 9)).map(text)).toEqual(['a', 'c'])
    expect((await clicks.get(2)).term).toBe(7n)
    expect((await log.range(2, 9)).map(text)).toEqual(['b'])
    expect(log.streams()).toEqual(['clicks', 'new'])
    await log.close()
    const again = await Log.open(dir())
    expect((await again.stream('clicks').range(0, 9)).map(text)).toEqual(['zero', 'a', 'c'])
    expect((await again.stream('new').range(0, 9)).map(text)).toEqual([''])
    await again.close()
  })

  it('can be committed again, added to, and cleared, each commit taking what is in it then', async () => {
    const log = await Log.open(dir(), { durability })
    const batch = log.batch()
    batch.append(undefined, 'a')
    const first = log.commit(batch)
    batch.append('s', 'b')
    const second = log.commit(batch)
    batch.clear()
    expect([batch.count, batch.bytes]).toEqual([0, 0])
    batch.append('s', 'c')
    expect(log.commitSync(batch)).toEqual([1])
    expect(await Promise.all([first, second])).toEqual([[1], [2, 0]])
    await log.sync()
    expect((await log.range(1, 9)).map(text)).toEqual(['a', 'a'])
    expect((await log.stream('s').range(0, 9)).map(text)).toEqual(['b', 'c'])
    await log.close()
  })

  it('of nothing gives [] and writes nothing', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, durability })
    expect(await log.commit(log.batch())).toEqual([])
    expect(log.commitSync(log.batch())).toEqual([])
    expect(storage.groups()).toEqual([])
    await log.close()
  })
})

describe('a batch', () => {
  it('is visible in all its streams at once', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    const [a, b] = [log.stream('a'), log.stream('b')]
    const batch = log.batch()
    for (const stream of [a, b, a]) batch.append(stream, 'x')
    storage.hold = isGroup
    const committed = log.commit(batch)
    await expect.poll(() => storage.held.length).toBe(1)
    expect([a.next, b.next]).toEqual([0, 0])
    storage.release()
    expect(await committed).toEqual([0, 0, 1])
    expect([a.next, b.next]).toEqual([2, 1])
    await log.close()
  })

  it.each([
    ['a Uint8Array', Uint8Array.of(1)],
    ['a Buffer', Buffer.of(1)],
  ])('keeps its own copy of what was added: %s', async (_name, bytes) => {
    const log = await Log.open(dir())
    const batch = log.batch()
    batch.append(undefined, bytes)
    bytes[0] = 2
    await log.commit(batch)
    expect((await log.get(1)).data).toEqual(Uint8Array.of(1))
    await log.close()
  })

  it('refuses what cannot be an entry, and stays as it was', async () => {
    const log = await Log.open(dir(), { maxEntryBytes: 10 })
    const other = await Log.open(`${dir()}/other`)
    const batch = log.batch()
    batch.append(undefined, 'good')
    const refusals: [() => unknown, string][] = [
      [() => batch.append(undefined, 'x'.repeat(11)), 'WALRUS_ENTRY_TOO_LARGE'],
      [() => batch.append(undefined, 5 as unknown as string), 'WALRUS_INVALID_OPTION'],
      [() => batch.append('n'.repeat(1281), 'a'), 'WALRUS_INVALID_OPTION'],
      [() => batch.append(5 as unknown as string, 'a'), 'WALRUS_INVALID_OPTION'],
      [() => batch.append(undefined, 'a', { term: -1n }), 'WALRUS_INVALID_OPTION'],
      [() => batch.append(undefined, 'a', { signal: 1 } as object), 'WALRUS_INVALID_OPTION'],
      [() => batch.append(other.stream('s'), 'a'), 'WALRUS_INVALID_OPTION'],
      [() => batch.expect('s', -1), 'WALRUS_INVALID_OPTION'],
      [() => log.commitSync(other.batch()), 'WALRUS_INVALID_OPTION'],
      [() => log.commitSync({} as typeof batch), 'WALRUS_INVALID_OPTION'],
      [() => log.commitSync(batch, { timeoutMs: 5 } as object), 'WALRUS_INVALID_OPTION'],
    ]
    for (const [call, code] of refusals) {
      expect(call, String(call)).toThrow(expect.objectContaining({ code }))
    }
    await expect(log.commit(batch, { signal: AbortSignal.abort() })).rejects.toThrow(
      'aborted; nothing was written',
    )
    expect(batch.count).toBe(1)
    expect(await log.commit(batch)).toEqual([1])
    await log.close()
    await other.close()
    await expect(log.commit(batch)).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    expect(() => log.batch()).toThrow(expect.objectContaining({ code: 'WALRUS_CLOSED' }))
    const reader = await Log.open(dir(), { readOnly: true })
    expect(() => reader.batch()).toThrow(expect.objectContaining({ code: 'WALRUS_READ_ONLY' }))
    await reader.close()
  })

  it('that waits for room goes in its turn, and leaves nothing when it is given up', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, bufferBytes: 65_536 })
    storage.hold = isGroup
    const first = log.append(new Uint8Array(60_000))
    await expect.poll(() => storage.held.length).toBe(1)
    const waiting = (name: string, options = {}) => {
      const batch = log.batch()
      batch.append(name, new Uint8Array(30_000))
      return log.commit(batch, options)
    }
    const given = waiting('given up', { timeoutMs: 20 })
    const second = waiting('s')
    const third = log.append('last')
    await expect(given).rejects.toThrow('nothing was written')
    storage.hold = undefined
    storage.release()
    expect(await Promise.all([first, second, third])).toEqual([1, [0], 2])
    expect(log.streams()).toEqual(['s'])
    await log.close()
  })
})

describe('who takes part in a commit', () => {
  it('is told in commit order of its place and of its end, and can put entries of its own into it', async () => {
    const log = await Log.open(dir())
    const told: string[] = []
    /** What a view does: writes what it knows beside the caller's entries. */
    const takePart = (set: WriteSet, name: string): void => {
      const own = set.append('view', name)
      set.join({
        check: () => void told.push(`check ${name}`),
        sequenced: (positions) => void told.push(`${name} at ${positions[own]}`),
        acknowledged: () => void told.push(`acknowledged ${name}`),
      })
    }
    const one = log.batch()
    one.append(undefined, 'x')
    takePart(one, 'a')
    takePart(one, 'b')
    const two = log.batch()
    takePart(two, 'c')
    const committed = [log.commit(one), log.commit(two)]
    expect(told).toEqual(['check a', 'check b', 'a at 0', 'b at 1', 'check c', 'c at 2'])
    expect(await Promise.all(committed)).toEqual([[1, 0, 1], [2]])
    expect(told.slice(6)).toEqual(['acknowledged a', 'acknowledged b', 'acknowledged c'])
    await log.close()
  })

  it('can refuse it when its turn comes, and nothing of it is kept', async () => {
    const log = await Log.open(dir())
    const told: string[] = []
    const batch = log.batch()
    batch.append(undefined, 'x')
    batch.join({
      check: () => {
        throw new Error('not now')
      },
      sequenced: () => void told.push('sequenced'),
      failed: () => void told.push('failed'),
    })
    await expect(log.commit(batch)).rejects.toThrow('not now')
    expect(() => log.commitSync(batch)).toThrow('not now')
    expect([told, log.marks.sequenced]).toEqual([[], 1])
    await log.close()
  })

  it.each(['EIO', 'ENOSPC'] as const)(
    'is told of a failure, the last one first: %s',
    async (fault) => {
      const disk = new SimulatedDisk()
      const told: string[] = []
      await disk.run(async (storage) => {
        const log = await Log.open('/log', { storage })
        disk.fault = ({ kind }) => (kind === 'durable write' ? fault : undefined)
        const commits = ['a', 'b'].map((name) => {
          const batch = log.batch()
          batch.append(undefined, new Uint8Array(2_000_000))
          batch.join({ failed: () => void told.push(`${name} 1`) })
          batch.join({
            failed: (error) => void told.push(`${name} 2 ${(error as WalrusError).code}`),
            acknowledged: () => void told.push('acknowledged'),
          })
          return log.commit(batch)
        })
        const code = fault === 'EIO' ? 'WALRUS_FAILED' : 'WALRUS_DISK_FULL'
        for (const commit of commits) await expect(commit).rejects.toMatchObject({ code })
        expect(told).toEqual([`b 2 ${code}`, 'b 1', `a 2 ${code}`, 'a 1'])
        disk.fault = undefined
        await log.close().catch(() => {})
      })
    },
  )

  it('fails the log when it throws after the commit has its place', async () => {
    const log = await Log.open(dir())
    const batch = log.batch()
    batch.append(undefined, 'x')
    batch.join({
      sequenced: () => {
        throw new Error('a bug')
      },
    })
    await expect(log.commit(batch)).rejects.toMatchObject({
      code: 'WALRUS_FAILED',
      cause: new Error('a bug'),
    })
    await expect(log.append('y')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
  })

  it('can begin another commit when it is acknowledged', async () => {
    const log = await Log.open(dir())
    const next: Promise<number>[] = []
    const batch = log.batch()
    batch.append(undefined, 'x')
    batch.join({ acknowledged: () => void next.push(log.append('y'), log.append('z')) })
    const committed = [log.commit(batch), log.append('w')]
    expect(await Promise.all(committed)).toEqual([[1], 2])
    expect(await Promise.all(next)).toEqual([3, 4])
    await log.close()
  })
})
