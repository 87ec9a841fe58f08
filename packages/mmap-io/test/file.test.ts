/** Preallocation, advice on descriptors, writes that are on disk, direct ones too. */

import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  alignedBuffer,
  allocate,
  fadvise,
  incore,
  MAP_SHARED,
  map,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_WILLNEED,
  PROT_NONE,
  PROT_READ,
  RWF_DSYNC,
  RWF_SYNC,
  write,
  writeSync,
} from '@walrus/mmap-io'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { dir, file, open } = scratch()

const fails = (code: string, call: () => unknown): void =>
  expect(call).toThrow(expect.objectContaining({ code }))

describe('allocate', () => {
  it('sets the space aside, and the file grows and reads as zeros', () => {
    const { fd, path } = file(Buffer.from('start'))
    allocate(fd, 0, 1 << 20)
    expect(fstatSync(fd).size).toBe(1 << 20)
    expect(fstatSync(fd).blocks * 512).toBeGreaterThanOrEqual(1 << 20)
    const bytes = readFileSync(path)
    expect(bytes.toString('latin1', 0, 5)).toBe('start')
    expect(bytes.subarray(5).every((byte) => byte === 0)).toBe(true)
  })

  it('reports what the system refuses', () => {
    const { fd, path } = file(0)
    fails('EFBIG', () => allocate(fd, 2 ** 53 - 4097, 4096))
    fails('EBADF', () => allocate(open(path, 'r'), 0, 1))
    fails('EBADF', () => allocate(1_000_000, 0, 1))
    fails('ERR_OUT_OF_RANGE', () => allocate(fd, 0, 0))
    fails('ERR_OUT_OF_RANGE', () => allocate(fd, -1, 1))
    fails('ERR_OUT_OF_RANGE', () => allocate(fd, 0, 2 ** 53))
    fails('ERR_INVALID_ARG_TYPE', () => allocate(fd, 0, undefined as never))
  })
})

describe('fadvise', () => {
  it('drops a file from the page cache and fetches it again', async () => {
    const { fd } = file(0)
    writeSync(fd, Buffer.alloc(1 << 20, 1), 0, 1 << 20, 0, RWF_DSYNC)
    const buffer = map(1 << 20, PROT_READ, MAP_SHARED, fd)
    fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)
    // Where the file lives in memory it has nowhere to go.
    const dropped = incore(buffer)[1]
    fadvise(fd, 0, 1 << 20, POSIX_FADV_WILLNEED)
    for (let i = 0; i < 500 && incore(buffer)[0] > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(dropped).toBeLessThanOrEqual(256)
    expect(incore(buffer)).toEqual([0, 256])
  })

  it('reports what the system refuses', () => {
    const { fd } = file(1)
    fadvise(fd, 0, 0, POSIX_FADV_NOREUSE)
    fails('EBADF', () => fadvise(1_000_000, 0, 0, 0))
    fails('ERR_OUT_OF_RANGE', () => fadvise(fd, 0, 0, 6))
    fails('ERR_OUT_OF_RANGE', () => fadvise(fd, -1, 0, 0))
    fails('ERR_INVALID_ARG_TYPE', () => fadvise(fd, 0, '1' as never, 0))
  })
})

describe.each([
  ['write', write],
  // Made a promise, so that one text serves both.
  ['writeSync', async (...args: Parameters<typeof writeSync>) => writeSync(...args)],
])('%s', (_name, call) => {
  it('puts a part of a buffer where it is told to', async () => {
    const { fd, path } = file(Buffer.from('....................'))
    expect(await call(fd, Buffer.from('0123456789'), 2, 3, 5)).toBe(3)
    expect(await call(fd, Buffer.from('abcdefghij'), 0, 2, 10, RWF_DSYNC)).toBe(2)
    expect(await call(fd, new Uint16Array([0x4141, 0x4242]), 1, 3, 13, RWF_SYNC)).toBe(3)
    expect(await call(fd, new DataView(new Uint8Array([88, 89]).buffer, 1), 0, 1, 17)).toBe(1)
    expect(await call(fd, Buffer.alloc(0), 0, 0, 3, RWF_DSYNC)).toBe(0)
    expect(readFileSync(path, 'latin1')).toBe('.....234..ab.ABB.Y..')
  })

  it('writes at places beyond 4 GiB', async () => {
    const { fd } = file(0)
    await call(fd, Buffer.from('x'), 0, 1, 2 ** 40)
    expect(fstatSync(fd).size).toBe(2 ** 40 + 1)
  })

  it('writes directly from aligned memory', async () => {
    const path = join(dir(), 'direct')
    writeFileSync(path, '')
    const fd = open(path, constants.O_RDWR | constants.O_DIRECT)
    const memory = alignedBuffer(8192)
    memory.fill('direct ')
    expect(await call(fd, memory, 4096, 4096, 4096, RWF_DSYNC)).toBe(4096)
    expect(readFileSync(path).subarray(4096).equals(memory.subarray(4096))).toBe(true)
  })

  it('reports what the system refuses, with what was written before', async () => {
    const { fd, path } = file(0)
    const closed = openSync(path, 'r+')
    closeSync(closed)
    const refusals: [string, number, number][] = [
      ['EBADF', open(path, 'r'), 0],
      ['EBADF', 1_000_000, 0],
      ['EFBIG', fd, 2 ** 53 - 2],
      ['ENOSPC', open('/dev/full', 'r+'), 0],
    ]
    for (const [code, on, position] of refusals) {
      await expect(call(on, Buffer.from('xx'), 0, 2, position)).rejects.toMatchObject({
        code,
        syscall: 'pwrite',
        written: 0,
      })
    }
    const hidden = map(4096, PROT_NONE, MAP_SHARED, file(4096).fd)
    await expect(call(fd, hidden, 0, 4096, 0, RWF_DSYNC)).rejects.toMatchObject({
      code: 'EFAULT',
      syscall: 'pwritev2',
    })
  })
})

it('a bad argument of a write throws at once', () => {
  const { fd } = file(0)
  const bytes = Buffer.alloc(10)
  const wrong: [code: string, args: unknown[]][] = [
    ['ERR_INVALID_ARG_TYPE', ['1', bytes, 0, 1, 0]],
    ['ERR_INVALID_ARG_TYPE', [fd, 'text', 0, 1, 0]],
    ['ERR_INVALID_ARG_TYPE', [fd, new SharedArrayBuffer(4), 0, 1, 0]],
    ['ERR_INVALID_ARG_TYPE', [fd, bytes, 0, 1, null]],
    ['ERR_INVALID_ARG_TYPE', [fd, bytes, 0, 1, undefined]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 5, 6, 0]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 11, 0, 0]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 2 ** 53 - 1, 2 ** 53 - 1, 0]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 0, -1, 0]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 0.5, 1, 0]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 0, 1, -1]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 0, 1, 0, 1]],
    ['ERR_OUT_OF_RANGE', [fd, bytes, 0, 1, 0, 0x10]],
  ]
  for (const [code, args] of wrong) {
    fails(code, () => (writeSync as (...args: unknown[]) => void)(...args))
    fails(code, () => (write as (...args: unknown[]) => void)(...args))
  }
  expect(fstatSync(fd).size).toBe(0)
})

describe('alignedBuffer', () => {
  it('takes a size, and powers of two', () => {
    for (const align of [1, 2, 512, 4096, 1 << 16, 1 << 21]) {
      expect(alignedBuffer(100, align)).toHaveLength(100)
    }
    for (const align of [0, 3, -4096, 1 << 22, 1.5, Number.NaN]) {
      fails('ERR_OUT_OF_RANGE', () => alignedBuffer(100, align))
    }
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      fails('ERR_OUT_OF_RANGE', () => alignedBuffer(size))
    }
    expect(() => alignedBuffer(2 ** 53 - 1)).toThrow(RangeError)
  })
})
