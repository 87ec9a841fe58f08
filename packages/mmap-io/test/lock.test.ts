/** Locks of files: who is kept out, who is named, when they end. */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FileLockedError, lock, unlock } from '@walrus/mmap-io'
import { afterEach, describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { file, open } = scratch()
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that holds a lock on a file. */
async function holder(path: string, kind: 'exclusive' | 'shared'): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('programs/lock-holder.js', import.meta.url))
  const child = spawn(process.execPath, [program, path, kind], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  await new Promise((resolve) => child.stdout!.once('data', resolve))
  return child
}

function refusal(call: () => void): FileLockedError {
  try {
    call()
  } catch (error) {
    if (error instanceof FileLockedError) return error
    throw error
  }
  throw new Error('was not refused')
}

describe('a lock held by another process', () => {
  it('is refused, and the error names that process', async () => {
    const { fd, path } = file(1)
    const other = await holder(path, 'exclusive')
    const error = refusal(() => lock(fd))
    expect(error.code).toBe('EAGAIN')
    expect(error.holder).toBe(other.pid)
    expect(error.message).toContain(String(other.pid))
    expect(refusal(() => lock(fd, { exclusive: false })).holder).toBe(other.pid)
  })

  it('ends when that process is killed', async () => {
    const { fd, path } = file(1)
    const other = await holder(path, 'exclusive')
    other.kill('SIGKILL')
    await new Promise((resolve) => other.once('exit', resolve))
    lock(fd)
  })

  it('is had by who waits, once it is let go', async () => {
    const { fd, path } = file(1)
    const other = await holder(path, 'exclusive')
    other.stdin!.write('let go in 100 ms\n')
    const start = performance.now()
    lock(fd, { waitMs: 30_000 })
    expect(performance.now() - start).toBeGreaterThan(20)
  })

  it('is not waited for longer than was said', async () => {
    const { fd, path } = file(1)
    const other = await holder(path, 'exclusive')
    const start = performance.now()
    expect(refusal(() => lock(fd, { waitMs: 60 })).holder).toBe(other.pid)
    expect(performance.now() - start).toBeGreaterThan(50)
  })

  it('that is shared lets others share, and nobody own', async () => {
    const { fd, path } = file(1)
    const other = await holder(path, 'shared')
    lock(fd, { exclusive: false })
    unlock(fd)
    expect(refusal(() => lock(fd)).holder).toBe(other.pid)
  })
})

describe('a lock held by this process', () => {
  it('keeps another descriptor of the file out, and names this process', () => {
    const { fd, path } = file(1)
    const other = open(path, 'r+')
    lock(fd)
    expect(refusal(() => lock(other)).holder).toBe(process.pid)
    unlock(fd)
    lock(other)
  })

  it('stays when another descriptor of the file is closed, and ends with its own', () => {
    const { path } = file(1)
    const held = openSync(path, 'r+')
    const other = open(path, 'r+')
    lock(held)
    readFileSync(path)
    closeSync(openSync(path, 'r'))
    expect(refusal(() => lock(other)).holder).toBe(process.pid)
    closeSync(held)
    lock(other)
  })

  it('changes from exclusive to shared and back', () => {
    const { fd, path } = file(1)
    const other = open(path, 'r+')
    lock(fd)
    lock(fd)
    lock(fd, { exclusive: false })
    lock(other, { exclusive: false })
    refusal(() => lock(fd))
    unlock(other)
    unlock(other)
    lock(fd)
  })
})

describe('what cannot be locked', () => {
  it('is refused with a code', () => {
    const { path } = file(1)
    const fails = (code: string, call: () => void): void =>
      expect(call).toThrow(expect.objectContaining({ code }))
    fails('EBADF', () => lock(1_000_000))
    fails('EBADF', () => unlock(1_000_000))
    fails('EBADF', () => lock(open(path, 'r')))
    fails('EBADF', () => lock(open(path, 'a'), { exclusive: false }))
    fails('ERR_OUT_OF_RANGE', () => lock(-1))
    fails('ERR_INVALID_ARG_TYPE', () => unlock('1' as never))
    const { fd } = file(1)
    fails('ERR_INVALID_ARG_TYPE', () => lock(fd, null as never))
    fails('ERR_INVALID_ARG_TYPE', () => lock(fd, { exclusive: 1 as never }))
    fails('ERR_INVALID_ARG_TYPE', () => lock(fd, { waitMs: '1' as never }))
    fails('ERR_OUT_OF_RANGE', () => lock(fd, { waitMs: -1 }))
    fails('ERR_OUT_OF_RANGE', () => lock(fd, { waitMs: Number.NaN }))
    fails('ERR_OUT_OF_RANGE', () => lock(fd, { waitMs: 60_001 }))
    fails('ERR_OUT_OF_RANGE', () => lock(fd, { exlusive: true } as never))
  })
})
