/** How a ring ends: closed, dropped, with its process, with its worker. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { allocate, type BatchError, Ring, type UringError } from '@walrus/io_uring-node'
import { describe, expect, it } from 'vitest'
import { collect, errorOf, openDescriptors, scratch } from './scratch.ts'

const { dir, file, pipe, ring: openRing } = scratch()
const entry = new URL('../dist/index.js', import.meta.url).href
const program = (name: string): string =>
  fileURLToPath(new URL(`programs/${name}`, import.meta.url))
const run = promisify(execFile)

/** Runs a script in a process of its own that must end by itself within ten seconds. */
async function script(code: string): Promise<string> {
  const source = `import { Ring, allocate } from '${entry}'\nimport fs from 'node:fs'\n${code}`
  const args = ['--input-type=module', '--eval', source]
  return (await run(process.execPath, args, { timeout: 10_000 })).stdout
}

describe('closing', () => {
  it('cancels reads that would never end, by promise and in chains, and waits for the rest', async () => {
    const ring = new Ring()
    const { fd, path } = file()
    const through = pipe()
    const alone = ring.read(through, new Uint8Array(8), 0)
    const shared = ring.read(through, allocate(8), 0)
    const chain = ring.submit([
      { op: 'write', fd, buffer: Buffer.from('done'), position: 0, link: true },
      { op: 'fsync', fd, link: true },
      { op: 'read', fd: through, buffer: new Uint8Array(8), position: 0, link: true },
      { op: 'fsync', fd },
    ])
    const settled = Promise.allSettled([alone, shared, chain])
    const closed = ring.close()
    expect(ring.close()).toBe(closed)
    await closed
    expect(ring.inFlight).toBe(0)
    const [first, second, third] = await settled
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ECANCELED' } })
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ECANCELED' } })
    expect(third).toMatchObject({ status: 'rejected', reason: { code: 'ECANCELED' } })
    const { outcomes } = (third as PromiseRejectedResult).reason as BatchError
    // The write may have been done or cancelled; what it says is true.
    expect((outcomes[2] as UringError).code).toBe('ECANCELED')
    expect((outcomes[3] as UringError).code).toBe('ECANCELED')
    if (outcomes[0] === 4) expect(readFileSync(path, 'latin1')).toBe('done')
  })

  it('leaves what has been written, and says so', async () => {
    for (let round = 0; round < 20; round++) {
      const ring = new Ring({ entries: 256 })
      const { fd, path } = file()
      const writes = Array.from({ length: 200 }, (_, i) =>
        ring.write(fd, Buffer.alloc(1, 65), i, { dsync: i % 50 === 0 }),
      )
      const results = Promise.allSettled(writes)
      await ring.close()
      const content = readFileSync(path)
      for (const [i, result] of (await results).entries()) {
        if (result.status === 'fulfilled') expect(content[i]).toBe(65)
        else expect(result.reason).toMatchObject({ code: 'ECANCELED' })
      }
    }
  })

  it('may come twice, and every other call is refused afterwards', async () => {
    const ring = new Ring()
    const { fd } = file()
    await ring.close()
    await ring.close()
    const memory = allocate(16)
    for (const call of [
      () => ring.write(fd, memory, 0),
      () => ring.writeSync(fd, memory, 0),
      () => ring.writev(fd, [memory], 0),
      () => ring.read(fd, memory, 0),
      () => ring.fsync(fd),
      () => ring.submit([{ op: 'fsync', fd }]),
      () => ring.submitAndWait([{ op: 'fsync', fd }]),
      () => ring.registerFiles([fd]),
      () => ring.unregisterFiles(),
      () => ring.registerBuffers([memory]),
      () => ring.unregisterBuffers(),
    ]) {
      expect(await errorOf(call)).toMatchObject({ code: 'ERR_RING_CLOSED' })
    }
  })

  it('refuses new operations while it waits', async () => {
    const ring = new Ring()
    const { fd } = file()
    const reading = errorOf(() => ring.read(pipe(), allocate(1), 0))
    const closed = ring.close()
    expect(await errorOf(() => ring.fsync(fd))).toMatchObject({ code: 'ERR_RING_CLOSED' })
    expect(await errorOf(() => ring.fsyncSync(fd))).toMatchObject({ code: 'ERR_RING_CLOSED' })
    await closed
    expect(await reading).toMatchObject({ code: 'ECANCELED' })
  })

  it('goes with `await using`', async () => {
    const ring = new Ring()
    await ring[Symbol.asyncDispose]()
    expect(await errorOf(() => ring.fsync(0))).toMatchObject({ code: 'ERR_RING_CLOSED' })
  })

  it('gives the descriptor back, as dropping the ring does', async () => {
    await collect()
    const before = openDescriptors()
    const rings = Array.from({ length: 20 }, () => new Ring({ entries: 8 }))
    expect(openDescriptors()).toBe(before + 20)
    await Promise.all(rings.map((ring) => ring.close()))
    expect(openDescriptors()).toBe(before)
    for (let i = 0; i < 20; i++) new Ring({ entries: 8 }).fsyncSync(file().fd)
    const withFiles = openDescriptors()
    await collect()
    expect(openDescriptors()).toBe(withFiles - 20)
  })
})

it('a ring that was dropped with an operation under way still ends it', async () => {
  const through = pipe()
  const reading = new Ring().read(through, allocate(8), 0)
  await collect()
  openRing().writeSync(through, Buffer.from('x'), 0)
  expect(await reading).toBe(1)
})

describe('the process', () => {
  it('is not kept alive by an open ring', async () => {
    expect(
      await script(`new Ring(); const ring = new Ring()
      ring.fsyncSync(fs.openSync('${file().path}', 'r+')); console.log('ends')`),
    ).toBe('ends\n')
  })

  it('is kept alive by an operation under way', async () => {
    expect(
      await script(`const ring = new Ring()
        void ring.write(fs.openSync('${file().path}', 'r+'), Buffer.alloc(1 << 20), 0, { dsync: true })
          .then((n) => console.log('written', n))`),
    ).toBe('written 1048576\n')
  })

  it('ends at process.exit, with operations under way', async () => {
    const through = join(dir(), 'through')
    await run('mkfifo', [through])
    expect(
      await script(`const ring = new Ring()
        void ring.read(fs.openSync('${through}', 'r+'), allocate(100), 0)
        void ring.read(fs.openSync('${through}', 'r+'), Buffer.alloc(100), 0)
        console.log('exits'); process.exit()`),
    ).toBe('exits\n')
  })

  it('ends at an exception, with operations under way', async () => {
    const through = join(dir(), 'through')
    await run('mkfifo', [through])
    const error = await errorOf(() =>
      script(`const ring = new Ring()
        void ring.read(fs.openSync('${through}', 'r+'), allocate(100), 0)
        throw new Error('on purpose')`),
    )
    expect(error).toMatchObject({ code: 1, signal: null })
    expect(error.message).toContain('on purpose')
  })

  it('may exit in the middle of writes: what was acknowledged is there', async () => {
    for (let round = 0; round < 5; round++) {
      const path = join(dir(), 'data')
      const { stdout } = await run(
        process.execPath,
        [program('exit-mid-write.js'), path, String(round)],
        { timeout: 20_000 },
      )
      const acknowledged = stdout.trim().split('\n').filter(Boolean).map(Number)
      expect(acknowledged.length).toBeGreaterThan(0)
      const content = readFileSync(path)
      for (const block of acknowledged) {
        const bytes = content.subarray(block * 4096, (block + 1) * 4096)
        expect(bytes.equals(Buffer.alloc(4096, (block % 255) + 1))).toBe(true)
      }
    }
  })
})

describe('a worker', () => {
  it('has rings of its own', async () => {
    const { path } = file('from the worker')
    const worker = new Worker(
      `import(process.env.ENTRY).then(async ({ Ring, allocate }) => {
        const { openSync } = await import('node:fs')
        const ring = new Ring(); const into = allocate(15)
        const n = await ring.read(openSync(process.env.FILE, 'r'), into, 0)
        require('node:worker_threads').parentPort.postMessage([n, Buffer.from(into).toString()])
      })`,
      { eval: true, env: { ...process.env, ENTRY: entry, FILE: path } },
    )
    // It may come together with the message.
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    const message = await new Promise((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    )
    expect(message).toEqual([15, 'from the worker'])
    expect(await exited).toBe(0)
  })

  it('does not get another thread’s ring', async () => {
    const ring = openRing()
    const copy = structuredClone(ring) as Ring
    expect(copy).not.toBeInstanceOf(Ring)
    expect(await errorOf(() => Ring.prototype.fsyncSync.call(copy, 0))).toBeInstanceOf(TypeError)
  })

  it('may be terminated with operations under way', async () => {
    await collect()
    const before = openDescriptors()
    for (let round = 0; round < 12; round++) {
      const target = join(dir(), 'data')
      const worker = new Worker(program('busy-worker.js'), { workerData: { target, round } })
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
      await new Promise((resolve) => setTimeout(resolve, 5 * round))
      // It ends by itself in the even rounds.
      if (round % 2 === 1) await worker.terminate()
      else worker.postMessage('end')
      if (round % 2 === 0) await exited
    }
    await collect()
    expect(openDescriptors()).toBe(before)
  })
})
