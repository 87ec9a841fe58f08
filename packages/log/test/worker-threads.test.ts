/** A log in the worker threads of one process. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const ENTRIES = 500
const workers: Worker[] = []
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
})

function start(what: 'follow' | 'write'): Worker {
  const program = new URL('processes/log-worker.mjs', import.meta.url)
  const workerData = { dir: dir(), what, entries: ENTRIES }
  const worker = new Worker(program, { workerData, execArgv: [] })
  workers.push(worker)
  return worker
}

async function answer(worker: Worker): Promise<unknown> {
  const [message] = await once(worker, 'message')
  return message
}

describe('in worker threads', () => {
  it('any number read and follow while one thread writes', async () => {
    const log = await Log.open(dir(), { segmentBytes: 65_536 })
    const readers = [start('follow'), start('follow'), start('follow')]
    expect(await Promise.all(readers.map(answer))).toEqual(['open', 'open', 'open'])
    const read = Promise.all(readers.map(answer))
    const expected = Array.from({ length: ENTRIES }, (_, n) => `entry ${n} ${'x'.repeat(300)}`)
    for (const each of expected) await log.append(each)
    for (const found of await read) expect(found).toEqual(expected)
    await log.close()
  })

  it('a second writer is refused, also in a thread of the same process', async () => {
    const log = await Log.open(dir())
    expect(await answer(start('write'))).toBe('WALRUS_LOCKED')
    await log.close()
    expect(await answer(start('write'))).toBe('written')
  })

  it('a writer whose thread is ended lets the next one in, with all it acknowledged', async () => {
    const writing = start('write')
    const reader = await opened()
    await expect.poll(() => reader.refresh().then(() => reader.lastIndex)).toBeGreaterThan(20)
    const acknowledged = reader.lastIndex
    await writing.terminate()
    const log = await Log.open(dir())
    expect(log.lastIndex).toBeGreaterThanOrEqual(acknowledged)
    expect(Buffer.from((await log.get(1)).data).toString()).toBe('worker 0')
    await reader.close()
    await log.close()
  })
})

/** The log opened for reading, as soon as it is there. */
async function opened(): Promise<Log> {
  let log: Log | undefined
  await expect
    .poll(async () => {
      log ??= await Log.open(dir(), { readOnly: true }).catch(() => undefined)
      return log
    })
    .toBeDefined()
  return log!
}
