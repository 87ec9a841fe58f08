/** Cases of one file and one call at a time, each by the asynchronous calls and by their twins. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type DefineCase, failure, pattern } from './suite.ts'
import type { Way } from './ways.ts'

export function fileCases(define: DefineCase, way: Way): void {
  define('a created file is empty, and gives back what is written', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const a = await way.open(storage, path, 'create')
    assert.equal(a.file.path, path)
    assert.equal(await a.size(), 0)
    const bytes = pattern(5 * storage.align, 1)
    await a.write(bytes, 0, false)
    assert.equal(await a.size(), bytes.length)
    const back = Buffer.alloc(bytes.length)
    assert.equal(await a.read(back, 0), bytes.length)
    assert.deepEqual(back, bytes)
    await a.close()
  })

  define('what was written is there when the file is opened again', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const bytes = pattern(9 * storage.align, 1)
    const a = await way.open(storage, path, 'create')
    await a.write(bytes, 0, false)
    await a.close()
    for (const mode of ['read', 'write'] as const) {
      const again = await way.open(storage, path, mode)
      const back = Buffer.alloc(bytes.length)
      assert.equal(await again.read(back, 0), bytes.length)
      assert.deepEqual(back, bytes)
      await again.close()
    }
  })

  define('create refuses a name that exists, and leaves that file alone', async (subject) => {
    const { storage, dir } = subject
    const path = join(dir, 'a')
    const bytes = pattern(storage.align, 1)
    const a = await way.open(storage, path, 'create')
    await a.write(bytes, 0, false)
    await assert.rejects(way.open(storage, path, 'create'), failure('WALRUS_ALREADY_EXISTS', path))
    const back = Buffer.alloc(bytes.length)
    assert.equal(await a.read(back, 0), bytes.length)
    assert.deepEqual(back, bytes)
    await a.close()
  })

  define('a missing file is not found, and not made', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    await assert.rejects(way.open(storage, path, 'read'), failure('WALRUS_NOT_FOUND', path))
    await assert.rejects(way.open(storage, path, 'write'), failure('WALRUS_NOT_FOUND', path))
    assert.deepEqual(await storage.list(dir), [])
  })

  define('a file in a missing directory is not found', async ({ storage, dir }) => {
    const path = join(dir, 'missing', 'a')
    await assert.rejects(way.open(storage, path, 'create'), failure('WALRUS_NOT_FOUND', path))
  })

  define('a path through a file is no directory', async ({ storage, dir }) => {
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.close()
    const path = join(dir, 'a', 'b')
    await assert.rejects(way.open(storage, path, 'create'), failure('WALRUS_NOT_A_DIRECTORY', path))
    await assert.rejects(way.open(storage, path, 'read'), failure('WALRUS_NOT_A_DIRECTORY', path))
  })

  define('a directory is not opened as a file', async ({ storage, dir }) => {
    await assert.rejects(way.open(storage, dir, 'read'), failure('WALRUS_IO', dir))
    await assert.rejects(way.open(storage, dir, 'write'), failure('WALRUS_IO', dir))
  })

  define('a file opened for reading refuses to be changed', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const bytes = pattern(3 * storage.align, 1)
    const a = await way.open(storage, path, 'create')
    await a.write(bytes, 0, false)
    await a.close()
    const reader = await way.open(storage, path, 'read')
    const denied = failure('WALRUS_PERMISSION_DENIED', path)
    await assert.rejects(reader.write(pattern(storage.align, 2), 0, false), denied)
    await assert.rejects(reader.write(pattern(storage.align, 2), 0, true), denied)
    await assert.rejects(reader.truncate(0), denied)
    const back = Buffer.alloc(bytes.length)
    assert.equal(await reader.read(back, 0), bytes.length)
    assert.deepEqual(back, bytes)
    await reader.close()
  })

  define('a read is short only at the end of the file', async ({ storage, dir }) => {
    const size = 10 * storage.align
    const bytes = pattern(size, 1)
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.write(bytes, 0, false)
    const back = Buffer.alloc(size)
    assert.equal(await a.read(back, size - 3), 3)
    assert.deepEqual(back.subarray(0, 3), bytes.subarray(size - 3))
    assert.deepEqual(back.subarray(3), Buffer.alloc(size - 3))
    assert.equal(await a.read(back, size), 0)
    assert.equal(await a.read(back, size + 1000), 0)
    await a.close()
  })

  define('a read fills its part of a buffer, and nothing beside it', async ({ storage, dir }) => {
    const bytes = pattern(10 * storage.align, 1)
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.write(bytes, 0, false)
    const back = Buffer.alloc(20, 0xee)
    assert.equal(await a.read(back.subarray(7, 12), 3), 5)
    assert.deepEqual(back.subarray(0, 7), Buffer.alloc(7, 0xee))
    assert.deepEqual(back.subarray(7, 12), bytes.subarray(3, 8))
    assert.deepEqual(back.subarray(12), Buffer.alloc(8, 0xee))
    await a.close()
  })

  define('a write takes its part of a buffer, wherever that begins', async ({ storage, dir }) => {
    const { align } = storage
    const buffer = pattern(4 * align + 3, 1)
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.write(buffer.subarray(3, 3 + 2 * align), align, false)
    await a.write(buffer.subarray(1, 1 + align), 0, true)
    const back = Buffer.alloc(3 * align)
    assert.equal(await a.read(back, 0), back.length)
    assert.deepEqual(back.subarray(0, align), buffer.subarray(1, 1 + align))
    assert.deepEqual(back.subarray(align), buffer.subarray(3, 3 + 2 * align))
    await a.close()
  })

  define('a write inside the file changes its range and no other', async ({ storage, dir }) => {
    const { align } = storage
    for (const durable of [false, true]) {
      const expected = pattern(8 * align, 1)
      const a = await way.open(storage, join(dir, `a-${durable}`), 'create')
      await a.write(expected, 0, false)
      const patch = pattern(3 * align, 2)
      await a.write(patch, 2 * align, durable)
      patch.copy(expected, 2 * align)
      assert.equal(await a.size(), expected.length)
      const back = Buffer.alloc(expected.length)
      assert.equal(await a.read(back, 0), expected.length)
      assert.deepEqual(back, expected)
      await a.close()
    }
  })

  define('a write behind the end grows the file, with zeros between', async ({ storage, dir }) => {
    const { align } = storage
    for (const durable of [false, true]) {
      const a = await way.open(storage, join(dir, `a-${durable}`), 'create')
      await a.write(pattern(align, 1), 0, durable)
      await a.write(pattern(2 * align, 2), 5 * align, durable)
      assert.equal(await a.size(), 7 * align)
      const back = Buffer.alloc(7 * align, 0xee)
      assert.equal(await a.read(back, 0), back.length)
      assert.deepEqual(back.subarray(0, align), pattern(align, 1))
      assert.deepEqual(back.subarray(align, 5 * align), Buffer.alloc(4 * align))
      assert.deepEqual(back.subarray(5 * align), pattern(2 * align, 2))
      await a.close()
    }
  })

  define('nothing to write or read is nothing done', async ({ storage, dir }) => {
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.write(new Uint8Array(0), 100 * storage.align, false)
    await a.write(new Uint8Array(0), 100 * storage.align, true)
    assert.equal(await a.size(), 0)
    assert.equal(await a.read(new Uint8Array(0), 0), 0)
    await a.close()
  })

  define('truncate cuts and extends, and what was cut does not come back', async (subject) => {
    const { storage, dir } = subject
    const { align } = storage
    const bytes = pattern(6 * align, 1)
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.write(bytes, 0, true)
    await a.truncate(2 * align)
    assert.equal(await a.size(), 2 * align)
    const back = Buffer.alloc(6 * align, 0xee)
    assert.equal(await a.read(back, 0), 2 * align)
    assert.deepEqual(back.subarray(0, 2 * align), bytes.subarray(0, 2 * align))
    await a.truncate(6 * align)
    assert.equal(await a.size(), 6 * align)
    assert.equal(await a.read(back, 0), 6 * align)
    assert.deepEqual(back.subarray(0, 2 * align), bytes.subarray(0, 2 * align))
    assert.deepEqual(back.subarray(2 * align), Buffer.alloc(4 * align))
    await a.truncate(0)
    assert.equal(await a.size(), 0)
    assert.equal(await a.read(back, 0), 0)
    await a.close()
  })

  define('sync keeps what is there, written and truncated', async ({ storage, dir }) => {
    const { align } = storage
    const a = await way.open(storage, join(dir, 'a'), 'create')
    await a.sync()
    await a.write(pattern(4 * align, 1), 0, false)
    await a.sync()
    await a.truncate(3 * align)
    await a.sync()
    const back = Buffer.alloc(4 * align)
    assert.equal(await a.read(back, 0), 3 * align)
    assert.deepEqual(back.subarray(0, 3 * align), pattern(4 * align, 1).subarray(0, 3 * align))
    await a.close()
  })

  define('offsets and sizes out of range are refused', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const bytes = pattern(4 * storage.align, 1)
    const a = await way.open(storage, path, 'create')
    await a.write(bytes, 0, false)
    const refused = failure('WALRUS_INVALID_OPTION', path)
    for (const at of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await assert.rejects(a.read(Buffer.alloc(1), at), refused)
      await assert.rejects(a.write(pattern(storage.align, 2), at, false), refused)
      await assert.rejects(a.truncate(at), refused)
    }
    assert.equal(await a.size(), bytes.length)
    await a.close()
  })

  define('two handles of a file see one another’s completed writes', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const { align } = storage
    const writer = await way.open(storage, path, 'create')
    const reader = await way.open(storage, path, 'read')
    for (const [index, durable] of [false, true].entries()) {
      const bytes = pattern(2 * align, index)
      await writer.write(bytes, index * 2 * align, durable)
      const back = Buffer.alloc(2 * align)
      assert.equal(await reader.size(), (index + 1) * 2 * align)
      assert.equal(await reader.read(back, index * 2 * align), back.length)
      assert.deepEqual(back, bytes)
    }
    await reader.close()
    await writer.close()
  })

  define('an open file follows its renaming', async ({ storage, dir }) => {
    const { align } = storage
    const from = join(dir, 'a')
    const to = join(dir, 'b')
    const a = await way.open(storage, from, 'create')
    await a.write(pattern(align, 1), 0, false)
    await way.rename(storage, from, to)
    // Another file under the old name must not be taken for this one.
    const other = await way.open(storage, from, 'create')
    await a.write(pattern(align, 2), align, true)
    await a.write(pattern(align, 3), 2 * align, false)
    await a.sync()
    assert.equal(await other.size(), 0)
    const b = await way.open(storage, to, 'read')
    const back = Buffer.alloc(3 * align)
    assert.equal(await b.read(back, 0), back.length)
    const expected = [1, 2, 3].map((seed) => pattern(align, seed))
    assert.deepEqual(back, Buffer.concat(expected))
    await b.close()
    await other.close()
    await a.close()
  })

  define('an open file outlives its name', async ({ storage, dir }) => {
    const { align } = storage
    const path = join(dir, 'a')
    const a = await way.open(storage, path, 'create')
    await a.write(pattern(align, 1), 0, false)
    await storage.remove(path)
    const other = await way.open(storage, path, 'create')
    await a.write(pattern(align, 2), align, true)
    const back = Buffer.alloc(2 * align)
    assert.equal(await a.read(back, 0), back.length)
    assert.deepEqual(back, Buffer.concat([pattern(align, 1), pattern(align, 2)]))
    assert.equal(await other.size(), 0)
    await other.close()
    await a.close()
  })

  define('a closed file refuses everything but another close', async ({ storage, dir }) => {
    const path = join(dir, 'a')
    const { align } = storage
    const a = await way.open(storage, path, 'create')
    await a.write(pattern(align, 1), 0, true)
    await a.close()
    await a.close()
    await a.file.close()
    a.file.closeSync()
    const closed = failure('WALRUS_CLOSED', path)
    await assert.rejects(a.size(), closed)
    await assert.rejects(a.read(Buffer.alloc(1), 0), closed)
    await assert.rejects(a.write(pattern(align, 2), 0, false), closed)
    await assert.rejects(a.write(pattern(align, 2), 0, true), closed)
    await assert.rejects(a.sync(), closed)
    await assert.rejects(a.truncate(0), closed)
    const again = await way.open(storage, path, 'read')
    const back = Buffer.alloc(align)
    assert.equal(await again.read(back, 0), align)
    assert.deepEqual(back, pattern(align, 1))
    await again.close()
  })

  define('a file that may not be opened is told from one that is not there', async (s, context) => {
    const { storage, dir, deny } = s
    if (!deny) return context.skip('the storage under test has no way to deny access')
    const path = join(dir, 'a')
    const a = await way.open(storage, path, 'create')
    await a.close()
    const allow = await deny(path)
    try {
      await assert.rejects(
        way.open(storage, path, 'read'),
        failure('WALRUS_PERMISSION_DENIED', path),
      )
      await assert.rejects(
        way.open(storage, path, 'write'),
        failure('WALRUS_PERMISSION_DENIED', path),
      )
    } finally {
      await allow()
    }
    const again = await way.open(storage, path, 'write')
    await again.close()
  })
}
