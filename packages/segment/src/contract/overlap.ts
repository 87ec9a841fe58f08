/** Cases with several calls on one file under way at once, large ones, and views. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type DefineCase, failure, pattern } from './suite.ts'

const LARGE = 64 * 2 ** 20

export function overlapCases(define: DefineCase): void {
  define('writes and reads under way together keep to their ranges', async ({ storage, dir }) => {
    const length = 3 * storage.align
    const file = await storage.open(join(dir, 'a'), 'create')
    const parts = Array.from({ length: 64 }, (_, index) => pattern(length, index))
    await file.write(Buffer.concat(parts.slice(0, 32)), 0, false)
    const reads = parts.slice(0, 32).map(() => Buffer.alloc(length))
    await Promise.all([
      ...parts.slice(32).map((part, i) => file.write(part, (32 + i) * length, i % 2 === 0)),
      ...reads.map((into, i) => file.read(into, i * length)),
    ])
    assert.deepEqual(Buffer.concat(reads), Buffer.concat(parts.slice(0, 32)))
    const back = Buffer.alloc(64 * length)
    assert.equal(await file.read(back, 0), back.length)
    assert.deepEqual(back, Buffer.concat(parts))
    await file.close()
  })

  define('a synchronous write while another is under way: both are there', async (subject) => {
    const { storage, dir } = subject
    const { align } = storage
    const first = pattern(1000 * align, 1)
    const second = pattern(3 * align, 2)
    const file = await storage.open(join(dir, 'a'), 'create')
    const underWay = file.write(first, 0, true)
    file.writeSync(second, first.length, true)
    file.syncSync()
    await underWay
    const back = Buffer.alloc(first.length + second.length)
    assert.equal(file.readSync(back, 0), back.length)
    assert.deepEqual(back, Buffer.concat([first, second]))
    await file.close()
  })

  define('the same bytes written twice to one place are those bytes', async ({ storage, dir }) => {
    const bytes = pattern(1000 * storage.align, 1)
    const file = await storage.open(join(dir, 'a'), 'create')
    const underWay = file.write(bytes, 0, true)
    file.writeSync(bytes, 0, false)
    await underWay
    const back = Buffer.alloc(bytes.length)
    assert.equal(await file.read(back, 0), back.length)
    assert.deepEqual(back, bytes)
    assert.equal(await file.size(), bytes.length)
    await file.close()
  })

  define('close waits for what is under way, and refuses what comes after', async (subject) => {
    const { storage, dir } = subject
    const path = join(dir, 'a')
    const length = 100 * storage.align
    const file = await storage.open(path, 'create')
    let settled = 0
    const writes = Array.from({ length: 20 }, (_, index) =>
      file.write(pattern(length, index), index * length, index % 2 === 1).then(() => settled++),
    )
    const closing = file.close()
    const refused = file.write(pattern(length, 20), 20 * length, false)
    await assert.rejects(refused, failure('WALRUS_CLOSED', path))
    await closing
    assert.equal(settled, 20)
    await Promise.all(writes)
    const again = await storage.open(path, 'read')
    const back = Buffer.alloc(20 * length)
    assert.equal(await again.size(), back.length)
    assert.equal(await again.read(back, 0), back.length)
    const expected = Array.from({ length: 20 }, (_, index) => pattern(length, index))
    assert.deepEqual(back, Buffer.concat(expected))
    await again.close()
  })

  define('closeSync lets what is under way end', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const bytes = pattern(1000 * storage.align, 1)
    const file = await storage.open(path, 'create')
    const underWay = file.write(bytes, 0, true)
    file.closeSync()
    assert.throws(() => file.sizeSync(), failure('WALRUS_CLOSED', path))
    // Files opened now must not get in the way of that write, nor it in theirs.
    const others = await Promise.all(
      ['b', 'c', 'd'].map((name) => storage.open(join(dir, name), 'create')),
    )
    await underWay
    await file.close()
    for (const other of others) {
      assert.equal(await other.size(), 0)
      await other.close()
    }
    const again = await storage.open(path, 'read')
    const back = Buffer.alloc(bytes.length)
    assert.equal(await again.read(back, 0), back.length)
    assert.deepEqual(back, bytes)
    await again.close()
  })

  define('64 MiB in one write and one read', async ({ storage, dir }) => {
    const bytes = Buffer.alloc(LARGE)
    const block = pattern(2 ** 20, 1)
    for (let at = 0; at < LARGE; at += block.length) {
      block.writeUInt32LE(at, 0)
      block.copy(bytes, at)
    }
    const file = await storage.open(join(dir, 'a'), 'create')
    await file.write(bytes, 0, false)
    await file.sync()
    assert.equal(await file.size(), LARGE)
    const back = Buffer.alloc(LARGE)
    assert.equal(await file.read(back, 0), LARGE)
    assert.equal(Buffer.compare(back, bytes), 0)
    file.writeSync(bytes, LARGE, false)
    back.fill(0)
    assert.equal(file.readSync(back, LARGE), LARGE)
    assert.equal(Buffer.compare(back, bytes), 0)
    await file.close()
  })

  define('a view shows the file’s bytes, and is empty once it is closed', async (s, context) => {
    const { storage, dir } = s
    if (!storage.canView) return context.skip(`${storage.name} gives no views`)
    const { align } = storage
    const bytes = pattern(8 * align, 1)
    const file = await storage.open(join(dir, 'a'), 'create')
    await file.write(bytes, 0, true)
    const view = file.view(0, bytes.length)
    assert.ok(view !== undefined)
    assert.deepEqual(Buffer.from(view), bytes)
    const middle = file.view(3, 2 * align)
    assert.ok(middle !== undefined)
    assert.deepEqual(Buffer.from(middle), bytes.subarray(3, 3 + 2 * align))
    await file.close()
    assert.equal(view.length, 0)
    assert.equal(middle.length, 0)
  })

  define('a storage without views gives none', async ({ storage, dir }, context) => {
    if (storage.canView) return context.skip(`${storage.name} gives views`)
    const file = await storage.open(join(dir, 'a'), 'create')
    await file.write(pattern(storage.align, 1), 0, false)
    assert.equal(file.view(0, storage.align), undefined)
    await file.close()
  })
}
