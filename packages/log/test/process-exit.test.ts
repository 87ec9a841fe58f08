import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const packageDir = fileURLToPath(new URL('..', import.meta.url))

/** Runs a program that finds the log's directory in `dir`; what it prints, and how it ends. */
async function run(program: string): Promise<{ printed: string; code: number | null }> {
  const code = `import { Log } from '@walrus/log'\nconst dir = ${JSON.stringify(dir())}\n${program}`
  const args = ['--input-type=module', '--eval', code]
  const child = spawn(process.execPath, args, {
    cwd: packageDir,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  })
  const exited = once(child, 'exit')
  const printed = await text(child.stdout)
  const [exitCode] = (await exited) as [number | null]
  return { printed, code: exitCode }
}

describe('a process whose log was left open', () => {
  it.each(["'commit'", '{ everyMs: 60_000 }', "'none'"])(
    'comes to its end by itself, under %s, and what was acknowledged is there',
    async (durability) => {
      const { printed, code } = await run(`
        const log = await Log.open(dir, { durability: ${durability} })
        console.log(await log.append('acknowledged'))
        log.appendSync('too')
      `)
      expect(printed).toBe('1\n')
      expect(code).toBe(0)
      const log = await Log.open(dir())
      expect(log.lastIndex).toBe(2)
      await log.close()
    },
  )

  it.each(["'commit'", '{ everyMs: 60_000 }', "'none'"])(
    'first brings outstanding appends to their end, under %s',
    async (durability) => {
      const { printed, code } = await run(`
        const log = await Log.open(dir, { durability: ${durability}, bufferBytes: 65_536, segmentBytes: 65_536 })
        const appended = Array.from({ length: 50 }, () => log.append(new Uint8Array(20_000)))
        Promise.all(appended).then((indexes) => console.log(indexes.length))
      `)
      expect(printed).toBe('50\n')
      expect(code).toBe(0)
      const log = await Log.open(dir())
      expect(await log.range(1, 99)).toHaveLength(50)
      await log.close()
    },
  )

  it('waits for space for what appendSync has promised', async () => {
    const { code, printed } = await run(`
      import { fd } from '@walrus/segment'
      import { WalrusError } from '@walrus/codec'
      const inner = fd()
      let fullUntil = 0
      const open = async (path, mode) => {
        const file = await inner.open(path, mode)
        const { writeSync } = file
        file.writeSync = (from, at, durable) => {
          if (Date.now() < fullUntil) throw new WalrusError('WALRUS_DISK_FULL', 'no space')
          writeSync.call(file, from, at, durable)
        }
        return file
      }
      const log = await Log.open(dir, { durability: 'none', storage: { ...inner, open } })
      fullUntil = Date.now() + 600
      console.log(log.appendSync('promised'))
    `)
    expect(printed).toBe('1\n')
    expect(code).toBe(0)
    const log = await Log.open(dir())
    expect(log.lastIndex).toBe(1)
    await log.close()
  })

  it('comes to its end also with a reader and an iteration that was left', async () => {
    const { printed, code } = await run(`
      const log = await Log.open(dir)
      await log.append('x')
      const reader = await Log.open(dir, { readOnly: true })
      await reader.refresh()
      for await (const { index } of reader.entries({ follow: true })) {
        console.log(index)
        break
      }
      for await (const { index } of log.entries({ follow: true })) {
        console.log(index)
        break
      }
    `)
    expect(printed).toBe('1\n1\n')
    expect(code).toBe(0)
  })

  it('dies with its error, not with one of the log', async () => {
    const { code, printed } = await run(`
      const log = await Log.open(dir)
      process.on('exit', () => console.log('exit handlers are run'))
      const appended = log.append('x')
      process.exit(7)
    `)
    expect(printed).toBe('exit handlers are run\n')
    expect(code).toBe(7)
    const log = await Log.open(dir())
    expect(log.lastIndex).toBeLessThanOrEqual(1)
    await log.close()
  })
})

describe('a process that follows a log', () => {
  it('stays, though it does nothing else', async () => {
    const writer = await Log.open(dir())
    const done = run(`
      const log = await Log.open(dir, { readOnly: true })
      for await (const { data } of log.entries({ follow: true })) {
        console.log(Buffer.from(data).toString())
        if (data.length === 0) break
      }
    `)
    await new Promise((resolve) => setTimeout(resolve, 400))
    await writer.append('first')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await writer.appendBatch(['second', ''])
    expect(await done).toEqual({ printed: 'first\nsecond\n\n', code: 0 })
    await writer.close()
  })
})

describe('an unhandled moment', () => {
  it('is never made by the log: refused calls reject where they were made', async () => {
    const { printed, code } = await run(`
      process.on('unhandledRejection', (error) => console.log('unhandled', error.code))
      const log = await Log.open(dir, { maxEntryBytes: 10 })
      const stop = new AbortController()
      const waiting = log.append('x', { signal: stop.signal, timeoutMs: 1_000 })
      stop.abort()
      await waiting.catch((error) => console.log(error.code))
      await log.append('x'.repeat(11)).catch((error) => console.log(error.code))
      const follower = log.entries({ follow: true, from: 5 })
      const next = follower.next()
      await log.close()
      await next.catch((error) => console.log(error.code))
      await log.append('x').catch((error) => console.log(error.code))
      const iterator = (await Log.open(dir)).entries()
      await iterator.next()
      await iterator.return()
    `)
    expect(printed).toBe('WALRUS_ABORTED\nWALRUS_ENTRY_TOO_LARGE\nWALRUS_CLOSED\nWALRUS_CLOSED\n')
    expect(code).toBe(0)
  })
})
