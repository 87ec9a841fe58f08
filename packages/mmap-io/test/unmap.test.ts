/** A map ends when it is told to, or when nothing refers to it any more, and nothing dangles. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gzip } from 'node:zlib'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import {
  advise,
  incore,
  MAP_PRIVATE,
  MAP_SHARED,
  map,
  PAGESIZE,
  PROT_READ,
  PROT_WRITE,
  RWF_DSYNC,
  sync,
  unmap,
  write,
} from '@walrus/mmap-io'
import { describe, expect, it } from 'vitest'
import { collect, scratch } from './scratch.ts'

const { file, open } = scratch()

/** How often a path is mapped in this process. */
function mapsOf(path: string): number {
  return readFileSync('/proc/self/maps', 'utf8').split(path).length - 1
}

describe('unmap', () => {
  it('empties every view at once and lets go of the file', () => {
    const { fd, path } = file(Buffer.alloc(3 * PAGESIZE, 7))
    const buffer = map(3 * PAGESIZE, PROT_READ, MAP_SHARED, fd)
    const views = [
      new Uint32Array(buffer.buffer),
      buffer.subarray(5, 10),
      new Uint8Array(buffer.buffer, PAGESIZE),
    ]
    expect(mapsOf(path)).toBe(1)
    unmap(buffer)
    expect(mapsOf(path)).toBe(0)
    expect([buffer, ...views].map(({ length }) => length)).toEqual([0, 0, 0, 0])
    expect(buffer[0]).toBeUndefined()
    expect(views[1]![0]).toBeUndefined()
    expect(buffer.buffer.byteLength).toBe(0)
  })

  it('takes any view, and the ArrayBuffer', () => {
    const { fd, path } = file(2 * PAGESIZE)
    for (const of of [
      (buffer: Buffer) => buffer.buffer as ArrayBuffer,
      (buffer: Buffer) => buffer.subarray(9, 9),
      (buffer: Buffer) => new DataView(buffer.buffer, 5),
      (buffer: Buffer) => new BigInt64Array(buffer.buffer, 8, 3),
    ]) {
      const buffer = map(2 * PAGESIZE, PROT_READ, MAP_SHARED, fd)
      unmap(of(buffer))
      expect(buffer).toHaveLength(0)
    }
    expect(mapsOf(path)).toBe(0)
  })

  it('may be called twice, on the buffer and on what were views of it', () => {
    const { fd } = file(PAGESIZE)
    const buffer = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    const view = buffer.subarray(1)
    unmap(buffer)
    unmap(buffer)
    unmap(view)
    expect(view).toHaveLength(0)
  })

  it('refuses memory that is no map', () => {
    for (const other of [
      Buffer.alloc(10),
      new ArrayBuffer(5),
      new DataView(new ArrayBuffer(5)),
      new Uint8Array(new SharedArrayBuffer(5)),
    ]) {
      expect(() => unmap(other)).toThrow(
        expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
      )
    }
  })

  it('makes the other calls on the buffer say so', () => {
    const { fd } = file(PAGESIZE)
    const buffer = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    unmap(buffer)
    for (const call of [() => sync(buffer), () => advise(buffer, 0), () => incore(buffer)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    }
  })

  it('leaves the other maps of the same file', () => {
    const { fd } = file(Buffer.alloc(PAGESIZE, 3))
    const one = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    const other = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    unmap(one)
    expect(other[PAGESIZE - 1]).toBe(3)
  })

  it('and map again, ten thousand times in a row, shows the file each time and leaves no map', () => {
    const { fd, path } = file(Buffer.alloc(PAGESIZE, 9))
    for (let i = 0; i < 10_000; i++) {
      const buffer = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
      if (buffer[i % PAGESIZE] !== 9) throw new Error(`map ${i} shows something else`)
      unmap(buffer)
    }
    expect(mapsOf(path)).toBe(0)
  })

  it('lets a write that is under way write its bytes', async () => {
    const size = 8 << 20
    const content = Buffer.alloc(size, 'payload ')
    const { fd: from } = file(content)
    const { fd: to, path } = file(0)
    const buffer = map(size, PROT_READ, MAP_SHARED, from)
    const writing = [0, 1, 2, 3].map((part) =>
      write(to, buffer, (part * size) / 4, size / 4, (part * size) / 4, RWF_DSYNC),
    )
    unmap(buffer)
    expect(buffer).toHaveLength(0)
    expect(await Promise.all(writing)).toEqual(Array(4).fill(size / 4))
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  it('under a compression that still reads gives it zeros or bytes of the file, and no crash', async () => {
    const size = 16 << 20
    const { fd } = file(Buffer.alloc(size, 1))
    const buffer = map(size, PROT_READ, MAP_SHARED, fd)
    const compressing = promisify(gzip)(buffer)
    unmap(buffer)
    const { gunzipSync } = await import('node:zlib')
    const seen = new Set(gunzipSync(await compressing))
    expect([...seen].every((byte) => byte === 0 || byte === 1)).toBe(true)
  })
})

describe('a map that is never unmapped', () => {
  it('is freed when nothing refers to it', async () => {
    const { fd, path } = file(PAGESIZE)
    for (let i = 0; i < 100; i++) map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    await collect()
    expect(mapsOf(path)).toBeLessThan(5)
  })

  it('stays as long as one view of it does', async () => {
    const { fd } = file(Buffer.alloc(2 * PAGESIZE, 'x'))
    const view = map(2 * PAGESIZE, PROT_READ, MAP_SHARED, fd).subarray(PAGESIZE, PAGESIZE + 4)
    await collect()
    expect(view.toString()).toBe('xxxx')
  })

  it('does not keep the process from ending', () => {
    const program = fileURLToPath(new URL('programs/exit-with-maps.js', import.meta.url))
    const { path } = file(Buffer.alloc(PAGESIZE, 'x'))
    for (const how of ['return', 'exit', 'drop-at-exit']) {
      expect(execFileSync(process.execPath, [program, path, how], { encoding: 'utf8' })).toBe(
        'mapped\n',
      )
    }
  })
})

describe('an ArrayBuffer of a map', () => {
  it('is not handed to another thread: that gets a copy or nothing', async () => {
    const { fd } = file(Buffer.alloc(PAGESIZE, 5))
    const buffer = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    const memory = buffer.buffer as ArrayBuffer
    try {
      const clone = structuredClone(memory, { transfer: [memory] })
      expect(new Uint8Array(clone)[0]).toBe(5)
    } catch (error) {
      expect(error).toMatchObject({ name: 'DataCloneError' })
    }
    expect(buffer[0]).toBe(5)
    unmap(buffer)
  })

  it('that was handed on by transfer() stays readable, whatever becomes of the old one', async (context) => {
    type Transferable = ArrayBuffer & { transfer?: () => ArrayBuffer }
    const { fd, path } = file(Buffer.alloc(PAGESIZE, 5))
    let buffer: Buffer | undefined = map(PAGESIZE, PROT_READ, MAP_SHARED, fd)
    const memory = buffer.buffer as Transferable
    if (memory.transfer === undefined) return context.skip('this Node.js has no transfer()')
    const next = new Uint8Array(memory.transfer())
    unmap(buffer)
    buffer = undefined
    await collect()
    expect(next[PAGESIZE - 1]).toBe(5)
    expect(mapsOf(path)).toBe(1)
  })
})

describe('a private map', () => {
  it('takes stores without changing the file, also where the file is open for reading only', () => {
    const { path } = file(Buffer.alloc(PAGESIZE, 1))
    const fd = open(path, 'r')
    const buffer = map(PAGESIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd)
    buffer.fill(2)
    expect(readFileSync(path).equals(Buffer.alloc(PAGESIZE, 1))).toBe(true)
  })
})
