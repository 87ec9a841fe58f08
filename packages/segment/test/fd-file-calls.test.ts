/** Which calls reach the system, and what happens when they do less than was asked. */

import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fd } from '../src/fd-storage.ts'

type Call = (...args: never[]) => unknown

const { fs } = vi.hoisted(() => ({
  fs: {
    calls: [] as [name: string, first: unknown][],
    /** Stands in for a call of this name. */
    instead: new Map<string, (call: Call, ...args: never[]) => unknown>(),
  },
}))

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<Record<string, unknown>>()
  const mocked = { ...original }
  for (const verb of ['open', 'read', 'write', 'fsync', 'fdatasync', 'close']) {
    for (const name of [verb, `${verb}Sync`]) {
      const call = original[name] as Call
      mocked[name] = (...args: never[]) => {
        fs.calls.push([name, args[0]])
        const instead = fs.instead.get(name)
        return instead ? instead(call, ...args) : call(...args)
      }
    }
  }
  return mocked
})

const O_DSYNC = 0o10000
const storage = fd()
const bytes = Buffer.from('0123456789')
let dir: string
let path: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-fd-'))
  path = join(dir, 'a')
  fs.calls.length = 0
})

afterEach(async () => {
  fs.instead.clear()
  await rm(dir, { recursive: true, force: true })
})

async function writesThrough(fd: number | string): Promise<boolean> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1')
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '', 8)
  return (flags & O_DSYNC) === O_DSYNC
}

/** The open descriptors of the file, and whether each writes through. */
async function descriptors(): Promise<Map<number, 'plain' | 'O_DSYNC'>> {
  const found = new Map<number, 'plain' | 'O_DSYNC'>()
  for (const fd of await readdir('/proc/self/fd')) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) !== path) continue
    found.set(Number(fd), (await writesThrough(fd)) ? 'O_DSYNC' : 'plain')
  }
  return found
}

function names(): string[] {
  return fs.calls.map(([name]) => name)
}

describe.runIf(process.platform === 'linux')('a durable write', () => {
  it('is one call, on a descriptor that writes through', async () => {
    const file = await storage.open(path, 'create')
    expect([...(await descriptors()).values()]).toEqual(['plain'])
    await file.write(bytes, 0, true)
    fs.calls.length = 0
    await file.write(bytes, 10, true)
    file.writeSync(bytes, 20, true)
    expect(names()).toEqual(['write', 'writeSync'])
    const open = await descriptors()
    expect(fs.calls.map(([, used]) => open.get(used as number))).toEqual(['O_DSYNC', 'O_DSYNC'])
    expect([...open.values()].toSorted()).toEqual(['O_DSYNC', 'plain'])
    await file.close()
    expect(await descriptors()).toEqual(new Map())
  })

  it('is a write and a sync where there is no such descriptor', async () => {
    fs.instead.set('openSync', () => {
      throw Object.assign(new Error('no /proc'), { code: 'ENOENT' })
    })
    const file = await storage.open(path, 'create')
    await file.write(bytes, 0, true)
    fs.calls.length = 0
    await file.write(bytes, 10, true)
    expect(names()).toEqual(['write', 'fdatasync'])
    fs.calls.length = 0
    file.writeSync(bytes, 20, true)
    expect(names()).toEqual(['writeSync', 'fdatasyncSync'])
    await file.close()
  })

  it('fails when its sync fails, where there is no such descriptor', async () => {
    fs.instead.set('openSync', () => {
      throw Object.assign(new Error('no /proc'), { code: 'ENOENT' })
    })
    const failed = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    fs.instead.set('fdatasync', (_call, _fd, done: (error: Error) => void) => done(failed))
    fs.instead.set('fdatasyncSync', () => {
      throw failed
    })
    const file = await storage.open(path, 'create')
    const expected = { code: 'WALRUS_IO', file: path, cause: failed }
    await expect(file.write(bytes, 0, true)).rejects.toMatchObject(expected)
    expect(() => file.writeSync(bytes, 0, true)).toThrow(expect.objectContaining(expected))
    await expect(file.sync()).rejects.toMatchObject(expected)
    expect(() => file.syncSync()).toThrow(expect.objectContaining(expected))
    await file.close()
  })
})

describe('a write that is not durable', () => {
  it('does not sync', async () => {
    const file = await storage.open(path, 'create')
    await file.write(bytes, 0, true)
    const open = await descriptors()
    fs.calls.length = 0
    await file.write(bytes, 0, false)
    file.writeSync(bytes, 0, false)
    expect(names()).toEqual(['write', 'writeSync'])
    expect(fs.calls.map(([, used]) => open.get(used as number))).toEqual(['plain', 'plain'])
    await file.close()
  })
})

describe('sync', () => {
  it('is one call', async () => {
    const file = await storage.open(path, 'create')
    fs.calls.length = 0
    await file.sync()
    file.syncSync()
    const verb = process.platform === 'darwin' ? 'fsync' : 'fdatasync'
    expect(names()).toEqual([verb, `${verb}Sync`])
    await file.close()
  })

  it('of a directory syncs that directory', async () => {
    fs.calls.length = 0
    storage.syncDirSync(dir)
    expect(names()).toEqual(['openSync', 'fsyncSync', 'closeSync'])
    expect(fs.calls[0]?.[1]).toBe(dir)
    fs.calls.length = 0
    await storage.syncDir(dir)
    expect(names()).toEqual(['open', 'fsync', 'close'])
    expect(fs.calls[0]?.[1]).toBe(dir)
  })

  it('of a directory fails if it did not happen, unless there is no such thing', async () => {
    let code = 'EIO'
    fs.instead.set('fsync', (_call, _fd, done: (error: Error) => void) =>
      done(Object.assign(new Error(code), { code })),
    )
    fs.instead.set('fsyncSync', () => {
      throw Object.assign(new Error(code), { code })
    })
    expect(() => storage.syncDirSync(dir)).toThrow(expect.objectContaining({ code: 'WALRUS_IO' }))
    await expect(storage.syncDir(dir)).rejects.toMatchObject({ code: 'WALRUS_IO' })
    code = 'ENOSPC'
    expect(() => storage.syncDirSync(dir)).toThrow(
      expect.objectContaining({ code: 'WALRUS_DISK_FULL' }),
    )
    await expect(storage.syncDir(dir)).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    code = 'EINVAL'
    storage.syncDirSync(dir)
    await storage.syncDir(dir)
  })
})

describe.runIf(process.platform === 'linux')('a lock', () => {
  it('is on disk before it counts: its record, its directory, and the names above', async () => {
    const synced: string[] = []
    const note = async (fd: number): Promise<void> => {
      const file = (await readlink(`/proc/self/fd/${fd}`)).replace(/tmp-[0-9a-f]+/, 'tmp')
      synced.push((await writesThrough(fd)) ? `${file}, written through` : file)
    }
    for (const name of ['fsync', 'write']) {
      fs.instead.set(name, (call, ...args) => {
        void note(args[0] as unknown as number).then(() => call(...args))
      })
    }
    const lock = await storage.lock(dir)
    const locks = join(dir, 'LOCK')
    const record = join(locks, 'tmp', 'holder.json')
    expect(synced).toEqual([dir, `${record}, written through`, join(locks, 'tmp'), locks])
    await lock.release()
  })
})

describe('calls that move less than asked', () => {
  type Move = (fd: number, buffer: Buffer, offset: number, length: number, at: number) => unknown

  /** Three bytes a call at most. */
  function shorten(): void {
    for (const name of ['read', 'write', 'readSync', 'writeSync']) {
      const short = (
        call: Call,
        fd: number,
        buffer: Buffer,
        from: number,
        length: number,
        ...rest: never[]
      ) =>
        (call as unknown as Move)(
          fd,
          buffer,
          from,
          Math.min(length, 3),
          ...(rest as unknown as [number]),
        )
      fs.instead.set(name, short as never)
    }
  }

  it('are repeated until all is moved', async () => {
    shorten()
    const file = await storage.open(path, 'create')
    await file.write(bytes, 0, false)
    await file.write(bytes, 10, true)
    file.writeSync(bytes, 20, false)
    file.writeSync(bytes, 30, true)
    const back = Buffer.alloc(50)
    expect(await file.read(back, 0)).toBe(40)
    expect(back.toString('latin1', 0, 40)).toBe('0123456789'.repeat(4))
    expect(file.readSync(back.fill(0), 5)).toBe(35)
    expect(back.toString('latin1', 0, 35)).toBe('0123456789'.repeat(4).slice(5))
    await file.close()
    expect(await readFile(path, 'latin1')).toBe('0123456789'.repeat(4))
  })

  it('fail where they stopped', async () => {
    shorten()
    const file = await storage.open(path, 'create')
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    const short = fs.instead.get('write') as Call
    fs.instead.set('write', ((call: Call, ...args: unknown[]) => {
      if (args[4] !== 106) return short(call as never, ...(args as never[]))
      return (args[5] as (error: Error) => void)(full)
    }) as never)
    await expect(file.write(bytes, 100, false)).rejects.toMatchObject({
      code: 'WALRUS_DISK_FULL',
      file: path,
      offset: 106,
      cause: full,
      message: `cannot write 4 bytes: ${path} at byte 106: ENOSPC: no space left on device`,
    })
    await file.close()
  })

  it('fail when they move nothing at all, rather than go on for ever', async () => {
    const file = await storage.open(path, 'create')
    fs.instead.set('write', ((_call: Call, ...args: unknown[]) =>
      (args[5] as (error: null, bytes: number) => void)(null, 0)) as never)
    fs.instead.set('writeSync', () => 0)
    const expected = { code: 'WALRUS_IO', file: path, offset: 7 }
    await expect(file.write(bytes, 7, false)).rejects.toMatchObject(expected)
    expect(() => file.writeSync(bytes, 7, false)).toThrow(expect.objectContaining(expected))
    await file.close()
  })
})

describe('close', () => {
  /** Holds back the answer of a call until it is let go. */
  function holdBack(name: string): Promise<() => void> {
    return new Promise((started) => {
      fs.instead.set(name, ((call: (...args: unknown[]) => void, ...args: unknown[]) => {
        const answer = args.pop() as (...results: unknown[]) => void
        call(...args, (...results: unknown[]) => started(() => answer(...results)))
      }) as never)
    })
  }

  it.each(['close', 'closeSync'] as const)(
    '%s leaves the descriptor open until the write under way has ended',
    async (close) => {
      const file = await storage.open(path, 'create')
      const held = holdBack('write')
      const writing = file.write(bytes, 0, false)
      const answer = await held
      const closing = Promise.resolve(file[close]())
      fs.calls.length = 0
      await new Promise((resolve) => setTimeout(resolve, 10))
      expect(names()).toEqual([])
      expect((await descriptors()).size).toBe(1)
      answer()
      await writing
      await closing
      await file.close()
      expect(names()).toEqual(['close'])
      expect((await descriptors()).size).toBe(0)
    },
  )

  it('waits for the sync of a durable write', async () => {
    fs.instead.set('openSync', () => {
      throw Object.assign(new Error('no /proc'), { code: 'ENOENT' })
    })
    const file = await storage.open(path, 'create')
    const held = holdBack('fdatasync')
    const writing = file.write(bytes, 0, true)
    const answer = await held
    const closing = file.close()
    fs.calls.length = 0
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(names()).toEqual([])
    answer()
    await writing
    await closing
    expect(names()).toEqual(['close'])
  })

  it('tells when it failed, to everyone who asks', async () => {
    const file = await storage.open(path, 'create')
    const failed = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    fs.instead.set('close', ((
      call: (fd: number, done: () => void) => void,
      fd: number,
      done: (error: Error) => void,
    ) => call(fd, () => done(failed))) as never)
    await expect(file.close()).rejects.toMatchObject({ code: 'WALRUS_IO', file: path })
    await expect(file.close()).rejects.toMatchObject({ code: 'WALRUS_IO' })
  })
})
