/** Two processes and one log: the second is told who has it, and has everything once the first is killed. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { pick, randomFrom } from '@walrus/storage-sim'
import { DURABILITIES, nameOf } from './workload.ts'

const PROGRAM = fileURLToPath(new URL('processes/appender.mjs', import.meta.url))
const WAYS = ['append', 'appendBatch', 'appendSync'] as const
/** How often a writer is killed, and the next one goes on. */
const KILLS = Number(process.env['WALRUS_TEST_KILLS'] ?? 3)
const SEGMENT_BYTES = 0x1_0000

const directory = freshDirectory()
const children = new Set<ChildProcess>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

/** A process that appends; `lines` are what it printed so far. */
class Appender {
  readonly child: ChildProcess
  #printed = ''

  constructor(dir: string, durability: Durability, way: (typeof WAYS)[number]) {
    const argv = [PROGRAM, dir, JSON.stringify(durability), way]
    this.child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.add(this.child)
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => {
      this.#printed += text
    })
  }

  /** Whole lines only: the last may have been cut by the kill. */
  get lines(): string[] {
    return this.#printed.split('\n').slice(0, -1)
  }

  async printed(count: number): Promise<void> {
    while (this.lines.length < count) await once(this.child.stdout!, 'data')
  }

  async kill(): Promise<number> {
    const ended = once(this.child.stdout!, 'end')
    this.child.kill('SIGKILL')
    await ended
    children.delete(this.child)
    return Math.max(0, ...this.lines.slice(1).map(Number))
  }
}

function payload(index: number): string {
  return `${index}:`.padEnd(20 + ((index * 997) % 3000), `${index} `)
}

async function contents(log: Log): Promise<string[]> {
  const entries: string[] = []
  for await (const { data } of log.entries()) entries.push(Buffer.from(data).toString())
  return entries
}

describe('while one process has a log', () => {
  it('another is told which, and gets it when that is killed', async () => {
    const appender = new Appender(directory(), 'commit', 'append')
    await appender.printed(2)
    const { pid } = appender.child
    await expect(Log.open(directory())).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      message: expect.stringMatching(new RegExp(`process ${pid} on host "${hostname()}"`)),
      holder: { pid, host: hostname() },
    })
    await appender.kill()
    const log = await Log.open(directory())
    await log.close()
  })

  it('another in the same process is told so too', async () => {
    const log = await Log.open(directory())
    await expect(Log.open(directory())).rejects.toMatchObject({
      code: 'WALRUS_LOCKED',
      holder: { pid: process.pid },
    })
    await log.close()
    const again = await Log.open(directory())
    await again.close()
  })
})

describe('a killed writer loses nothing that it acknowledged', () => {
  const each = DURABILITIES.flatMap((durability) =>
    WAYS.filter((way) => durability !== 'none' || way !== 'appendSync').map(
      (way) => [nameOf(durability), way, durability] as const,
    ),
  )

  it.for(each)('%s, %s', async ([, way, durability]) => {
    const dir = directory()
    const random = randomFrom(WAYS.indexOf(way) + 3 * DURABILITIES.indexOf(durability))
    let before = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const appender = new Appender(dir, durability, way)
      await appender.printed(2)
      await new Promise((resolve) => setTimeout(resolve, pick(random, 60)))
      const acknowledged = await appender.kill()
      expect(acknowledged).toBeGreaterThan(before)
      const log = await Log.open(dir, { segmentBytes: SEGMENT_BYTES })
      const entries = await contents(log)
      expect(entries.length).toBeGreaterThanOrEqual(acknowledged)
      expect(entries).toEqual(entries.map((_, at) => payload(at + 1)))
      if (way === 'appendBatch') expect(entries.length % 3).toBe(0)
      before = entries.length
      await log.close()
    }
  })
})
