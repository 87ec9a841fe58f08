/** A file system that can hold no socket (FAT, some FUSE): binding fails, all else works. */

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { fd } from '../src/fd-storage.ts'
import { HolderProcess } from './holder-process.ts'

const storage = fd()
let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-lock-'))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dir, { recursive: true, force: true })
})

function failToListen(code: string): void {
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
    const error = Object.assign(new Error(`listen ${code}`), { code })
    setImmediate(() => this.emit('error', error))
    return this
  })
}

it.each(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP'])(
  'where binding fails with %s, the process table decides',
  async (code) => {
    failToListen(code)
    const lock = await storage.lock(dir)
    expect(await readdir(join(dir, 'LOCK', '1'))).toEqual(['holder.json'])
    await expect(storage.lock(dir)).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'running',
      holder: { pid: process.pid },
    })
    const other = new HolderProcess(dir)
    expect(await other.tell('lock')).toBe('WALRUS_LOCKED')
    await lock.release()
    expect(await other.tell('lock')).toBe(2)
    await other.kill()
    const next = await storage.lock(dir)
    expect(next.epoch).toBe(3)
    await next.release()
  },
)

it('a failure of the disk is not taken for a file system without sockets', async () => {
  failToListen('EIO')
  await expect(storage.lock(dir)).rejects.toMatchObject({ code: 'WALRUS_IO' })
  failToListen('ENOSPC')
  await expect(storage.lock(dir)).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
  expect(await readdir(join(dir, 'LOCK'))).toEqual([])
})
