/** Several operations in one system call, and operations that wait for one another. */

import { readFileSync } from 'node:fs'
import { BatchError, type Operation, type Ring, UringError } from '@walrus/io_uring-node'
import { describe, expect, it } from 'vitest'
import { errorOf, scratch } from './scratch.ts'

const { file, open, pipe, ring: openRing } = scratch()
const bytes = (content: string): Buffer => Buffer.from(content)

/** Both ways to submit a batch. */
const ways: [string, (ring: Ring, operations: Operation[]) => Promise<number[]>][] = [
  ['submit', (ring, operations) => ring.submit(operations)],
  ['submitAndWait', async (ring, operations) => ring.submitAndWait(operations)],
]

describe.each(ways)('%s', (_, submit) => {
  it('has the result of each operation, in the order given', async () => {
    const { fd, path } = file('0123456789')
    const into = bytes('....')
    const results = await submit(openRing(), [
      { op: 'read', fd, buffer: into, position: 2 },
      { op: 'write', fd, buffer: bytes('ab'), position: 8 },
      { op: 'writev', fd, buffers: [bytes('c'), bytes('de')], position: 10, dsync: true },
      { op: 'fsync', fd, dataOnly: true },
      { op: 'read', fd, buffer: bytes('...'), position: 1000 },
    ])
    expect(results).toEqual([4, 2, 3, 0, 0])
    expect(into.toString()).toBe('2345')
    expect(readFileSync(path, 'latin1')).toBe('01234567abcde')
  })

  it('runs a chain in order', async () => {
    const { fd } = file()
    const ring = openRing({ entries: 64 })
    const into = bytes('......')
    // Each write goes over the one before it, so any other order would show.
    const chain: Operation[] = []
    for (let i = 0; i < 60; i++) {
      chain.push({ op: 'write', fd, buffer: bytes(`${i}`.padEnd(6)), position: 0, link: true })
    }
    chain.push({ op: 'fsync', fd, dataOnly: true, link: true })
    chain.push({ op: 'read', fd, buffer: into, position: 0 })
    await submit(ring, chain)
    expect(into.toString()).toBe('59    ')
  })

  it('a failing write cancels the sync linked to it, and nothing else', async () => {
    const { fd, path } = file('x')
    const readOnly = open(path, 'r')
    const error = await errorOf(() =>
      submit(openRing(), [
        { op: 'write', fd, buffer: bytes('ab'), position: 0 },
        { op: 'write', fd: readOnly, buffer: bytes('c'), position: 0, link: true },
        { op: 'fsync', fd, link: true },
        { op: 'fsync', fd },
        { op: 'fsync', fd },
      ]),
    )
    expect(error).toBeInstanceOf(BatchError)
    expect(error).toMatchObject({ name: 'BatchError', code: 'EBADF', index: 1, syscall: 'write' })
    expect(error.message).toMatch(/^operation 1 of the batch: EBADF: .* offset 0, length 1/)
    const { outcomes } = error as BatchError
    expect(outcomes.map((it) => (it instanceof UringError ? it.code : it))).toEqual([
      2,
      'EBADF',
      'ECANCELED',
      'ECANCELED',
      0,
    ])
    expect(error.cause).toBe(outcomes[1])
  })

  it('a read that falls short cancels what is linked to it', async () => {
    const { fd, path } = file('0123')
    const error = await errorOf(() =>
      submit(openRing(), [
        { op: 'read', fd, buffer: bytes('........'), position: 0, link: true },
        { op: 'write', fd, buffer: bytes('ab'), position: 0 },
      ]),
    )
    expect(error).toMatchObject({ code: 'ECANCELED', index: 1 })
    expect((error as BatchError).outcomes[0]).toBe(4)
    expect(readFileSync(path, 'latin1')).toBe('0123')
  })

  it('a link behind the last operation links nothing', async () => {
    const { fd, path } = file()
    const readOnly = open(path, 'r')
    const ring = openRing()
    const failing: Operation = {
      op: 'write',
      fd: readOnly,
      buffer: bytes('c'),
      position: 0,
      link: true,
    }
    expect(await errorOf(() => submit(ring, [failing]))).toMatchObject({ code: 'EBADF' })
    expect(await submit(ring, [{ op: 'fsync', fd }])).toEqual([0])
  })

  it('has room for as many as the ring has entries, and submits none of more', async () => {
    const { fd, path } = file()
    const ring = openRing({ entries: 5 })
    const some = (count: number): Operation[] =>
      Array.from({ length: count }, (_, i) => ({
        op: 'write',
        fd,
        buffer: bytes(String(i)),
        position: i,
      }))
    for (const count of [6, 7, 1000]) {
      const error = await errorOf(() => submit(ring, some(count)))
      expect(error).toMatchObject({ code: 'ERR_RING_FULL' })
    }
    expect(readFileSync(path, 'latin1')).toBe('')
    for (let i = 0; i < 20; i++) expect(await submit(ring, some(5))).toEqual([1, 1, 1, 1, 1])
    expect(readFileSync(path, 'latin1')).toBe('01234')
  })

  it('with one wrong operation nothing is submitted', async () => {
    const { fd, path } = file()
    const ring = openRing()
    const right: Operation = { op: 'write', fd, buffer: bytes('no'), position: 0 }
    const wrong: [object | null, string][] = [
      [{ ...right, position: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ ...right, position: 0.5 }, 'ERR_OUT_OF_RANGE'],
      [{ ...right, position: 2 ** 53 }, 'ERR_OUT_OF_RANGE'],
      [{ ...right, position: 1n }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, position: undefined }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, fd: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ ...right, fd: '3' }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, buffer: 'text' }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, buffer: [1, 2] }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, dsync: 1 }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, link: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
      [{ ...right, dysnc: true }, 'ERR_INVALID_ARG_VALUE'],
      [{ op: 'write', fd, buffers: [bytes('a')], position: 0 }, 'ERR_INVALID_ARG_VALUE'],
      [{ op: 'writev', fd, buffers: bytes('a'), position: 0 }, 'ERR_INVALID_ARG_TYPE'],
      [{ op: 'writev', fd, buffers: [], position: 0 }, 'ERR_OUT_OF_RANGE'],
      [
        { op: 'writev', fd, buffers: Array(1025).fill(bytes('a')), position: 0 },
        'ERR_OUT_OF_RANGE',
      ],
      [{ op: 'erase', fd }, 'ERR_INVALID_ARG_VALUE'],
      [{ op: 'toString', fd }, 'ERR_INVALID_ARG_VALUE'],
      [{}, 'ERR_INVALID_ARG_VALUE'],
      [null, 'ERR_INVALID_ARG_TYPE'],
    ]
    for (const [operation, code] of wrong) {
      const error = await errorOf(() => submit(ring, [right, operation as Operation, right]))
      expect(error).toMatchObject({ code })
    }
    expect(ring.inFlight).toBe(0)
    expect(readFileSync(path, 'latin1')).toBe('')
    expect(await submit(ring, [right])).toEqual([2])
  })

  it('must be an array with something in it', async () => {
    const ring = openRing()
    expect(await errorOf(() => submit(ring, []))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
    for (const wrong of [null, undefined, {}, { length: 3 }, 'ab', new Map()]) {
      const error = await errorOf(() => submit(ring, wrong as unknown as Operation[]))
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    }
  })

  it('code of the caller that runs while it is read changes nothing of what was read', async () => {
    const { fd, path } = file()
    const ring = openRing()
    const tricky = {
      op: 'write' as const,
      fd,
      position: 2,
      get buffer() {
        ring.writeSync(fd, bytes('XX'), 4)
        return bytes('cd')
      },
    }
    const first: Operation = { op: 'write', fd, buffer: bytes('ab'), position: 0 }
    expect(await submit(ring, [first, tricky])).toEqual([2, 2])
    expect(readFileSync(path, 'latin1')).toBe('abcdXX')
  })
})

it('what is under way counts towards the room', async () => {
  const ring = openRing({ entries: 2 })
  const { fd } = file()
  const through = pipe()
  const first = ring.read(through, new Uint8Array(1), 0)
  const second = ring.read(through, new Uint8Array(1), 0)
  expect(await errorOf(() => ring.fsync(fd))).toMatchObject({ code: 'ERR_RING_FULL' })
  expect(await errorOf(() => ring.fsyncSync(fd))).toMatchObject({ code: 'ERR_RING_FULL' })
  const other = openRing()
  other.writeSync(through, new Uint8Array(2), 0)
  expect(await Promise.all([first, second])).toEqual([1, 1])
  await ring.fsync(fd)
})

it('many batches at once all end', async () => {
  const ring = openRing({ entries: 4096 })
  const { fd } = file()
  const all: Promise<number[]>[] = []
  for (let i = 0; i < 64; i++) {
    const operations: Operation[] = []
    for (let k = 0; k < 64; k++) {
      operations.push({ op: 'write', fd, buffer: bytes(String(k % 10)), position: i * 64 + k })
    }
    all.push(ring.submit(operations))
  }
  expect(ring.inFlight).toBe(4096)
  const results = await Promise.all(all)
  expect(results.flat()).toEqual(Array(4096).fill(1))
  expect(ring.inFlight).toBe(0)
})
