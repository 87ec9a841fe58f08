import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fd } from '../src/fd-storage.ts'
import { HolderProcess } from './holder-process.ts'

const storage = fd()
let dir: string
let holder: HolderProcess

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-lock-'))
  holder = new HolderProcess(dir)
})

afterEach(async () => {
  await holder.kill()
  await rm(dir, { recursive: true, force: true })
})

describe('a holder in another process', () => {
  it('is named, and told to be running', async () => {
    expect(await holder.tell('lock')).toBe(1)
    await expect(storage.lock(dir)).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'running',
      holder: { pid: holder.pid, host: storage.env.host },
    })
    await expect(storage.lock(dir)).rejects.toThrow(/It is running/)
    expect(await storage.locked(dir)).toMatchObject({ pid: holder.pid })
  })

  it('is followed once it let go', async () => {
    await holder.tell('lock')
    await holder.tell('release')
    expect(await storage.locked(dir)).toBeUndefined()
    const lock = await storage.lock(dir)
    expect(lock.epoch).toBe(2)
    expect(await holder.tell('lock')).toBe('WALRUS_LOCKED')
    await lock.release()
    expect(await holder.tell('lock')).toBe(3)
  })

  it('is followed once it was killed', async () => {
    await holder.tell('lock')
    await holder.kill()
    expect(await storage.locked(dir)).toBeUndefined()
    const lock = await storage.lock(dir)
    expect(lock.epoch).toBe(2)
    expect(await readdir(join(dir, 'LOCK'))).toEqual(['2'])
    await lock.release()
  })

  it('is followed once it exited without letting go', async () => {
    await holder.tell('lock')
    await holder.tell('exit')
    await holder.exited
    const lock = await storage.lock(dir)
    expect(lock.epoch).toBe(2)
    await lock.release()
  })

  it('keeps the lock while it is stopped, and is told from a killed one', async () => {
    await holder.tell('lock')
    holder.signal('SIGSTOP')
    await expect(storage.lock(dir)).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'stopped',
      holder: { pid: holder.pid },
    })
    expect(await storage.locked(dir)).toMatchObject({ pid: holder.pid })
    holder.signal('SIGCONT')
    await expect(storage.lock(dir)).rejects.toMatchObject({ state: 'running' })
    holder.signal('SIGSTOP')
    await holder.kill()
    const lock = await storage.lock(dir)
    expect(lock.epoch).toBe(2)
    await lock.release()
  })

  it('keeps the lock while its event loop is busy', async () => {
    await holder.tell('lock')
    await holder.tell('busy', 3000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await expect(storage.lock(dir)).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'not-answering',
      holder: { pid: holder.pid },
    })
  })

  it('keeps the lock when no more connections fit in its backlog', async () => {
    await holder.tell('lock')
    holder.signal('SIGSTOP')
    const path = join(dir, 'LOCK', '1', 'socket')
    const sockets: Socket[] = []
    let outcome: string | undefined
    while (outcome === undefined && sockets.length < 5000) {
      const socket = connect({ path })
      sockets.push(socket)
      outcome = await new Promise((resolve) => {
        socket.once('connect', () => resolve(undefined))
        socket.once('error', (error: Error & { code?: string }) => resolve(error.code))
      })
    }
    expect(outcome).toBe('EAGAIN')
    await expect(storage.lock(dir)).rejects.toMatchObject({ state: 'stopped' })
    for (const socket of sockets) socket.destroy()
  })

  it('does not go on living because of the lock', async () => {
    await holder.tell('lock')
    await holder.tell('end')
    await holder.exited
    expect(holder.child.exitCode).toBe(0)
  })

  it('does not leave the lock to its children', async () => {
    await holder.tell('lock')
    const child = (await holder.tell('spawn')) as number
    await holder.kill()
    const lock = await storage.lock(dir)
    expect(lock.epoch).toBe(2)
    expect(process.kill(child, 'SIGKILL')).toBe(true)
    await lock.release()
  })
})

describe('threads and cluster workers', () => {
  it('another thread of the holding process is refused', async () => {
    await holder.tell('lock')
    expect(await holder.tell('lockInWorker')).toBe('WALRUS_LOCKED')
  })

  it('a lock taken by a thread ends with that thread', async () => {
    expect(await holder.tell('lockInWorker')).toBe(1)
    expect(await holder.tell('lock')).toBe('WALRUS_LOCKED')
    await holder.tell('endWorker')
    expect(await holder.tell('lock')).toBe(2)
  })

  it('a lock taken by a cluster worker ends with that worker', async () => {
    expect(await holder.tell('lockInClusterWorker')).toBe(1)
    await expect(storage.lock(dir)).rejects.toMatchObject({ code: 'WALRUS_LOCKED' })
    expect((await storage.locked(dir))?.pid).not.toBe(holder.pid)
    await holder.tell('killClusterWorker')
    await expect.poll(() => storage.locked(dir)).toBeUndefined()
    expect(await holder.tell('lock')).toBe(2)
  })

  it('a lock taken by a cluster worker outlives the primary', async () => {
    await holder.tell('lockInClusterWorker')
    const worker = (await storage.locked(dir))?.pid ?? 0
    expect(process.kill(worker, 'SIGSTOP')).toBe(true)
    await holder.kill()
    await expect(storage.lock(dir)).rejects.toMatchObject({
      state: 'stopped',
      holder: { pid: worker },
    })
    expect(process.kill(worker, 'SIGKILL')).toBe(true)
    await expect.poll(() => storage.locked(dir)).toBeUndefined()
  })
})

describe('a path longer than a socket’s', () => {
  it.each([
    ['in characters', join('d'.repeat(120), 'e'.repeat(120))],
    ['in bytes', 'é'.repeat(30)],
  ])('%s is locked, refused, and followed all the same', async (_, name) => {
    const deep = join(dir, name)
    await mkdir(deep, { recursive: true })
    const far = new HolderProcess(deep)
    expect(await far.tell('lock')).toBe(1)
    expect(await readdir(join(deep, 'LOCK', '1'))).toContain('socket')
    await expect(storage.lock(deep)).rejects.toMatchObject({ state: 'running' })
    await far.tell('release')
    const lock = await storage.lock(deep)
    expect(lock.epoch).toBe(2)
    expect(await far.tell('lock')).toBe('WALRUS_LOCKED')
    await lock.release()
    expect(await far.tell('lock')).toBe(3)
    far.signal('SIGSTOP')
    await expect(storage.lock(deep)).rejects.toMatchObject({ state: 'stopped' })
    await far.kill()
    expect(await storage.locked(deep)).toBeUndefined()
    const last = await storage.lock(deep)
    expect(last.epoch).toBe(4)
    await last.release()
  })
})
