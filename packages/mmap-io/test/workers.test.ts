/** The addon in several threads at once, which come and go. */

import { Worker } from 'node:worker_threads'
import { MAP_SHARED, map, PAGESIZE, PROT_READ, PROT_WRITE } from '@walrus/mmap-io'
import { expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { file } = scratch()
const program = new URL('programs/busy-worker.js', import.meta.url)

function start(path: string, rounds: number): Worker {
  return new Worker(program, { workerData: { path, rounds } })
}

/** Resolves with the exit code. */
function exit(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject).once('exit', resolve)
  })
}

it('workers map, unmap, write and checksum side by side, and end', async () => {
  const { path } = file(Buffer.alloc(64 * PAGESIZE, 'walrus'))
  const codes = await Promise.all([1, 2, 3].map(() => exit(start(path, 300))))
  expect(codes).toEqual([0, 0, 0])
})

it('workers are terminated in the middle of it, with maps and writes of theirs alive', async () => {
  const { path } = file(Buffer.alloc(64 * PAGESIZE, 'walrus'))
  for (let round = 0; round < 8; round++) {
    const workers = [start(path, Infinity), start(path, Infinity)]
    const exits = workers.map(exit)
    await Promise.all(
      workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    )
    await new Promise((resolve) => setTimeout(resolve, 5 * round))
    const terminated = await Promise.all(workers.map((worker) => worker.terminate()))
    expect(terminated).toEqual([1, 1])
    expect(await Promise.all(exits)).toEqual([1, 1])
  }
})

it('a map in one thread shows what another stores in its own', async () => {
  const { path, fd } = file(64 * PAGESIZE)
  const buffer = map(64 * PAGESIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
  expect(await exit(start(path, 1))).toBe(0)
  expect(buffer[0]).toBe(1)
})
