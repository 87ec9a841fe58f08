/** Memory that goes away while the kernel has it, and memory and files registered with a ring. */

import { closeSync, openSync, readFileSync } from 'node:fs'
import { allocate, type Memory, RegisteredFile } from '@walrus/io_uring-node'
import { describe, expect, it } from 'vitest'
import { collect, errorOf, scratch } from './scratch.ts'

const { file, pipe, ring: openRing } = scratch()
const bytes = (content: string): Buffer => Buffer.from(content)

type Transferable = ArrayBuffer & { transfer?(length?: number): ArrayBuffer }

/** Buffers that can be cut are newer than the library that TypeScript is told of. */
function cuttable(size: number): ArrayBuffer & { resize(size: number): void } {
  const Newer = ArrayBuffer as unknown as new (
    size: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(size: number): void }
  return new Newer(size, { maxByteLength: size })
}

function detach(buffer: ArrayBuffer): void {
  structuredClone(buffer, { transfer: [buffer] })
}

describe('while an operation is under way', () => {
  it('the bytes to write may be changed, detached or dropped if the memory is not from allocate', async () => {
    const ring = openRing()
    const { fd, path } = file()
    const changed = bytes('changed')
    const one = ring.write(fd, changed, 0)
    changed.fill(0)
    const detached = new Uint8Array(8).fill(65)
    const two = ring.writev(fd, [detached, bytes('dropped')], 7)
    detach(detached.buffer)
    await collect()
    expect(await Promise.all([one, two])).toEqual([7, 15])
    expect(readFileSync(path, 'latin1')).toBe('changedAAAAAAAAdropped')
  })

  it('a read into memory that was detached is an error, and touches nothing', async () => {
    const ring = openRing()
    const through = pipe()
    const into = new Uint8Array(8)
    const reading = ring.read(through, into, 0)
    detach(into.buffer)
    ring.writeSync(through, bytes('12345678'), 0)
    expect(await errorOf(() => reading)).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
  })

  it('a read into memory that was cut is an error', async () => {
    const ring = openRing()
    const through = pipe()
    const buffer = cuttable(1 << 20)
    for (const view of [new Uint8Array(buffer, 512, 8), new DataView(buffer, 1 << 19, 8)]) {
      buffer.resize(1 << 20)
      const reading = ring.read(through, view, 0)
      buffer.resize(16)
      ring.writeSync(through, bytes('12345678'), 0)
      expect(await errorOf(() => reading)).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    }
  })

  it('memory from allocate may be dropped', async () => {
    const ring = openRing()
    const through = pipe()
    const reads: Promise<number>[] = []
    for (let i = 0; i < 100; i++) reads.push(ring.read(through, allocate(4096).subarray(i), 0))
    await collect()
    for (let i = 0; i < 100; i++) ring.writeSync(through, bytes('x'), 0)
    expect(await Promise.all(reads)).toEqual(Array(100).fill(1))
  })

  it('memory from allocate may be transferred, and is written where it is then', async (context) => {
    const ring = openRing()
    const through = pipe()
    const into = allocate(4096)
    const buffer: Transferable = into.buffer
    if (buffer.transfer === undefined)
      return context.skip('this Node.js has no ArrayBuffer.transfer')
    const reading = ring.read(through, into.subarray(0, 4), 0)
    const moved = buffer.transfer()
    expect(into.length).toBe(0)
    ring.writeSync(through, bytes('here'), 0)
    expect(await reading).toBe(4)
    expect(Buffer.from(moved, 0, 4).toString()).toBe('here')

    // Transferred with another length it is copied, and the old memory would be freed.
    const gone = ring.read(through, new Uint8Array(moved, 0, 4), 0)
    ;(moved as Transferable).transfer!(8192)
    await collect()
    ring.writeSync(through, bytes('gone'), 0)
    expect(await gone).toBe(4)
  })
})

it('memory from allocate starts at a page and is zeroed', async () => {
  for (const length of [1, 512, 4096, 4097, 1 << 20]) {
    const memory = allocate(length)
    expect(memory.length).toBe(length)
    expect(memory.every((byte) => byte === 0)).toBe(true)
  }
  for (const wrong of [0, -1, 0.5, 2 ** 31, Number.NaN, Infinity]) {
    expect(await errorOf(() => allocate(wrong))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  }
  expect(await errorOf(() => allocate('8' as unknown as number))).toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
  })
})

it('views of memory that is not there are empty or refused', async () => {
  const ring = openRing()
  const { fd } = file()
  const detached = new Uint8Array(8)
  detach(detached.buffer)
  expect(await ring.write(fd, detached, 0)).toBe(0)
  expect(ring.writeSync(fd, detached, 0)).toBe(0)
  const buffer = cuttable(1 << 20)
  const outside: Memory[] = [new DataView(buffer, 1 << 19, 64), new Uint8Array(buffer, 1 << 19, 64)]
  buffer.resize(0)
  for (const view of outside) {
    expect(await ring.write(fd, view, 0)).toBe(0)
    expect(ring.writeSync(fd, view, 0)).toBe(0)
  }
})

describe('registered buffers', () => {
  it('are used by operations inside them, also when the view was made before', async () => {
    const ring = openRing()
    const { fd, path } = file()
    const pages = allocate(4 * 4096)
    const view = pages.subarray(4000, 4200).fill(66)
    ring.registerBuffers([pages.subarray(0, 8192), pages.subarray(8192)])
    expect(await ring.write(fd, view, 0)).toBe(200)
    expect(ring.writeSync(fd, pages.subarray(8192, 8202).fill(67), 200)).toBe(10)
    // Over the border of two buffers: an operation as on any memory.
    expect(await ring.write(fd, pages.subarray(8190, 8194).fill(68), 210)).toBe(4)
    expect(readFileSync(path, 'latin1')).toBe(`${'B'.repeat(200)}${'C'.repeat(10)}DDDD`)
    const into = pages.subarray(0, 4)
    expect(await ring.read(fd, into, 208)).toBe(4)
    expect(Buffer.from(into).toString()).toBe('CCDD')
    expect(ring.readSync(fd, into, 100)).toBe(4)
    expect(Buffer.from(into).toString()).toBe('BBBB')
    ring.unregisterBuffers()
    expect(await ring.write(fd, view, 0)).toBe(200)
  })

  it('stay where they are when they are dropped', async () => {
    const ring = openRing()
    const { fd } = file()
    ring.registerBuffers([allocate(8192)])
    await collect()
    await ring.fsync(fd)
    ring.unregisterBuffers()
  })

  it('must be memory from allocate, and come once', async () => {
    const ring = openRing()
    const wrong: [unknown, string][] = [
      [[new Uint8Array(4096)], 'ERR_OUT_OF_RANGE'],
      [[allocate(4096).subarray(4096)], 'ERR_OUT_OF_RANGE'],
      [[], 'ERR_OUT_OF_RANGE'],
      [Array(65).fill(allocate(4096)), 'ERR_OUT_OF_RANGE'],
      [allocate(4096), 'ERR_INVALID_ARG_TYPE'],
      [['x'], 'ERR_INVALID_ARG_TYPE'],
      [null, 'ERR_INVALID_ARG_TYPE'],
    ]
    for (const [buffers, code] of wrong) {
      expect(await errorOf(() => ring.registerBuffers(buffers as Memory[]))).toMatchObject({ code })
    }
    expect(await errorOf(() => ring.unregisterBuffers())).toMatchObject({ code: 'ENXIO' })
    ring.registerBuffers([allocate(4096)])
    expect(await errorOf(() => ring.registerBuffers([allocate(4096)]))).toMatchObject({
      code: 'EBUSY',
    })
  })
})

describe('registered files', () => {
  it('work in place of descriptors, which may be closed', async () => {
    const ring = openRing()
    const { path } = file('0123456789')
    const other = file('other')
    const fd = openSync(path, 'r+')
    const [first, empty] = ring.registerFiles([fd, -1, other.fd])
    closeSync(fd)
    const into = new Uint8Array(3)
    expect(await ring.read(first!, into, 4)).toBe(3)
    expect(Buffer.from(into).toString()).toBe('456')
    expect(ring.writeSync(first!, bytes('AB'), 0)).toBe(2)
    await ring.fsync(first!)
    expect(
      await ring.submit([{ op: 'writev', fd: first!, buffers: [bytes('CD')], position: 2 }]),
    ).toEqual([2])
    expect(readFileSync(path, 'latin1')).toBe('ABCD456789')

    const error = await errorOf(() => ring.read(empty!, into, 0))
    expect(error).toMatchObject({ code: 'EBADF' })
    expect(error.message).toContain('registered file 1')
    ring.updateFile(empty!, other.fd)
    expect(await ring.read(empty!, into, 0)).toBe(3)
    ring.updateFile(empty!, -1)
    expect(await errorOf(() => ring.read(empty!, into, 0))).toMatchObject({ code: 'EBADF' })
    ring.unregisterFiles()
    expect(await errorOf(() => ring.read(first!, into, 0))).toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
    })
  })

  it('are refused where they are wrong', async () => {
    const ring = openRing()
    const { fd } = file()
    const wrong: [unknown, string][] = [
      [[-2], 'ERR_OUT_OF_RANGE'],
      [[1.5], 'ERR_OUT_OF_RANGE'],
      [['3'], 'ERR_INVALID_ARG_TYPE'],
      [[], 'ERR_OUT_OF_RANGE'],
      [Array(1025).fill(-1), 'ERR_OUT_OF_RANGE'],
      [fd, 'ERR_INVALID_ARG_TYPE'],
      [[1_000_000], 'EBADF'],
    ]
    for (const [fds, code] of wrong) {
      expect(await errorOf(() => ring.registerFiles(fds as number[]))).toMatchObject({ code })
    }
    const stranger = new RegisteredFile(0)
    expect(await errorOf(() => ring.updateFile(stranger, fd))).toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
    })
    expect(await errorOf(() => ring.write(stranger, bytes('x'), 0))).toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
    })
    expect(await errorOf(() => ring.unregisterFiles())).toMatchObject({ code: 'ENXIO' })
    ring.registerFiles([fd])
    expect(await errorOf(() => ring.registerFiles([fd]))).toMatchObject({ code: 'EBUSY' })
    expect(await errorOf(() => ring.updateFile(new RegisteredFile(1), fd))).toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
    })
    expect(await errorOf(() => ring.updateFile(0 as unknown as RegisteredFile, fd))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    })
  })

  it('cannot be taken away while operations are under way', async () => {
    const ring = openRing()
    const through = pipe()
    const memory = allocate(4096)
    ring.registerFiles([through])
    ring.registerBuffers([memory])
    const reading = ring.read(through, memory, 0)
    for (const run of [
      () => ring.unregisterFiles(),
      () => ring.registerFiles([through]),
      () => ring.unregisterBuffers(),
      () => ring.registerBuffers([memory]),
    ]) {
      expect(await errorOf(run)).toMatchObject({ code: 'ERR_RING_BUSY' })
    }
    ring.writeSync(through, bytes('x'), 0)
    expect(await reading).toBe(1)
    ring.unregisterFiles()
    ring.unregisterBuffers()
  })
})
