/** What an earlier store did wrong, each by its number; each of these tests fails on a store with the same fault. */

import { Log } from '@walrus/log'
import { type Call, SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Kv, type OwnLogOptions } from '../src/index.ts'
import { contentsOf, DIR, openOn } from './simulated.ts'

const small = { segmentBytes: 65_536 }

function segmentsOf(disk: SimulatedDisk): [string, Uint8Array][] {
  return [...disk.files()]
    .filter(([path]) => path.endsWith('.seg'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A copy of the disk as it is now, without its files' owners: what a crash leaves when everything was kept. */
async function killed(disk: SimulatedDisk): Promise<SimulatedDisk> {
  const copy = disk.copy()
  copy.losePower('kept')
  return copy
}

describe('K1: newer writes replayed before older ones', () => {
  it('the last value wins over any number of reopenings and segments', async () => {
    const disk = new SimulatedDisk()
    for (let opening = 0; opening < 6; opening++) {
      const kv = await openOn(disk, small)
      for (let n = 0; n < 12; n++) await kv.set('k', `${opening}.${n} `.padEnd(10_000))
      expect((await kv.get('k'))?.trim()).toBe(`${opening}.11`)
      if (opening % 2 === 0) await kv.close()
      else disk.losePower('kept')
    }
    const again = await openOn(disk, small)
    expect((await again.get('k'))?.trim()).toBe('5.11')
    expect(segmentsOf(disk).length).toBeGreaterThan(6)
    await again.close()
  })
})

describe('K2: acknowledged keys lost behind a torn tail', () => {
  it('what is acknowledged after a torn tail is there at every later opening', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('a', '1')
    const torn = kv.set('torn', 'x'.repeat(5000)).catch(() => {})
    await disk.pass(0)
    disk.losePower('head')
    void torn
    const expected: [string, string][] = []
    for (let opening = 0; opening < 3; opening++) {
      const again = await openOn(disk)
      expect(await again.get('a')).toBe('1')
      for (let n = 0; n < 5; n++) {
        await again.set(`${opening}.${n}`, 'acknowledged')
        expected.push([`${opening}.${n}`, 'acknowledged'])
      }
      disk.losePower('lost')
      const after = await openOn(disk)
      expect(await contentsOf(after)).toEqual(expect.arrayContaining(expected))
      await after.close()
    }
  })
})

describe('K3: a corrupt length gives an empty store', () => {
  it('every bit of the first record is noticed: opening or reading is refused, and nothing is lost silently', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('first', 'value')
    await kv.set('second', 'value')
    await kv.close()
    const [[path, bytes]] = segmentsOf(disk) as [[string, Uint8Array]]
    const record = Buffer.from(bytes).indexOf('firstvalue') - 2
    for (let bit = 0; bit < 12 * 8; bit++) {
      const copy = disk.copy()
      const changed = new Uint8Array(bytes)
      changed[record + (bit >>> 3)]! ^= 1 << (bit & 7)
      copy.put(path, changed)
      for (const file of [...copy.files()].map(([name]) => name)) {
        if (file.endsWith('.idx')) copy.remove(file)
      }
      await expect(openOn(copy), `bit ${bit}`).rejects.toMatchObject({ code: 'WALRUS_CORRUPT' })
    }
  })

  it.each([
    ['of no kind', [0, 1, 65]],
    ['of an unknown kind', [9]],
    ['empty', []],
    ['with a key that is longer than it', [1, 200, 1, 65]],
    ['with a length that does not end', [1, 255, 255, 255, 255, 1]],
    ['that ends in its expiry', [2, 1, 65, 0, 0]],
    ['that clears from a key it has not', [4, 9, 65]],
  ])('a record %s is refused by its position, and takes no memory', async (_, bytes) => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.set('k', 'v')
    await kv.close()
    const other = await openOn(disk, { stream: 'other' } as OwnLogOptions<'utf8', 'utf8'>)
    await other.log.stream('kv').append(Uint8Array.from(bytes))
    await other.close()
    const corrupt = { code: 'WALRUS_CORRUPT', index: 1 }
    await expect(openOn(disk)).rejects.toMatchObject(corrupt)
    const log = await Log.open(DIR, { storage: disk.process() })
    for (let again = 0; again < 2; again++)
      await expect(Kv.open(log)).rejects.toMatchObject(corrupt)
    await log.close()
  })
})

describe('K4: a failed batch keeps the writes made so far', () => {
  it('is there as a whole or not at all, in whichever call the machine stops', async () => {
    const run = async (disk: SimulatedDisk): Promise<string> => {
      const { ended } = await disk.run(async (storage) => {
        const kv = await openOn(disk, { storage })
        await kv.set('before', '')
        await kv.batch(
          'abcdefgh'.split('').map((key) => ({ type: 'set', key, value: key.repeat(900) })),
        )
        await kv.close()
      })
      return ended
    }
    const seen = new Set<number>()
    for (let change = 0; ; change++) {
      const disk = new SimulatedDisk({ seed: change })
      disk.crashAt(change)
      if ((await run(disk)) === 'returned') break
      const outcome = await disk.run(async (storage) => {
        const kv = await openOn(disk, { storage })
        const { size } = kv
        await kv.close()
        return size
      })
      if (outcome.ended !== 'returned') throw new Error('the second opening did not end')
      seen.add(outcome.value)
    }
    expect(seen).toEqual(new Set([0, 1, 9]))
  })

  it('is not there for readers when it was refused', async () => {
    const disk = new SimulatedDisk({ capacity: 300_000 })
    const kv = await openOn(disk, small)
    await kv.set('a', 'before')
    const value = 'x'.repeat(100_000)
    const operations = ['a', 'b', 'c', 'd'].map((key) => ({ type: 'set' as const, key, value }))
    await expect(kv.batch(operations)).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    expect(await contentsOf(kv)).toEqual([['a', 'before']])
    await kv.close()
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual([['a', 'before']])
    await again.close()
  })
})

describe('K5: what kills the process', () => {
  it('commit after close, an interval of nothing, and errors of the disk are rejections with a code', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk)
    await kv.close()
    await expect(kv.commit()).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await expect(kv.close()).resolves.toBeUndefined()
    for (const everyMs of [0, -1, Number.NaN]) {
      await expect(openOn(disk, { durability: { everyMs } })).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
      })
    }
    for (let number = 0; ; number++) {
      const failing = new SimulatedDisk()
      failing.fault = (call: Call) => (call.change === number ? 'EIO' : undefined)
      const codes: string[] = []
      const note = (error: { code: string }): void => void codes.push(error.code)
      const outcome = await failing.run(async (storage) => {
        const store = await openOn(failing, { storage }).catch(note)
        await store?.set('k', 'v').catch(note)
        await store?.commit().catch(note)
        await store?.close().catch(note)
      })
      expect(outcome.ended).toBe('returned')
      for (const code of codes) expect(code).toMatch(/^WALRUS_/)
      if (failing.changes <= number) break
    }
  })
})

describe('K6: files taken in the order of their names, and foreign ones replayed', () => {
  it('ten segments and more are replayed in order, and files of others are left alone', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk, small)
    for (let n = 0; n < 90; n++) await kv.set('k', `${n} `.padEnd(10_000))
    await kv.close()
    expect(segmentsOf(disk).length).toBeGreaterThan(11)
    const [[path, bytes]] = segmentsOf(disk) as [[string, Uint8Array]]
    const foreign = path.replace('000000000001.seg', 'wal-10000')
    disk.put(foreign, bytes)
    disk.put(`${path}.bak`, bytes)
    const again = await openOn(disk, small)
    expect((await again.get('k'))?.trim()).toBe('89')
    await again.close()
    expect([...disk.files()].some(([name]) => name === foreign)).toBe(true)
  })
})

describe('K7: order, the last commit, and growth', () => {
  it('closing keeps what was not committed yet', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk, { durability: 'none' })
    kv.setSync('a', 'last')
    const set = kv.set('b', 'last')
    await kv.close()
    await set
    disk.losePower('lost')
    const again = await openOn(disk)
    expect(await contentsOf(again)).toEqual([
      ['a', 'last'],
      ['b', 'last'],
    ])
    await again.close()
  })

  it('the store that many write to at once is the one that its log replays to', async () => {
    const disk = new SimulatedDisk()
    const kv = await openOn(disk, { ...small, bufferBytes: 65_536 })
    const writer = async (id: number): Promise<void> => {
      for (let n = 0; n < 30; n++) {
        const key = `${(id * 7 + n * 3) % 5}`
        const value = `${id}.${n} `.padEnd(50 * ((id * n) % 40))
        if (n % 7 === 3) await kv.delete(key)
        else if (n % 7 === 4)
          await kv.batch([
            { type: 'delete', key: '1' },
            { type: 'set', key, value },
          ])
        else if (n % 7 === 5) await kv.compareAndSet(key, await kv.get(key), value)
        else if (n % 11 === 6) await kv.clear({ gte: '3' })
        else await kv.set(key, value)
      }
    }
    await Promise.all(Array.from({ length: 12 }, (_, id) => writer(id)))
    const contents = await contentsOf(kv)
    expect(contents.length).toBeGreaterThan(0)
    const copy = await killed(disk)
    const again = await openOn(copy, small)
    expect(await contentsOf(again)).toEqual(contents)
    await again.close()
    await kv.close()
  })
})
