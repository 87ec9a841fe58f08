/** What a program may do to a storage, its process and its threads: nothing acknowledged is lost, nothing leaks. */

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Log } from '@walrus/log'
import { mmap } from '@walrus/storage-mmap'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { auto, uring } from '../src/index.ts'

const STORAGES = { mmap, uring } as const
const usable = auto().storage.name === 'uring'
const writer = fileURLToPath(new URL('programs/writer.js', import.meta.url))
const reader = fileURLToPath(new URL('programs/reader.js', import.meta.url))

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-rough-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

async function entriesIn(path: string): Promise<string[]> {
  const log = await Log.open(path)
  const entries: string[] = []
  for await (const { data } of log.entries()) entries.push(Buffer.from(data).toString())
  await log.close()
  return entries
}

/** The entries a program said were acknowledged, and whether all of them are there. */
async function checkAcknowledged(path: string, said: string): Promise<number> {
  const there = new Set(await entriesIn(path))
  const acknowledged = said.split('\n').filter((line) => line !== '')
  expect(acknowledged.filter((entry) => !there.has(entry))).toEqual([])
  return acknowledged.length
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Maps of the test's files, and of rings. */
function maps(): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n')
  return lines.filter((line) => line.includes(dir) || line.includes('io_uring')).length
}

describe.runIf(usable).each(['mmap', 'uring'] as const)('%s', (name) => {
  const make = STORAGES[name]

  it('refuses every call on a closed file', async () => {
    const file = await make().open(join(dir, 'a'), 'create')
    await file.write(new Uint8Array(1024), 0, true)
    await file.close()
    const closed = expect.objectContaining({ code: 'WALRUS_CLOSED', file: join(dir, 'a') })
    const bytes = new Uint8Array(512)
    await expect(file.write(bytes, 0, true)).rejects.toThrow(closed)
    await expect(file.write(bytes, 0, false)).rejects.toThrow(closed)
    await expect(file.read(bytes, 0)).rejects.toThrow(closed)
    await expect(file.sync()).rejects.toThrow(closed)
    await expect(file.truncate(0)).rejects.toThrow(closed)
    await expect(file.size()).rejects.toThrow(closed)
    expect(() => file.writeSync(bytes, 0, true)).toThrow(closed)
    expect(() => file.syncSync()).toThrow(closed)
    expect(() => file.view(0, 1)).toThrow(closed)
    await file.close()
  })

  it('ends what is under way before a file is closed', async () => {
    const path = join(dir, 'a')
    const file = await make().open(path, 'create')
    const writes = Array.from({ length: 50 }, (_, n) =>
      file.write(new Uint8Array(512).fill(n), n * 512, true),
    )
    const syncing = file.sync()
    await file.close()
    await Promise.all([...writes, syncing])
    const written = readFileSync(path)
    expect(written.length).toBe(50 * 512)
    expect(written.every((byte, at) => byte === Math.floor(at / 512))).toBe(true)
  })

  it('writes at any offset and length, and reads beyond the end what there is', async () => {
    const file = await make().open(join(dir, 'a'), 'create')
    const whole = Buffer.alloc(20_000)
    for (let n = 0; n < 200; n++) {
      const at = (n * 7919) % 15_000
      const bytes = Buffer.alloc((n * 613) % 4999, n + 1)
      if (n % 2 === 0) await file.write(bytes, at, n % 3 === 0)
      else file.writeSync(bytes, at, n % 3 === 0)
      bytes.copy(whole, at)
    }
    const size = await file.size()
    const back = Buffer.alloc(30_000)
    expect(await file.read(back, 0)).toBe(size)
    expect(back.subarray(0, size).equals(whole.subarray(0, size))).toBe(true)
    expect(Buffer.from(file.view(0, 30_000)!).equals(back.subarray(0, size))).toBe(true)
    expect(await file.read(back, size + 1)).toBe(0)
    for (const at of [-1, 0.5, Number.NaN, 2 ** 53]) {
      const invalid = expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' })
      await expect(file.write(back, at, true)).rejects.toThrow(invalid)
      expect(() => file.writeSync(back, at, true)).toThrow(invalid)
      await expect(file.read(back, at)).rejects.toThrow(invalid)
    }
    await file.close()
  })

  it('is not hurt by memory that is given away, before an append or while it is under way', async () => {
    const log = await Log.open(dir, { storage: make() })
    const gone = new Uint8Array(100)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    const invalid = expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' })
    await expect(log.append(gone)).rejects.toThrow(invalid)
    expect(() => log.appendSync(gone)).toThrow(invalid)
    await expect(log.stream('orders').appendBatch([gone])).rejects.toThrow(invalid)
    const lent = new Uint8Array(1000).fill(65)
    const appending = log.append(lent)
    structuredClone(lent.buffer, { transfer: [lent.buffer] })
    expect(await appending).toBe(1)
    const { data } = log.view(1)
    await log.close()
    expect(await entriesIn(dir)).toEqual(['A'.repeat(1000)])
    // The view of a closed log is empty, and not an empty entry.
    const other = await Log.open(join(dir, 'other'), { storage: make() })
    await expect(other.append(data)).rejects.toThrow(invalid)
    expect(await other.append(new Uint8Array(0))).toBe(1)
    await other.close()
  })

  it.each(['exit', 'throw', 'SIGKILL', 'SIGTERM'] as const)(
    'keeps what was acknowledged when the process ends by %s with writes in flight',
    async (how) => {
      for (let round = 0; round < 3; round++) {
        const path = join(dir, String(round))
        const child = spawn(process.execPath, [writer, name, path, how, String(20 + round * 70)], {
          stdio: ['ignore', 'pipe', 'ignore'],
        })
        const ended = once(child, 'close') as Promise<[number | null, string | null]>
        const said = await text(child.stdout)
        const [code, signal] = await ended
        expect(signal ?? code).toBe({ exit: 0, throw: 1 }[how as 'exit' | 'throw'] ?? how)
        expect(await checkAcknowledged(path, said)).toBeGreaterThanOrEqual(20 + round * 70)
      }
    },
  )

  it('goes on while the process forks, and what was forked reads beside it and cannot write', async () => {
    const log = await Log.open(dir, { storage: make() })
    const exits: Promise<unknown[]>[] = []
    const appended: Promise<number>[] = []
    for (let n = 1; n <= 300; n++) {
      appended.push(log.append(`entry ${n}`))
      if (n % 100 === 50) exits.push(once(fork(reader, [name, dir], { stdio: 'inherit' }), 'exit'))
      if (n % 10 === 0) await appended.at(-1)
    }
    expect(await Promise.all(exits)).toEqual([
      [0, null],
      [0, null],
      [0, null],
    ])
    expect(await Promise.all(appended)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1))
    await log.close()
    expect(await entriesIn(dir)).toHaveLength(300)
  })

  it('serves worker threads, each with its own, also ones that are ended at any moment', async () => {
    const before = descriptors()
    const paths = Array.from({ length: 4 }, (_, at) => join(dir, String(at)))
    const said = await Promise.all(
      paths.map(async (path, at) => {
        const how = at % 2 === 0 ? 'return' : 'linger'
        const worker = new Worker(writer, { argv: [name, path, how, '100'], stdout: true })
        let lines = ''
        worker.on('message', (line: string) => {
          lines += `${line}\n`
          if (how === 'linger' && line === 'entry 60') void worker.terminate()
        })
        const [code] = (await once(worker, 'exit')) as [number]
        expect(code).toBe(how === 'linger' ? 1 : 0)
        return lines
      }),
    )
    for (const [at, path] of paths.entries()) {
      expect(await checkAcknowledged(path, said[at]!)).toBeGreaterThanOrEqual(60)
    }
    expect(descriptors()).toBeLessThanOrEqual(before + 2)
  })

  it('leaves nothing open however often it is made and opened', async () => {
    const round = async (n: number): Promise<void> => {
      const storage = make()
      const file = await storage.open(join(dir, 'a'), n === 0 ? 'create' : 'write')
      await file.write(new Uint8Array(512), 0, n % 8 === 0)
      expect(file.view(0, 512)).toHaveLength(512)
      await file.close()
    }
    for (let n = 0; n < 50; n++) await round(n)
    const [descriptorsBefore, mapsBefore] = [descriptors(), maps()]
    for (let n = 1; n <= 500; n++) await round(n)
    expect(descriptors()).toBeLessThanOrEqual(descriptorsBefore)
    expect(maps()).toBeLessThanOrEqual(mapsBefore)
  })

  it('can be made ten thousand times, and exhausts nothing', () => {
    make()
    const [before, mapsBefore] = [descriptors(), maps()]
    const storages = Array.from({ length: 10_000 }, () => make())
    expect(new Set(storages).size).toBe(10_000)
    expect(descriptors() - before).toBeLessThanOrEqual(0)
    expect(maps() - mapsBefore).toBeLessThanOrEqual(0)
    const file = storages[9_999]!.openSync(join(dir, 'a'), 'create')
    file.writeSync(new Uint8Array(512), 0, true)
    file.closeSync()
    expect(statSync(join(dir, 'a')).size).toBe(512)
  })
})
