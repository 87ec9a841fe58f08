/** Cases of names: making, listing, renaming, removing, syncing, watching. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Storage } from '../storage.ts'
import { type DefineCase, failure, pattern, waitFor } from './suite.ts'
import type { Way } from './ways.ts'

async function makeFile(storage: Storage, path: string, bytes: Uint8Array): Promise<void> {
  const file = await storage.open(path, 'create')
  await file.write(bytes, 0, false)
  await file.close()
}

export function renameCases(define: DefineCase, way: Way): void {
  define('a rename takes the place of the file that had the name', async ({ storage, dir }) => {
    const bytes = pattern(3 * storage.align, 1)
    await makeFile(storage, join(dir, 'a'), bytes)
    await makeFile(storage, join(dir, 'b'), pattern(7 * storage.align, 2))
    await way.rename(storage, join(dir, 'a'), join(dir, 'b'))
    assert.deepEqual(await storage.list(dir), ['b'])
    const b = await storage.open(join(dir, 'b'), 'read')
    const back = Buffer.alloc(bytes.length)
    assert.equal(await b.size(), bytes.length)
    assert.equal(await b.read(back, 0), bytes.length)
    assert.deepEqual(back, bytes)
    await b.close()
  })

  define('a rename moves between directories', async ({ storage, dir }) => {
    await makeFile(storage, join(dir, 'a'), pattern(storage.align, 1))
    await storage.mkdir(join(dir, 'sub'))
    await way.rename(storage, join(dir, 'a'), join(dir, 'sub', 'b'))
    assert.deepEqual(await storage.list(dir), ['sub'])
    assert.deepEqual(await storage.list(join(dir, 'sub')), ['b'])
  })

  define('a rename of nothing, or to nowhere, changes nothing', async ({ storage, dir }) => {
    const missing = join(dir, 'missing')
    await makeFile(storage, join(dir, 'a'), pattern(storage.align, 1))
    await assert.rejects(
      way.rename(storage, missing, join(dir, 'a')),
      failure('WALRUS_NOT_FOUND', missing),
    )
    await assert.rejects(
      way.rename(storage, join(dir, 'a'), join(missing, 'a')),
      failure('WALRUS_NOT_FOUND', join(dir, 'a')),
    )
    const a = await storage.open(join(dir, 'a'), 'read')
    assert.equal(await a.size(), storage.align)
    await a.close()
  })

  define('a directory is synced, a missing one is not found', async ({ storage, dir }, context) => {
    await makeFile(storage, join(dir, 'a'), pattern(storage.align, 1))
    await way.syncDir(storage, dir)
    assert.deepEqual(await storage.list(dir), ['a'])
    if (process.platform === 'win32') return context.skip('Windows has no sync for directories')
    const missing = join(dir, 'missing')
    await assert.rejects(way.syncDir(storage, missing), failure('WALRUS_NOT_FOUND', missing))
  })
}

export function directoryCases(define: DefineCase): void {
  define('a directory lists its own names', async ({ storage, dir }) => {
    assert.deepEqual(await storage.list(dir), [])
    await makeFile(storage, join(dir, 'b'), pattern(storage.align, 1))
    await makeFile(storage, join(dir, 'a'), pattern(storage.align, 1))
    await storage.mkdir(join(dir, 'sub'))
    await makeFile(storage, join(dir, 'sub', 'c'), pattern(storage.align, 1))
    assert.deepEqual((await storage.list(dir)).toSorted(), ['a', 'b', 'sub'])
    assert.deepEqual(await storage.list(join(dir, 'sub')), ['c'])
  })

  define('a listing of what is missing, or a file, fails', async ({ storage, dir }) => {
    const missing = join(dir, 'missing')
    const file = join(dir, 'a')
    await makeFile(storage, file, pattern(storage.align, 1))
    await assert.rejects(storage.list(missing), failure('WALRUS_NOT_FOUND', missing))
    await assert.rejects(storage.list(file), failure('WALRUS_NOT_A_DIRECTORY', file))
  })

  define('mkdir makes what is missing above, and an existing one is fine', async (subject) => {
    const { storage, dir } = subject
    const deep = join(dir, 'x', 'y', 'z')
    await storage.mkdir(deep)
    await makeFile(storage, join(deep, 'a'), pattern(storage.align, 1))
    await storage.mkdir(deep)
    assert.deepEqual(await storage.list(deep), ['a'])
    assert.deepEqual(await storage.list(join(dir, 'x')), ['y'])
  })

  define('mkdir refuses a file, there or above', async ({ storage, dir }) => {
    const file = join(dir, 'a')
    const below = join(file, 'b')
    await makeFile(storage, file, pattern(storage.align, 1))
    await assert.rejects(storage.mkdir(file), failure('WALRUS_NOT_A_DIRECTORY', file))
    await assert.rejects(storage.mkdir(below), failure('WALRUS_NOT_A_DIRECTORY', below))
    assert.deepEqual(await storage.list(dir), ['a'])
  })

  define('a removed file is gone, and cannot be removed again', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    await makeFile(storage, path, pattern(storage.align, 1))
    await storage.remove(path)
    assert.deepEqual(await storage.list(dir), [])
    await assert.rejects(storage.open(path, 'read'), failure('WALRUS_NOT_FOUND', path))
    await assert.rejects(storage.remove(path), failure('WALRUS_NOT_FOUND', path))
  })

  define('a watch can be set on what is missing, and is silent once closed', async (subject) => {
    const { storage, dir } = subject
    const wait = subject.pass ?? waitFor
    const path = join(dir, 'a')
    let hints = 0
    const watches = [
      storage.watch(path, () => hints++),
      storage.watch(join(dir, 'missing', 'a'), () => hints++),
    ]
    await makeFile(storage, path, pattern(storage.align, 1))
    await wait(20)
    for (const watch of watches) {
      watch.close()
      watch.close()
    }
    const before = hints
    const file = await storage.open(path, 'write')
    await file.write(pattern(storage.align, 2), 0, true)
    await file.close()
    await wait(20)
    assert.equal(hints, before)
  })
}
