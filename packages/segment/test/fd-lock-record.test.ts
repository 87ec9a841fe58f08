/** Locks whose holder is known only by what it wrote: other hosts, no sockets, damage. */

import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readlink,
  rename,
  rm,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { connect, createServer, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fd } from '../src/fd-storage.ts'
import type { Holder } from '../src/storage.ts'
import { HolderProcess } from './holder-process.ts'

const storage = fd()
const { env } = storage
const HOLDER = 'holder.json'
const RELEASED = 'released.json'
let dir: string
let lockDir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-lock-'))
  lockDir = join(dir, 'LOCK', '7')
  await mkdir(lockDir, { recursive: true })
})

afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

/** What this process would have written, without a socket; and changes to it. */
async function ownRecord(changes: object): Promise<string> {
  const stat = await readFile('/proc/self/stat', 'latin1')
  return JSON.stringify({
    pid: process.pid,
    host: env.host,
    since: 1_700_000_000_000,
    bootId: env.bootId,
    pidNamespace: await readlink('/proc/self/ns/pid'),
    startTime: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19],
    address: null,
    ...changes,
  })
}

async function write(changes: object): Promise<void> {
  await writeFile(join(lockDir, HOLDER), await ownRecord(changes))
}

async function takeAt(epoch: number): Promise<void> {
  const lock = await storage.lock(dir)
  expect(lock.epoch).toBe(epoch)
  await lock.release()
}

describe('a holder on another host', () => {
  const elsewhere = { host: 'elsewhere', bootId: 'another boot', pid: 4242, address: 'socket' }

  it('is never taken over, and the error says how to go on', async () => {
    await write(elsewhere)
    const error = await storage.lock(dir).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'other-host',
      holder: { pid: 4242, host: 'elsewhere', since: 1_700_000_000_000 },
    })
    expect(String(error)).toContain('process 4242 on host "elsewhere" since 2023-11-14T22:13:20')
    expect(String(error)).toContain(`rename ${join(lockDir, HOLDER)} to ${RELEASED}`)
    expect(await storage.locked(dir)).toMatchObject({ pid: 4242, host: 'elsewhere' })
    // What the error says works, and keeps the count.
    await rename(join(lockDir, HOLDER), join(lockDir, RELEASED))
    expect(await storage.locked(dir)).toBeUndefined()
    await takeAt(8)
  })

  it('that let go is followed', async () => {
    await writeFile(join(lockDir, RELEASED), await ownRecord(elsewhere))
    expect(await storage.locked(dir)).toBeUndefined()
    await takeAt(8)
  })

  it('is told apart from a container of this machine, whose socket decides', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(lockDir, 'bound'), resolve))
    await rename(join(lockDir, 'bound'), join(lockDir, 'socket'))
    await write({ host: 'container', address: 'socket', pidNamespace: 'pid:[1]' })
    await expect(storage.lock(dir)).rejects.toMatchObject({ state: 'not-answering' })
    await new Promise((resolve) => server.close(resolve))
    await takeAt(8)
  })
})

describe('a holder that could not have a socket', () => {
  it('holds while a process of its number and start lives', async () => {
    await write({})
    await expect(storage.lock(dir)).rejects.toMatchObject({ state: 'running' })
    expect((await storage.locked(dir))?.pid).toBe(process.pid)
  })

  it('is dead when its number was given to another process', async () => {
    await write({ startTime: '1' })
    await takeAt(8)
  })

  it('is dead when no process has its number', async () => {
    const holder = new HolderProcess(dir)
    await holder.kill()
    await write({ pid: holder.pid })
    await takeAt(8)
  })

  it('is dead when the machine has booted since', async () => {
    await write({ bootId: 'another boot' })
    await takeAt(8)
  })

  it('holds while it is stopped', async () => {
    const holder = new HolderProcess(dir)
    await holder.tell('busy', 0)
    const stat = await readFile(`/proc/${holder.pid}/stat`, 'latin1')
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    await write({ pid: holder.pid, startTime })
    holder.signal('SIGSTOP')
    await expect
      .poll(() => storage.lock(dir).catch((e: unknown) => e))
      .toMatchObject({
        code: 'WALRUS_LOCKED',
        state: 'stopped',
      })
    await holder.kill()
    await takeAt(8)
  })

  it('cannot be judged by a number from another numbering', async () => {
    await write({ pidNamespace: 'pid:[1]' })
    await expect(storage.lock(dir)).rejects.toMatchObject({
      state: 'unknown',
      message: expect.stringContaining(`to ${RELEASED}`),
    })
  })
})

describe('a lock whose files were meddled with', () => {
  it('keeps its holder when the socket’s file is removed', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    const held = await storage.lock(dir)
    await unlink(join(dir, 'LOCK', '8', 'socket'))
    await expect(storage.lock(dir)).rejects.toMatchObject({ state: 'running' })
    await held.release()
    await takeAt(9)
  })

  it('is refused, by name, when nothing says who holds it', async () => {
    const error = await storage.lock(dir).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'WALRUS_LOCKED', state: 'unknown', holder: undefined })
    expect(String(error)).toContain(`put an empty file named ${RELEASED}`)
    await expect(storage.locked(dir)).rejects.toMatchObject({ code: 'WALRUS_LOCKED' })
    await writeFile(join(lockDir, RELEASED), '')
    await takeAt(8)
  })

  const good = { address: 'socket' }
  it.each([
    ['not JSON', 'nonsense'],
    ['not an object', '[]'],
    ['null', 'null'],
    ['cut', '{"pid": 1, "host"'],
    ['a million bytes', `{"pid": ${' '.repeat(1_000_000)}1}`],
    ['a process 0', { ...good, pid: 0 }],
    ['a process −1, which is every process', { ...good, pid: -1 }],
    ['a process that is no number', { ...good, pid: '1' }],
    ['no host', { ...good, host: undefined }],
    ['a time that is none', { ...good, since: 1e300 }],
    ['an address outside the directory', { address: '../../socket' }],
  ])('is refused when holder.json is %s', async (_, content) => {
    await writeFile(
      join(lockDir, HOLDER),
      typeof content === 'string' ? content : await ownRecord(content),
    )
    await expect(storage.lock(dir)).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'unknown',
    })
  })

  it('is freed by an empty mark even where holder.json was', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    await takeAt(8)
  })

  it('has no number after the last one', async () => {
    await rename(lockDir, join(dir, 'LOCK', '999999999999999'))
    await writeFile(join(dir, 'LOCK', '999999999999999', RELEASED), '')
    await expect(storage.lock(dir)).rejects.toMatchObject({ code: 'WALRUS_IO' })
  })

  it('leaves names alone that are not its own', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    await writeFile(join(dir, 'LOCK', 'README'), 'mine')
    await mkdir(join(dir, 'LOCK', '007'))
    await takeAt(8)
    expect((await storage.list(join(dir, 'LOCK'))).toSorted()).toEqual(['007', '8', 'README'])
  })
})

describe('the holder of a lock', () => {
  it('says in its file what decides whether it lives', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    const lock = await storage.lock(dir)
    const text = await readFile(join(dir, 'LOCK', '8', HOLDER), 'utf8')
    const holder = JSON.parse(text) as Holder
    expect(holder).toMatchObject(
      JSON.parse(await ownRecord({ address: 'socket', since: holder.since })),
    )
    await lock.release()
    expect(await readFile(join(dir, 'LOCK', '8', RELEASED), 'utf8')).toBe(text)
  })

  it('may let go of what was removed under it', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    const lock = await storage.lock(dir)
    await rm(join(dir, 'LOCK'), { recursive: true })
    await lock.release()
  })

  it('is not reached any more once it let go', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    const lock = await storage.lock(dir)
    await lock.release()
    const socket = connect({ path: join(dir, 'LOCK', '8', 'socket') })
    const code = await new Promise((resolve) => {
      socket.once('error', (error: Error & { code?: string }) => resolve(error.code))
      socket.once('connect', () => resolve('connected'))
    })
    socket.destroy()
    expect(code).toBe('ECONNREFUSED')
  })

  it('survives a connection that it cannot accept', async () => {
    await writeFile(join(lockDir, RELEASED), '')
    const listening = vi.spyOn(Server.prototype, 'listen')
    const lock = await storage.lock(dir)
    const server = listening.mock.contexts[0] as Server
    listening.mockRestore()
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
    await expect(storage.lock(dir)).rejects.toMatchObject({ state: 'running' })
    await lock.release()
  })

  it('in a long path removes, when it lets go, nothing that is not its own', async () => {
    const deep = join(dir, 'd'.repeat(120))
    const victim = join(dir, 'victim')
    await mkdir(deep)
    await mkdir(victim)
    await writeFile(join(victim, 'socket'), '')
    const lock = await storage.lock(deep)
    // One of these has the number by which the socket's directory was reached.
    const handles = await Promise.all(Array.from({ length: 40 }, () => open(victim, 'r')))
    await lock.release()
    for (const handle of handles) await handle.close()
    expect(await storage.list(victim)).toEqual(['socket'])
    expect((await storage.list(join(deep, 'LOCK', '1'))).toSorted()).toEqual([RELEASED, 'socket'])
  })
})
