/** Each operation, by promise and by waiting. */

import { constants, readFileSync } from 'node:fs'
import { allocate, type Memory, Ring, supported } from '@walrus/io_uring-node'
import { describe, expect, it } from 'vitest'
import { errorOf, scratch } from './scratch.ts'

const { file, open, pipe, ring: openRing } = scratch()
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** Memory of the kernel's own kind, and of another. */
const kinds: [string, (length: number) => Uint8Array][] = [
  ['memory from allocate', (length) => allocate(4096).subarray(16, 16 + length)],
  ['other memory', (length) => new Uint8Array(length)],
  ['shared memory', (length) => new Uint8Array(new SharedArrayBuffer(length + 8), 8)],
]

it('is supported on this machine', () => {
  expect(supported()).toMatchObject({ ok: true })
})

describe.each(kinds)('on %s', (_, make) => {
  const filled = (content: string): Uint8Array => {
    const bytes = make(content.length)
    bytes.set(Buffer.from(content))
    return bytes
  }

  it('write and read take place at a position and tell how many bytes', async () => {
    const ring = openRing()
    const { fd, path } = file('0123456789')
    expect(await ring.write(fd, filled('abc'), 2)).toBe(3)
    expect(readFileSync(path, 'latin1')).toBe('01abc56789')
    expect(ring.writeSync(fd, filled('XY'), 9)).toBe(2)
    expect(readFileSync(path, 'latin1')).toBe('01abc5678XY')

    const into = make(4)
    expect(await ring.read(fd, into, 1)).toBe(4)
    expect(text(into)).toBe('1abc')
    expect(ring.readSync(fd, into, 5)).toBe(4)
    expect(text(into)).toBe('5678')
  })

  it('a read beyond the end is short, and leaves the rest of the memory alone', async () => {
    const ring = openRing()
    const { fd } = file('0123456789')
    const into = filled('--------')
    expect(await ring.read(fd, into, 7)).toBe(3)
    expect(text(into)).toBe('789-----')
    expect(await ring.read(fd, into, 10)).toBe(0)
    expect(ring.readSync(fd, into, 8)).toBe(2)
    expect(text(into)).toBe('899-----')
  })

  it('writev puts the buffers one behind the other', async () => {
    const ring = openRing()
    const { fd, path } = file()
    expect(await ring.writev(fd, [filled('ab'), filled(''), filled('cde')], 1)).toBe(5)
    expect(readFileSync(path, 'latin1')).toBe('\0abcde')
    expect(ring.writevSync(fd, [filled('123'), filled('4')], 0, { dsync: true })).toBe(4)
    expect(readFileSync(path, 'latin1')).toBe('1234de')
    const many = Array.from({ length: 1024 }, (_, i) => filled(String.fromCharCode(65 + (i % 26))))
    expect(await ring.writev(fd, many, 0)).toBe(1024)
    expect(readFileSync(path, 'latin1')).toBe(many.map(text).join(''))
  })

  it('a data-synced write is written', async () => {
    const ring = openRing()
    const { fd, path } = file()
    expect(await ring.write(fd, filled('durable'), 0, { dsync: true })).toBe(7)
    expect(ring.writeSync(fd, filled('twice'), 7, { dsync: true })).toBe(5)
    expect(readFileSync(path, 'latin1')).toBe('durabletwice')
  })

  it('an empty buffer is no error', async () => {
    const ring = openRing()
    const { fd } = file('x')
    expect(await ring.write(fd, filled(''), 0)).toBe(0)
    expect(await ring.read(fd, filled(''), 0)).toBe(0)
    expect(ring.writeSync(fd, filled(''), 0)).toBe(0)
  })

  it('a megabyte goes there and back', async () => {
    const ring = openRing()
    const { fd } = file()
    const size = 1 << 20
    const whole = allocate(size)
    for (let i = 0; i < size; i += 4) whole[i] = i >>> 7
    const from = make === kinds[0]![1] ? whole : Uint8Array.from(whole)
    expect(await ring.write(fd, from, 4096)).toBe(size)
    const into = make === kinds[0]![1] ? allocate(size) : new Uint8Array(size)
    expect(await ring.read(fd, into, 4096)).toBe(size)
    expect(Buffer.compare(into, whole)).toBe(0)
  })
})

it('views of every kind show their own part of the memory', async () => {
  const ring = openRing()
  const { fd } = file()
  const buffer = new Uint8Array(32).map((_, i) => i).buffer
  const views: Memory[] = [
    buffer,
    new Uint16Array(buffer, 4, 3),
    new Float64Array(buffer, 8, 2),
    new DataView(buffer, 5, 7),
    new BigInt64Array(buffer, 16),
    Buffer.from(buffer, 3, 9),
  ]
  for (const view of views) {
    const own =
      view instanceof ArrayBuffer
        ? Buffer.from(view)
        : Buffer.from(view.buffer, view.byteOffset, view.byteLength)
    expect(await ring.write(fd, view, 0)).toBe(view.byteLength)
    const into = Buffer.alloc(view.byteLength)
    expect(await ring.read(fd, into, 0)).toBe(view.byteLength)
    expect(into).toEqual(own)
  }
})

it('fsync succeeds on a file, whole or only its data, and fails on a pipe', async () => {
  const ring = openRing()
  const { fd } = file('x')
  await ring.fsync(fd)
  await ring.fsync(fd, { dataOnly: true })
  ring.fsyncSync(fd)
  ring.fsyncSync(fd, { dataOnly: true })
  const through = pipe()
  expect(await errorOf(() => ring.fsync(through))).toMatchObject({
    code: 'EINVAL',
    syscall: 'fsync',
  })
  expect(await errorOf(() => ring.fsyncSync(through))).toMatchObject({ code: 'EINVAL' })
})

it('a read of a pipe ends when there is something to read', async () => {
  const ring = openRing()
  const through = pipe()
  const into = new Uint8Array(16)
  const reading = ring.read(through, into, 0)
  expect(ring.inFlight).toBe(1)
  expect(await ring.write(through, Buffer.from('later'), 0)).toBe(5)
  expect(await reading).toBe(5)
  expect(text(into.subarray(0, 5))).toBe('later')
  expect(ring.inFlight).toBe(0)
})

it('what ends while another call waits is delivered, too', async () => {
  const ring = openRing()
  const { fd } = file('0123456789')
  const into = new Uint8Array(4)
  const reading = ring.read(fd, into, 3)
  for (let i = 0; i < 10; i++) ring.fsyncSync(fd)
  expect(await reading).toBe(4)
  expect(text(into)).toBe('3456')
})

it('errors name what they are about', async () => {
  const ring = openRing()
  const { path } = file('x')
  const readOnly = open(path, 'r')
  const bytes = allocate(4096)
  for (const run of [
    () => ring.write(readOnly, bytes, 8192),
    () => ring.writeSync(readOnly, bytes, 8192),
    () => ring.writevSync(readOnly, [bytes], 8192),
  ]) {
    const error = await errorOf(run)
    expect(error).toMatchObject({ name: 'UringError', code: 'EBADF', errno: -9 })
    expect(error.message).toMatch(
      /^EBADF: bad file descriptor, writev?, fd \d+, offset 8192, length 4096, memory at 0x[0-9a-f]+000$/,
    )
  }
  expect(await errorOf(() => ring.read(1_000_000, bytes, 0))).toMatchObject({ code: 'EBADF' })
})

it('a direct write at a wrong offset or of a wrong length is EINVAL, with all three numbers', async () => {
  const ring = openRing()
  const { path } = file()
  const direct = open(path, constants.O_RDWR | constants.O_DIRECT)
  const page = allocate(8192)
  expect(await ring.write(direct, page.subarray(0, 4096), 0, { dsync: true })).toBe(4096)
  const wrong: [Uint8Array, number][] = [
    [page.subarray(0, 4096), 7],
    [page.subarray(0, 100), 0],
    [page.subarray(1, 513), 1],
  ]
  for (const [bytes, position] of wrong) {
    for (const run of [
      () => ring.write(direct, bytes, position),
      () => ring.writeSync(direct, bytes, position),
    ]) {
      expect(await errorOf(run)).toMatchObject({
        code: 'EINVAL',
        message: expect.stringMatching(
          new RegExp(`offset ${position}, length ${bytes.length}, memory at 0x[0-9a-f]+$`),
        ) as string,
      })
    }
  }
  // Other memory is copied to where the device can reach it.
  expect(await ring.write(direct, new Uint8Array(4097).subarray(1), 0)).toBe(4096)
})

it('the loop goes on while operations are under way', async () => {
  const ring = openRing()
  const through = pipe()
  const reading = ring.read(through, new Uint8Array(1), 0)
  const before = process.cpuUsage()
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await new Promise((resolve) => setTimeout(resolve, 300))
  clearInterval(timer)
  const { user, system } = process.cpuUsage(before)
  expect(turns).toBeGreaterThan(10)
  // Waiting costs nothing: far below the 300,000 microseconds of a busy loop.
  expect(user + system).toBeLessThan(200_000)
  ring.writeSync(through, new Uint8Array(1), 0)
  expect(await reading).toBe(1)
})

it('a ring has as many entries as asked for, within its range', async () => {
  expect(openRing({ entries: 1 }).entries).toBe(1)
  expect(openRing({ entries: 4096 }).entries).toBe(4096)
  expect(openRing().entries).toBe(128)
  for (const entries of [0, -1, 4097, 1e6, 1.5, Number.NaN, 2 ** 40]) {
    expect(await errorOf(() => new Ring({ entries }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  }
  for (const options of [null, 7, { entries: '8' }, { entries: null }] as unknown as {
    entries: number
  }[]) {
    expect(await errorOf(() => new Ring(options))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  }
  const misspelt = { entrys: 8 } as object
  expect(await errorOf(() => new Ring(misspelt))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
})
