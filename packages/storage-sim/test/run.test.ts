/** Processes, their ends, simulated time, and runs that go wrong. */

import { describe, expect, it } from 'vitest'
import { type BegunCall, type Call, SimulatedDisk, type SimulatedStorage } from '../src/index.ts'

const BYTES = new Uint8Array(4096).fill(7)

async function writeTen(storage: SimulatedStorage): Promise<void> {
  const file = await storage.open('/a', 'create')
  await Promise.all(
    Array.from({ length: 10 }, (_, at) => file.write(BYTES, at * 4096, at % 2 === 0)),
  )
  await file.close()
}

describe('the same seed', () => {
  it('gives the same calls, times and bytes; another one others', async () => {
    const trace = async (seed: number): Promise<string> => {
      const disk = new SimulatedDisk({ seed })
      const calls: Call[] = []
      disk.fault = (call) => {
        calls.push(call)
        return undefined
      }
      await disk.run(async (storage) => {
        const random = new Uint8Array(8)
        storage.env.random(random)
        await writeTen(storage)
        const file = await storage.open('/b', 'create')
        await file.write(random, 0, false)
      })
      disk.losePower()
      const files = [...disk.files()].map(([path, bytes]) => [
        path,
        Buffer.from(bytes).toString('hex'),
      ])
      return JSON.stringify([calls, disk.now, files])
    }
    expect(await trace(3)).toBe(await trace(3))
    expect(await trace(3)).not.toBe(await trace(4))
  })
})

describe('a crash', () => {
  it('ends the run in the call it was told, and nothing after it happens', async () => {
    const disk = new SimulatedDisk({ seed: 1 })
    disk.crashAt(4, 'kill')
    let wentOn = false
    const outcome = await disk.run(async (storage) => {
      const file = await storage.open('/a', 'create')
      for (let at = 0; at < 3; at++) await file.write(BYTES, at * 4096, false)
      await file.write(BYTES, 3 * 4096, false)
      wentOn = true
    })
    expect(outcome).toEqual({ ended: 'killed' })
    expect(wentOn).toBe(false)
    expect(disk.changes).toBe(5)
    expect(disk.files().get('/a')!.length).toBeGreaterThanOrEqual(3 * 4096)
  })

  it('leaves what was under way in any part', async () => {
    const sizes = new Set<number>()
    for (let seed = 0; seed < 30; seed++) {
      const disk = new SimulatedDisk({ seed })
      disk.crashAt(1, 'kill')
      await disk.run(async (storage) => {
        const file = await storage.open('/a', 'create')
        await file.write(BYTES, 0, true)
      })
      sizes.add(disk.files().get('/a')!.length)
    }
    expect(sizes).toContain(0)
    expect(sizes).toContain(4096)
    expect(sizes.size).toBeGreaterThan(5)
  })

  it('ends a process in a call without a promise', async () => {
    const disk = new SimulatedDisk()
    disk.crashAt(0)
    const outcome = await disk.run(async (storage) => {
      try {
        storage.openSync('/a', 'create')
      } catch (error) {
        expect(error).toMatchObject({ code: 'WALRUS_SIM_STOPPED' })
      }
      expect(() => storage.openSync('/b', 'create')).toThrow('power lost')
    })
    expect(outcome).toEqual({ ended: 'power lost' })
    expect(disk.files().has('/b')).toBe(false)
  })

  it('of one process leaves the others, and frees its lock', async () => {
    const disk = new SimulatedDisk()
    const first = disk.process()
    await first.mkdir('/d')
    expect((await first.lock('/d')).epoch).toBe(1)
    const second = disk.process()
    await expect(second.lock('/d')).rejects.toMatchObject({ holder: { pid: first.pid } })
    first.kill()
    expect((await second.lock('/d')).epoch).toBe(2)
    expect(first.env.bootId).toBe(second.env.bootId)
  })

  it('of the machine ends all of them, and the next boot has another name', async () => {
    const disk = new SimulatedDisk()
    const [first, second] = [disk.process(), disk.process()]
    disk.losePower()
    expect([first.end, second.end]).toEqual(['power lost', 'power lost'])
    expect(disk.process().env.bootId).not.toBe(first.env.bootId)
  })
})

describe('a copy', () => {
  it('has a life of its own', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    const writer = disk.process()
    const file = await writer.open('/a', 'create')
    await file.write(BYTES, 0, false)
    const copy = disk.copy()
    copy.losePower()
    expect(copy.files().size).toBe(0)
    await file.write(new Uint8Array(4096).fill(8), 0, false)
    expect(disk.files().get('/a')![0]).toBe(8)
    await file.sync()
    await writer.syncDir('/')
    const later = disk.copy({ seed: 9 })
    await later.run(async (storage) => {
      const again = await storage.open('/a', 'write')
      await again.write(new Uint8Array(4096).fill(9), 0, true)
    })
    expect(disk.files().get('/a')![0]).toBe(8)
    later.losePower()
    expect(later.files().get('/a')![0]).toBe(9)
  })

  it('draws other random numbers than the disk did, and those of a copy like it', () => {
    const drawn = (disk: SimulatedDisk): string => {
      const bytes = new Uint8Array(8)
      disk.process().env.random(bytes)
      return bytes.join()
    }
    const disk = new SimulatedDisk({ seed: 5 })
    const copy = disk.copy()
    const draws = [disk, copy, copy.copy(), disk.copy({ seed: 6 })].map(drawn)
    expect(new Set(draws).size).toBe(4)
    expect(drawn(disk.copy())).toBe(draws[1])
  })

  it('taken in the middle of a call has that call in any part', async () => {
    const sizes = new Set<number>()
    for (let seed = 0; seed < 30; seed++) {
      const disk = new SimulatedDisk()
      disk.fault = ({ kind }) => {
        if (kind === 'write') sizes.add(disk.copy({ seed }).files().get('/a')!.length)
        return undefined
      }
      await disk.run(async (storage) => {
        const file = await storage.open('/a', 'create')
        await file.write(BYTES, 0, false)
      })
    }
    expect(sizes).toContain(0)
    expect(sizes).toContain(4096)
  })
})

describe('the examiner', () => {
  it('sees, puts and takes files without a call, and a power loss changes nothing of that', async () => {
    const disk = new SimulatedDisk({ loss: 'lost' })
    disk.put('/d/a', BYTES)
    disk.put('/d/b', BYTES)
    await disk.run(async (storage) => {
      const file = await storage.open('/d/c', 'create')
      await file.write(BYTES, 0, false)
    })
    const { calls } = disk
    disk.remove('/d/a')
    disk.remove('/d/c')
    expect([...disk.files().keys()]).toEqual(['/d/b'])
    disk.losePower('kept')
    expect([...disk.files().keys()]).toEqual(['/d/b'])
    expect(disk.calls).toBe(calls)
    expect(() => disk.remove('/d/a')).toThrow(expect.objectContaining({ code: 'WALRUS_NOT_FOUND' }))
  })

  it('sees which files a process has open', async () => {
    const disk = new SimulatedDisk()
    await disk.run(async (storage) => {
      const [a, b] = [await storage.open('/a', 'create'), storage.openSync('/b', 'create')]
      const again = await storage.open('/a', 'read')
      expect(storage.openFiles).toEqual(new Set([a, b, again]))
      await a.close()
      b.closeSync()
      await a.close()
      expect([...storage.openFiles]).toEqual([again])
    })
  })
})

describe('a call that fails', () => {
  it('has a code, and leaves any part of a write', async () => {
    const sizes = new Set<number>()
    for (let seed = 0; seed < 30; seed++) {
      const disk = new SimulatedDisk({ seed })
      await disk.run(async (storage) => {
        const file = await storage.open('/a', 'create')
        disk.fault = () => 'EIO'
        await expect(file.write(BYTES, 0, true)).rejects.toMatchObject({ code: 'WALRUS_IO' })
        disk.fault = () => 'ENOSPC'
        expect(() => file.writeSync(BYTES, 4096, false)).toThrow(
          expect.objectContaining({ code: 'WALRUS_DISK_FULL' }),
        )
        disk.fault = () => 'EACCES'
        await expect(storage.open('/a', 'read')).rejects.toMatchObject({
          code: 'WALRUS_PERMISSION_DENIED',
        })
      })
      sizes.add(disk.files().get('/a')!.length)
    }
    expect(sizes.size).toBeGreaterThan(5)
  })

  it('for want of space leaves what fits, and succeeds when there is space', async () => {
    const disk = new SimulatedDisk({ capacity: 8192 })
    await disk.run(async (storage) => {
      const [a, b] = [await storage.open('/a', 'create'), await storage.open('/b', 'create')]
      await a.write(BYTES.subarray(0, 100), 0, false)
      await expect(b.write(new Uint8Array(5000), 0, true)).rejects.toMatchObject({
        code: 'WALRUS_DISK_FULL',
        file: '/b',
      })
      expect(await b.size()).toBe(4096)
      // What has its block can be written again.
      await a.write(BYTES, 0, true)
      disk.capacity = 12_288
      await b.write(new Uint8Array(5000), 0, true)
    })
  })
})

describe('time', () => {
  it('passes over timers while something runs, and not by itself', async () => {
    const disk = new SimulatedDisk({ now: 1000 })
    const idle = disk.process()
    let rang = 0
    idle.env.after(60_000, () => rang++)
    await disk.run(async ({ env }) => {
      await new Promise<void>((resolve) => env.after(5000, resolve))
      expect(env.now()).toBe(6000)
    })
    expect(rang).toBe(0)
    await disk.pass(54_000)
    expect(rang).toBe(0)
    await disk.pass(1000)
    expect(rang).toBe(1)
    expect(Math.floor(disk.now)).toBe(61_000)
  })
})

describe('a duration', () => {
  it('is that of the call, while others go on; left open it is by chance, and calls at once take none', async () => {
    const disk = new SimulatedDisk({ now: 0 })
    const order: string[] = []
    const asked: BegunCall[] = []
    disk.duration = (call) => {
      asked.push(call)
      return call.kind === 'sync' ? 5000 : undefined
    }
    await disk.run(async (storage) => {
      const file = await storage.open('/a', 'create')
      file.writeSync(BYTES, 0, false)
      const synced = file.sync().then(() => order.push('synced'))
      await file.write(BYTES, 4096, true)
      order.push('written')
      expect(disk.now).toBeLessThan(20)
      file.syncSync()
      expect(disk.now).toBeLessThan(20)
      await synced
      expect(disk.now).toBeGreaterThanOrEqual(5000)
      expect(disk.now).toBeLessThan(5020)
    })
    expect(order).toEqual(['written', 'synced'])
    const { pid } = asked[0]!
    expect(asked).toEqual([
      { kind: 'create', path: '/a', pid, range: undefined },
      { kind: 'sync', path: '/a', pid, range: undefined },
      { kind: 'durable write', path: '/a', pid, range: { from: 4096, to: 8192 } },
    ])
  })

  it('that cannot be fails the call, and ends by being taken back', async () => {
    const disk = new SimulatedDisk()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      disk.duration = () => ms
      await expect(disk.process().list('/')).rejects.toMatchObject({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(String(ms)),
      })
    }
    disk.duration = undefined
    expect(await disk.process().list('/')).toEqual([])
  })
})

describe('a run', () => {
  it('that can never end says so', async () => {
    const disk = new SimulatedDisk()
    const never = disk.run(() => new Promise<void>(() => {}))
    await expect(never).rejects.toMatchObject({ code: 'WALRUS_SIM_STALLED' })
    expect((await disk.run(async () => 5)).value).toBe(5)
  })

  it('that goes on and on says so', async () => {
    const disk = new SimulatedDisk({ maxCalls: 1000 })
    const endless = disk.run(async (storage) => {
      for (;;) await storage.list('/')
    })
    await expect(endless).rejects.toMatchObject({ code: 'WALRUS_SIM_ENDLESS' })
  })

  it('throws what it throws', async () => {
    const disk = new SimulatedDisk()
    await expect(disk.run(async () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  })
})

describe('a hint', () => {
  it('comes to who watches, mostly, and not for other files', async () => {
    const disk = new SimulatedDisk()
    const hints = { a: 0, b: 0 }
    await disk.run(async (storage) => {
      storage.watch('/a', () => hints.a++)
      storage.watch('/b', () => hints.b++)
      const file = await storage.open('/a', 'create')
      for (let at = 0; at < 40; at++) await file.write(BYTES, 0, false)
      await new Promise<void>((resolve) => storage.env.after(10, resolve))
    })
    expect(hints.a).toBeGreaterThan(20)
    expect(hints.a).toBeLessThan(41)
    expect(hints.b).toBe(0)
  })
})

describe('an option', () => {
  it.for([
    [{ seed: -1 }, 'seed'],
    [{ seed: 2 ** 32 }, 'seed'],
    [{ seed: 1.5 }, 'seed'],
    [{ align: 3 }, 'align'],
    [{ capacity: -1 }, 'capacity'],
    [{ capacity: Number.NaN }, 'capacity'],
    [{ maxCalls: 0 }, 'maxCalls'],
    [{ now: -1 }, 'now'],
    [{ loss: 'some' }, 'kept, lost'],
    [{ sed: 1 }, 'sed'],
  ] as const)('that is wrong is named: %o', ([options, name]) => {
    const make = (): SimulatedDisk => new SimulatedDisk(options as object)
    expect(make).toThrow(expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }))
    expect(make).toThrow(name)
  })

  it('given late is checked as well', async () => {
    const disk = new SimulatedDisk()
    expect(() => disk.losePower('some' as 'any')).toThrow('a loss must be one of')
    expect(() => {
      disk.capacity = -5
    }).toThrow('capacity')
    await expect(disk.pass(Number.NaN)).rejects.toThrow('milliseconds')
    expect(() => disk.copy({ align: 3 })).toThrow('align')
    expect(() => disk.crashAt(-1)).toThrow('whole number')
  })
})
