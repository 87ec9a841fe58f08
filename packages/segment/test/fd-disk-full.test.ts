/** A small file system that fills up, and the same one seen read-only. Only root may mount it. */

import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { fd } from '../src/fd-storage.ts'

const MIB = 2 ** 20
const storage = fd()
let root: string
let disk: string
let readOnly: string
let unmountable: string | undefined

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function unmount(path: string): void {
  execFileSync('umount', ['--lazy', path], { stdio: 'ignore' })
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'walrus-disk-'))
  disk = join(root, 'disk')
  readOnly = join(root, 'read-only')
  await mkdir(disk)
  await mkdir(readOnly)
  try {
    mount('-t', 'tmpfs', '-o', 'size=1m,mode=0750', 'walrus-test', disk)
    mount('--bind', disk, readOnly)
    mount('-o', 'remount,bind,ro', readOnly)
    unmountable = undefined
  } catch (error) {
    unmountable = `cannot mount a file system here: ${String(error).trim()}`
  }
})

afterEach(async () => {
  if (unmountable === undefined) {
    unmount(readOnly)
    unmount(disk)
  }
  await rm(root, { recursive: true, force: true })
})

function skipUnlessMounted(context: TestContext): void {
  if (unmountable !== undefined) context.skip(unmountable)
}

describe('a full disk', () => {
  it.for([
    ['asynchronous', false],
    ['asynchronous', true],
    ['synchronous', false],
    ['synchronous', true],
  ] as const)(
    '%s writes (durable: %s) fail, and go on once there is space',
    async ([way, durable], context) => {
      skipUnlessMounted(context)
      const ballast = await storage.open(join(disk, 'ballast'), 'create')
      await ballast.write(Buffer.alloc(MIB / 2, 1), 0, false)
      await ballast.close()
      const path = join(disk, 'a')
      const file = await storage.open(path, 'create')
      await file.write(Buffer.alloc(4096, 2), 0, true)
      const write = async (bytes: Uint8Array, at: number): Promise<void> => {
        if (way === 'asynchronous') await file.write(bytes, at, durable)
        else file.writeSync(bytes, at, durable)
      }
      const failed = await write(Buffer.alloc(MIB, 3), 4096).catch((error: unknown) => error)
      expect(failed).toMatchObject({
        code: 'WALRUS_DISK_FULL',
        file: path,
        cause: { code: 'ENOSPC' },
      })
      const { offset } = failed as { offset: number }
      expect(offset).toBeGreaterThan(4096)
      expect(offset).toBeLessThan(MIB)

      const back = Buffer.alloc(4096)
      expect(await file.read(back, 0)).toBe(4096)
      expect(back).toEqual(Buffer.alloc(4096, 2))
      await file.truncate(4096)
      await storage.remove(join(disk, 'ballast'))
      await write(Buffer.alloc(MIB / 2, 4), 4096)
      await file.sync()
      expect(await file.size()).toBe(4096 + MIB / 2)
      const all = Buffer.alloc(4096 + MIB / 2)
      expect(await file.read(all, 0)).toBe(all.length)
      expect(all.subarray(0, 4096).equals(Buffer.alloc(4096, 2))).toBe(true)
      expect(all.subarray(4096).equals(Buffer.alloc(MIB / 2, 4))).toBe(true)
      await file.close()
    },
  )

  it('has no room for a lock, and says so; a lock that is held can be let go', async (context) => {
    skipUnlessMounted(context)
    const lock = await storage.lock(disk)
    const ballast = await storage.open(join(disk, 'ballast'), 'create')
    await expect(ballast.write(Buffer.alloc(MIB, 1), 0, false)).rejects.toMatchObject({
      code: 'WALRUS_DISK_FULL',
    })
    await lock.release()
    expect(await storage.locked(disk)).toBeUndefined()
    await expect(storage.lock(disk)).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    expect(await storage.locked(disk)).toBeUndefined()
    await ballast.truncate(0)
    await ballast.close()
    const next = await storage.lock(disk)
    expect(next.epoch).toBe(2)
    await next.release()
  })
})

describe('a read-only directory', () => {
  it('refuses every change', async (context) => {
    skipUnlessMounted(context)
    const file = await storage.open(join(disk, 'a'), 'create')
    await file.write(Buffer.from('hello'), 0, false)
    await file.close()
    const denied = { code: 'WALRUS_PERMISSION_DENIED', cause: { code: 'EROFS' } }
    const path = join(readOnly, 'a')
    await expect(storage.open(path, 'write')).rejects.toMatchObject(denied)
    await expect(storage.open(join(readOnly, 'b'), 'create')).rejects.toMatchObject(denied)
    await expect(storage.rename(path, join(readOnly, 'b'))).rejects.toMatchObject(denied)
    await expect(storage.remove(path)).rejects.toMatchObject(denied)
    await expect(storage.mkdir(join(readOnly, 'c'))).rejects.toMatchObject(denied)
    await expect(storage.lock(readOnly)).rejects.toMatchObject(denied)
    const reader = await storage.open(path, 'read')
    expect(await reader.size()).toBe(5)
    await reader.close()
  })

  it('tells whether it is locked', async (context) => {
    skipUnlessMounted(context)
    expect(await storage.locked(readOnly)).toBeUndefined()
    const lock = await storage.lock(disk)
    expect(await storage.locked(readOnly)).toMatchObject({ pid: process.pid })
    await expect(storage.lock(readOnly)).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      state: 'running',
    })
    await lock.release()
    expect(await storage.locked(readOnly)).toBeUndefined()
    await expect(storage.lock(readOnly)).rejects.toMatchObject({ code: 'WALRUS_PERMISSION_DENIED' })
  })
})
