/** What can be mapped, how large, and what is refused. */

import { constants } from 'node:buffer'
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as api from '@walrus/mmap-io'
import {
  advise,
  incore,
  MADV_POPULATE_READ,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  map,
  PAGESIZE,
  PROT_READ,
  PROT_WRITE,
  sync,
  unmap,
} from '@walrus/mmap-io'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { file, open } = scratch()
const GIB = 2 ** 30

function failsWith(code: string, call: () => unknown, message?: RegExp): void {
  expect(call).toThrow(
    expect.objectContaining({
      code,
      ...(message && { message: expect.stringMatching(message) as string }),
    }),
  )
}

describe('large files', () => {
  it('are mapped beyond 2 GiB', () => {
    const { fd } = file(3 * GIB)
    writeSync(fd, Buffer.from('far'), 0, 3, 2.5 * GIB)
    const buffer = map(3 * GIB, PROT_READ, MAP_SHARED, fd)
    expect(buffer).toHaveLength(3 * GIB)
    expect(buffer.toString('latin1', 2.5 * GIB, 2.5 * GIB + 3)).toBe('far')
    expect(incore(buffer)[0] + incore(buffer)[1]).toBe((3 * GIB) / PAGESIZE)
    unmap(buffer)
  })

  it('are mapped beyond 4 GiB where Node.js has Buffers that long, and in parts where not', () => {
    const size = 5 * GIB
    const { fd } = file(size)
    writeSync(fd, Buffer.from('end'), 0, 3, size - 3)
    if (constants.MAX_LENGTH < size) {
      failsWith('ERR_OUT_OF_RANGE', () => map(size, PROT_READ, MAP_SHARED, fd), /4294967296/)
      const whole = map(4 * GIB, PROT_READ, MAP_SHARED, fd)
      expect(whole).toHaveLength(4 * GIB)
      unmap(whole)
    } else {
      const buffer = map(size, PROT_READ, MAP_SHARED, fd)
      expect(buffer).toHaveLength(size)
      expect(buffer[size - 1]).toBe('d'.charCodeAt(0))
      unmap(buffer)
    }
    const part = map(GIB, PROT_READ, MAP_SHARED, fd, 4 * GIB)
    expect(part.toString('latin1', GIB - 3)).toBe('end')
    unmap(part)
  })

  it('are mapped at offsets as far as the file system goes', () => {
    const { fd } = file(0)
    const far = 8 * 2 ** 40
    ftruncateSync(fd, far + PAGESIZE)
    writeSync(fd, Buffer.from('x'), 0, 1, far)
    const buffer = map(PAGESIZE, PROT_READ, MAP_SHARED, fd, far)
    expect(buffer[0]).toBe('x'.charCodeAt(0))
    failsWith('ERR_OUT_OF_RANGE', () =>
      map(PAGESIZE, PROT_READ, MAP_SHARED, fd, 2 ** 53 - PAGESIZE),
    )
  })
})

describe('the end of the file', () => {
  it('is followed by zeros in a map that only reads', () => {
    const { fd } = file(Buffer.alloc(PAGESIZE + 10, 1))
    for (const flags of [MAP_SHARED, MAP_PRIVATE, MAP_SHARED | MAP_POPULATE]) {
      const buffer = map(5 * PAGESIZE, PROT_READ, flags, fd)
      expect(buffer.subarray(0, PAGESIZE + 10).every((byte) => byte === 1)).toBe(true)
      expect(buffer.subarray(PAGESIZE + 10).every((byte) => byte === 0)).toBe(true)
      advise(buffer, MADV_POPULATE_READ)
      sync(buffer, true)
      expect(incore(buffer)[0] + incore(buffer)[1]).toBe(5)
      unmap(buffer)
    }
  })

  it('takes private stores behind it', () => {
    const { fd } = file(10)
    const buffer = map(2 * PAGESIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd)
    buffer.fill(4)
    expect(buffer[2 * PAGESIZE - 1]).toBe(4)
  })

  it('bounds a map whose stores are to reach the file', () => {
    const { fd } = file(PAGESIZE + 1)
    const protection = PROT_READ | PROT_WRITE
    expect(map(PAGESIZE + 1, protection, MAP_SHARED, fd)).toHaveLength(PAGESIZE + 1)
    failsWith('ERR_OUT_OF_RANGE', () => map(2 * PAGESIZE + 1, protection, MAP_SHARED, fd), /size/)
  })

  it('must lie behind the offset', () => {
    const { fd } = file(2 * PAGESIZE)
    failsWith('ERR_OUT_OF_RANGE', () => map(1, PROT_READ, MAP_SHARED, fd, 2 * PAGESIZE), /offset/)
    failsWith('ERR_OUT_OF_RANGE', () => map(1, PROT_READ, MAP_SHARED, file(0).fd), /offset/)
  })
})

describe('what cannot be mapped', () => {
  it('is refused by the number of its error', () => {
    const { fd, path } = file(PAGESIZE)
    const readOnly = open(path, 'r')
    const closed = openSync(path, 'r')
    closeSync(closed)
    expect(() => map(1, PROT_READ, MAP_SHARED, closed)).toThrow(
      expect.objectContaining({ code: 'EBADF', errno: -9, syscall: 'fstat' }),
    )
    failsWith('EACCES', () => map(1, PROT_READ | PROT_WRITE, MAP_SHARED, readOnly), /mmap/)
    failsWith('EACCES', () => map(1, PROT_READ, MAP_SHARED, open(path, 'a')))
    failsWith('ENODEV', () => map(1, PROT_READ, MAP_SHARED, open(tmpdir(), 'r')))
    expect(map(1, PROT_READ, MAP_SHARED, fd)).toHaveLength(1)
  })

  const wrong: [what: string, name: RegExp, args: unknown[]][] = [
    ['no size', /size must be a number/, []],
    ['a size that is no integer', /size/, [1.5, 1, 1, 'fd']],
    ['a negative size', /size/, [-1, 1, 1, 'fd']],
    ['NaN bytes', /size/, [Number.NaN, 1, 1, 'fd']],
    ['endless bytes', /size/, [Infinity, 1, 1, 'fd']],
    ['2^53 bytes', /size/, [2 ** 53, 1, 1, 'fd']],
    ['a bigint', /size/, [10n, 1, 1, 'fd']],
    ['an unknown protection', /protection/, [1, 8, 1, 'fd']],
    ['neither shared nor private', /flags/, [1, 1, 0, 'fd']],
    ['both shared and private', /flags/, [1, 1, 3, 'fd']],
    ['a fixed address', /flags/, [1, 1, 0x11, 'fd']],
    ['anonymous memory', /flags/, [1, 1, 0x22, 'fd']],
    ['flags beyond 32 bits', /flags/, [1, 1, 2 ** 32 + 1, 'fd']],
    ['a negative descriptor', /fd/, [1, 1, 1, -1]],
    ['a descriptor beyond 32 bits', /fd/, [1, 1, 1, 2 ** 32]],
    ['a descriptor that is no number', /fd/, [1, 1, 1, {}]],
    ['a negative offset', /offset/, [1, 1, 1, 'fd', -PAGESIZE]],
    ['an offset that is no page', /offset/, [1, 1, 1, 'fd', 512]],
    ['an offset that is null', /offset/, [1, 1, 1, 'fd', null]],
    ['unknown advice', /advise/, [1, 1, 1, 'fd', 0, 100]],
  ]
  it.each(wrong)('%s', (_what, name, args) => {
    const { fd } = file(PAGESIZE)
    const given = args.map((value) => (value === 'fd' ? fd : value))
    const call = map as (...args: unknown[]) => Buffer
    expect(() => call(...given)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_(OUT_OF_RANGE|INVALID_ARG_TYPE)$/) as string,
        message: expect.stringMatching(name) as string,
      }),
    )
  })
})

describe('a part of a map', () => {
  it('is advised and synced from a page on, to its end when the length is 0', () => {
    const { fd } = file(4 * PAGESIZE)
    const buffer = map(4 * PAGESIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    advise(buffer, PAGESIZE, 1, 2)
    advise(buffer.subarray(PAGESIZE), 1)
    sync(buffer, 2 * PAGESIZE, 0, true)
    sync(buffer, 4 * PAGESIZE, 0, true)
    sync(buffer, 3 * PAGESIZE)
    expect(incore(buffer.subarray(10, PAGESIZE + 11))[1]).toBeLessThanOrEqual(2)
    for (const call of [
      () => advise(buffer, 1, PAGESIZE, 0),
      () => advise(buffer.subarray(1), 0),
      () => advise(buffer, 0, 4 * PAGESIZE + 1, 0),
      () => advise(buffer, 4 * PAGESIZE, 1, 0),
      () => advise(buffer, -PAGESIZE, 1, 0),
      () => advise(buffer, 9),
      () => sync(buffer, 100),
      () => sync(buffer, 5 * PAGESIZE),
      () => sync(buffer, PAGESIZE, 4 * PAGESIZE),
    ]) {
      failsWith('ERR_OUT_OF_RANGE', call)
    }
    failsWith('ERR_INVALID_ARG_TYPE', () => sync(buffer, 0, 0, 1 as never))
    failsWith('ERR_INVALID_ARG_TYPE', () => sync(Buffer.alloc(PAGESIZE)))
    failsWith('ERR_INVALID_ARG_TYPE', () => incore('x' as never))
  })
})

it('the constants are those of the system', () => {
  // As in the headers of Linux; the tests above use most of them.
  expect([api.PROT_NONE, api.PROT_READ, api.PROT_WRITE, api.PROT_EXEC]).toEqual([0, 1, 2, 4])
  expect([api.MAP_SHARED, api.MAP_PRIVATE, api.MAP_NORESERVE]).toEqual([1, 2, 0x4000])
  expect([api.MAP_POPULATE, api.MAP_NONBLOCK]).toEqual([0x8000, 0x10000])
  expect(api.default).toMatchObject({ MAP_NONBLOCK: 65536, MAP_POPULATE: 32768, MADV_DONTNEED: 4 })
})
